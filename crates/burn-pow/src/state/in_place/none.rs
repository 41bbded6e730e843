//! Without the feature wgpu no tensor is hashed on a GPU.

use burn::tensor::{Int, Tensor};
use pow_core::hash::TreeRoot;
use pow_core::tensor::TensorInfo;

/// There is none.
pub(crate) enum GpuTensor {}

impl GpuTensor {
    pub(crate) fn float<const D: usize>(_: &Tensor<D>) -> Option<Self> {
        None
    }

    pub(crate) fn int<const D: usize>(_: &Tensor<D, Int>) -> Option<Self> {
        None
    }

    pub(crate) fn info<'a>(&'a self, _path: &'a str) -> TensorInfo<'a> {
        match *self {}
    }
}

/// There is none.
#[derive(Debug)]
pub(crate) enum InPlace {}

impl InPlace {
    pub(crate) fn is_of_no_use(&mut self) {
        match *self {}
    }

    pub(crate) fn roots(&mut self, _: &[GpuTensor]) -> Vec<Option<TreeRoot>> {
        match *self {}
    }
}
