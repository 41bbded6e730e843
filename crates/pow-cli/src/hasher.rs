//! How the program hashes tensors.

use pow_core::tensor::TensorHasher;

/// Hashes tensors. With the engines, it hashes several chunks at a time.
#[cfg(feature = "mine")]
pub fn hasher() -> impl TensorHasher {
    pow_cpu::Lanes::fastest()
}

/// Hashes tensors, one chunk at a time.
#[cfg(not(feature = "mine"))]
pub fn hasher() -> impl TensorHasher {
    pow_core::hash::PlainSha2
}
