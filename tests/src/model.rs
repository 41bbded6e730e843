//! The model of the recorded run: a few tensors whose bytes are a function of
//! the seed and the step.

use pow_core::hash::ParameterRoot;
use pow_core::tensor::{DType, TensorInfo, TensorSet};
use pow_ledger::Tensor;

/// A tensor that owns what it is made of.
#[derive(Clone, Debug)]
pub struct OwnedTensor {
    /// Path within the model.
    pub path: String,
    /// Element type.
    pub dtype: DType,
    /// Dimensions; empty for a scalar.
    pub dims: Vec<u64>,
    /// Raw little-endian element bits.
    pub data: Vec<u8>,
}

impl OwnedTensor {
    /// Path, dtype and dims.
    pub fn info(&self) -> TensorInfo<'_> {
        TensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }
}

/// The shapes: a scalar, an empty one, one of two chunks and one of a single
/// byte among them.
const SHAPES: [(&str, DType, &[u64]); 6] = [
    ("conv.weight", DType::F32, &[4, 3, 2, 1]),
    ("conv.bias", DType::F32, &[4]),
    ("embedding.weight", DType::F32, &[33, 40]),
    ("norm.count", DType::I64, &[]),
    ("norm.mask", DType::Bool, &[1]),
    ("unused", DType::F64, &[0, 7]),
];

/// The parameters of a run with `seed` after `step` steps.
pub fn parameters(seed: u64, step: u64) -> Vec<OwnedTensor> {
    SHAPES
        .iter()
        .enumerate()
        .map(|(i, (path, dtype, dims))| tensor(path, *dtype, dims, [seed, step, i as u64]))
        .collect()
}

/// What an optimizer with one moment holds after `step` steps: nothing before
/// the first.
pub fn moments(seed: u64, step: u64) -> Vec<OwnedTensor> {
    SHAPES
        .iter()
        .enumerate()
        .filter(|_| step > 0)
        .map(|(i, (path, dtype, dims))| {
            let path = format!("{path}#moment_1");
            tensor(&path, *dtype, dims, [seed, step, 100 + i as u64])
        })
        .collect()
}

fn tensor(path: &str, dtype: DType, dims: &[u64], seeds: [u64; 3]) -> OwnedTensor {
    let mut state = seeds.iter().fold(0, |state, seed| mix(state ^ seed));
    let len = dims.iter().product::<u64>() * dtype.size();
    let data = (0..len)
        .map(|_| {
            state = mix(state);
            // A boolean is one byte, 0 or 1.
            let byte = (state >> 56) as u8;
            if dtype == DType::Bool { byte & 1 } else { byte }
        })
        .collect();
    OwnedTensor {
        path: path.into(),
        dtype,
        dims: dims.into(),
        data,
    }
}

/// One step of SplitMix64: a small generator that never changes.
pub fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The root over tensors.
pub fn root(tensors: &[OwnedTensor]) -> ParameterRoot {
    let mut set = TensorSet::new();
    for tensor in tensors {
        set.insert(&tensor.info(), &tensor.data).unwrap();
    }
    set.root()
}

/// The same tensors as the ledger takes them.
pub fn borrowed(tensors: &[OwnedTensor]) -> Vec<Tensor<'_>> {
    tensors
        .iter()
        .map(|tensor| Tensor {
            info: tensor.info(),
            data: &tensor.data,
        })
        .collect()
}
