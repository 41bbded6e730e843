//! Data loaders for training. The order of a [`SeededLoader`] can be recomputed
//! by anybody from the run's first block.

mod adapted;
mod bound;
mod canonical;
mod cursor;
mod epoch;
mod iterations;
mod maker;
mod registry;
mod root;
mod root_file;
mod sampling;
mod seeded;
mod workers;

pub(crate) use adapted::Adapted;
pub(crate) use bound::{Bound, Keys};
pub use canonical::CanonicalBytes;
pub(crate) use canonical::unstable_item;
pub use cursor::{Cursor, Tracked};
pub(crate) use maker::Augment;
pub use maker::SampleSeed;
pub(crate) use registry::LoaderRegistry;
pub use root::dataset_root;
pub(crate) use root::{NoRoot, root_unless};
pub(crate) use root_file::kept_root;
pub use sampling::Sampling;
pub use seeded::{LoaderError, SeededLoader};
