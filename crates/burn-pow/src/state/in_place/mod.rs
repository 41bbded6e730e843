//! Tensors in the memory of a GPU, hashed where they lie.

#[cfg(feature = "wgpu")]
mod gpu;
#[cfg(feature = "wgpu")]
mod gpu_tensor;
#[cfg(not(feature = "wgpu"))]
mod none;

#[cfg(not(feature = "wgpu"))]
pub(crate) use none::{GpuTensor, InPlace};
#[cfg(feature = "wgpu")]
pub(crate) use {gpu::InPlace, gpu_tensor::GpuTensor};
