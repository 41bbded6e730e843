//! Roots of published models, the step of a run that has the same tensors, and the difference
//! of two models.
//!
//! A model of safetensors files has the same root wherever it lies, in one file or in several:
//! [`fingerprint`]. [`locate`] looks for it in a run, and if no step has it, for each of its
//! tensors. [`diff`] says how far two models are apart.
//!
//! Tensors are read in pieces, so memory does not grow with them.

mod convert;
mod diff;
mod fingerprint;
mod locate;
mod pieces;

pub use diff::{Distance, ModelDiff, TensorDiff, TensorDifference, ValueDifference, diff};
pub use fingerprint::{Fingerprint, TensorFingerprint, fingerprint, fingerprint_stream};
pub use locate::{
    CommittedStep, ExactSteps, LocateProgress, Located, Nearest, Standing, TensorStanding, locate,
};

use pow_core::tensor::TensorHasher;
use std::fmt;
use std::num::NonZeroUsize;

/// What the work is done with.
#[derive(Clone, Copy)]
pub struct Workers<'a> {
    /// Hashes the chunks of tensors.
    pub hasher: &'a (dyn TensorHasher + Sync),
    /// How many threads work.
    pub threads: NonZeroUsize,
    /// Is told how many more bytes were read. Each thread calls it.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl fmt::Debug for Workers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
