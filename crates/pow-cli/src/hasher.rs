//! How the program hashes headers, trees and tensors.

use pow_audit::RunHasher;

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
