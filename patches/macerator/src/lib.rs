//! Vectors of one width, in place of those that Burn's CPU backend takes from the
//! registry.
//!
//! The registry's `macerator` uses AVX-512 where a CPU has it, AVX2 elsewhere, and NEON
//! on ARM. Its sums then have 16, 8 or 4 lanes, which gives other bits. Burn's crates force
//! the feature that does this. On x86-64 this crate is the release before, without
//! that feature: 8 lanes on every CPU with AVX2. On other CPUs it has vectors of its own,
//! of 8 lanes too. It has all that `burn-flex` uses.

#[cfg(target_arch = "x86_64")]
pub use previous::*;

#[cfg(any(test, not(target_arch = "x86_64")))]
#[allow(
    unsafe_code,
    reason = "the interface of the registry's crate has pointers"
)]
mod wide;
#[cfg(not(target_arch = "x86_64"))]
pub use {previous::with_simd, wide::*};

/// Picks the vectors of this CPU, but never those of AVX-512.
///
/// The name of this type's path shows at run time that this crate is linked, and not
/// the registry's.
#[derive(Default)]
pub struct AutoArch {
    #[cfg(target_arch = "x86_64")]
    previous: previous::AutoArch,
}

impl AutoArch {
    /// Looks at the CPU.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `operation` with these vectors.
    pub fn dispatch<Op: WithSimd>(self, operation: Op) -> Op::Output {
        #[cfg(target_arch = "x86_64")]
        return self.previous.dispatch(operation);
        #[cfg(not(target_arch = "x86_64"))]
        return operation.with_simd::<Wide>();
    }
}

#[cfg(test)]
mod tests;
