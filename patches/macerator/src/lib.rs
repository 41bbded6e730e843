//! Vectors of one width, in place of those that Burn's CPU backend takes from the
//! registry.
//!
//! The registry's `macerator` uses AVX-512 where a CPU has it, and AVX2 elsewhere. Its
//! sums then have 16 or 8 lanes, which gives other bits. Burn's crates force the feature
//! that does this. This crate is the release before, without that feature: 8 lanes
//! on every x86-64 CPU with AVX2. It has all that `burn-flex` uses.

pub use previous::*;

/// Picks the vectors of this CPU, but never those of AVX-512.
///
/// The name of this type's path shows at run time that this crate is linked, and not
/// the registry's.
#[derive(Default)]
pub struct AutoArch(previous::AutoArch);

impl AutoArch {
    /// Looks at the CPU.
    pub fn new() -> Self {
        AutoArch(previous::AutoArch::new())
    }

    /// Runs `operation` with these vectors.
    pub fn dispatch<Op: WithSimd>(self, operation: Op) -> Op::Output {
        self.0.dispatch(operation)
    }
}
