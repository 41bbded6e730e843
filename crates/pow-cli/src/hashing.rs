//! How tensors are hashed.

use pow_audit::published::Workers;
use pow_core::tensor::TensorHasher;
use std::num::NonZeroUsize;

/// Hashes tensors. With the engines, it hashes several chunks at a time.
#[cfg(feature = "mine")]
pub fn hasher() -> impl TensorHasher + Sync {
    pow_cpu::Lanes::fastest()
}

/// Hashes tensors, one chunk at a time.
#[cfg(not(feature = "mine"))]
pub fn hasher() -> impl TensorHasher + Sync {
    pow_core::hash::PlainSha2
}

/// All cores of this machine, with this hasher.
pub fn workers<'a>(
    hasher: &'a (dyn TensorHasher + Sync),
    progress: &'a (dyn Fn(u64) + Sync),
) -> Workers<'a> {
    Workers {
        hasher,
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        progress,
    }
}
