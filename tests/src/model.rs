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

/// Path, dtype and dims of a model's tensors.
pub type Shapes = &'static [(&'static str, DType, &'static [u64])];

/// A scalar, an empty one, one of two chunks and one of a single byte among
/// them.
pub const SHAPES: Shapes = &[
    ("conv.weight", DType::F32, &[4, 3, 2, 1]),
    ("conv.bias", DType::F32, &[4]),
    ("embedding.weight", DType::F32, &[33, 40]),
    ("norm.count", DType::I64, &[]),
    ("norm.mask", DType::Bool, &[1]),
    ("unused", DType::F64, &[0, 7]),
];

/// The fewest bytes that still are a model.
pub const SMALL: Shapes = &[
    ("linear.weight", DType::F32, &[2, 3]),
    (ODD_FLOATS, DType::F32, &[2]),
];

/// The tensor that always holds −0 and a NaN with a payload.
pub const ODD_FLOATS: &str = "odd_floats";

/// The parameters of a run with `seed` after `step` steps.
pub fn parameters(shapes: Shapes, seed: u64, step: u64) -> Vec<OwnedTensor> {
    shapes
        .iter()
        .enumerate()
        .map(|(i, (path, dtype, dims))| tensor(path, *dtype, dims, [seed, step, i as u64]))
        .collect()
}

/// What an optimizer with one moment holds after `step` steps: nothing before
/// the first.
pub fn moments(shapes: Shapes, seed: u64, step: u64) -> Vec<OwnedTensor> {
    shapes
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
    let odd_floats = [(-0f32).to_bits(), f32::NAN.to_bits() | 1];
    let data = (0..len)
        .map(|at| {
            if path == ODD_FLOATS {
                return odd_floats[at as usize / 4].to_le_bytes()[at as usize % 4];
            }
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

/// A safetensors file with this header and data.
pub fn tensor_file(header: &str, data: &[u8]) -> Vec<u8> {
    let len = (header.len() as u64).to_le_bytes();
    [&len, header.as_bytes(), data].concat()
}

/// Every type of elements.
pub const DTYPES: [DType; 13] = {
    use DType::*;
    [
        Bool, U8, I8, U16, I16, F16, Bf16, U32, I32, F32, U64, I64, F64,
    ]
};

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
