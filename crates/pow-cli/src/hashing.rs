//! How headers, trees and tensors are hashed.

use pow_audit::RunHasher;
use pow_audit::published::Workers;
use pow_core::tensor::TensorHasher;
use std::num::NonZeroUsize;

/// With the engines, hashes several blocks, nodes or chunks at a time.
#[cfg(feature = "mine")]
pub fn hasher() -> impl RunHasher {
    pow_cpu::Lanes::fastest()
}

/// Without them, hashes one at a time.
#[cfg(not(feature = "mine"))]
pub fn hasher() -> impl RunHasher {
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
