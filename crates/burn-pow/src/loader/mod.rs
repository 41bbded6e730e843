//! A data loader whose order anybody can recompute from a run's first block.

pub(crate) mod adapted;
mod bound;
mod canonical;
mod iterations;
mod seeded;

pub(crate) use bound::{Bound, Keys};
pub use canonical::CanonicalBytes;
pub(crate) use iterations::{Fate, Watch};
pub use seeded::{Cursor, LoaderError, SeededLoader, Tracked, dataset_root};
