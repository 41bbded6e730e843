//! The order in which a run sees its samples. A pure function decides it.
//!
//! Epoch *e* visits the samples `0` to `items - 1`, both inclusive. They are
//! sorted by the first 8 bytes, little-endian, of `tagged("order", dataset root
//! ‖ seed ‖ e ‖ index)`; the smaller index comes first if these are equal.
//! Batch *b* of the epoch has `batch` samples from position `b·batch` on. The
//! last batch may have fewer. So anybody who has the genesis block can compute
//! every batch digest, without the data and the code.

mod bound;
mod digest;
mod sampled;
mod schedule;
mod seeded;
mod table;

pub use bound::{BoundBatches, BoundOrder};
pub use digest::{BatchHasher, DatasetHasher, UnalignedPart};
pub use sampled::{SampledOrder, SampledRule, Sampler, TableError};
pub use schedule::{EpochOrder, EpochSchedule};
pub use seeded::SeededOrder;
pub use table::OrderTable;

use crate::hash::{Tag, TaggedHasher};

fn first_u64(hasher: TaggedHasher) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hasher.finish();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The seed under which a sample is changed at random, for instance turned or cropped.
/// It is the first 8 bytes, little-endian, of `tagged("augment", seed ‖ epoch ‖ sample ‖
/// draw)`, where `seed` is the run's, `epoch` is counted from 0, and `draw` is the number
/// of times that the epoch has shown this sample before. So it depends neither on the
/// sample's batch nor on the thread that makes it.
///
/// ```
/// use pow_core::order::sample_seed;
/// assert_ne!(sample_seed(7, 0, 3, 0), sample_seed(7, 1, 3, 0));
/// ```
pub fn sample_seed(seed: u64, epoch: u64, sample: u32, draw: u32) -> u64 {
    first_u64(
        Tag::Augment
            .hasher()
            .chain(&seed.to_le_bytes())
            .chain(&epoch.to_le_bytes())
            .chain(&sample.to_le_bytes())
            .chain(&draw.to_le_bytes()),
    )
}

/// The seed of the device's random number generator before micro-batch
/// `position`, counted from 0 over the whole run. It is the first 8 bytes,
/// little-endian, of `tagged("seed", seed ‖ position)`, where `seed` is the
/// run's. So random numbers, such as those of dropout, are the same whether a
/// run was interrupted or not.
///
/// ```
/// use pow_core::order::device_seed;
/// assert_ne!(device_seed(7, 0), device_seed(7, 1));
/// ```
pub fn device_seed(seed: u64, position: u64) -> u64 {
    first_u64(
        Tag::Seed
            .hasher()
            .chain(&seed.to_le_bytes())
            .chain(&position.to_le_bytes()),
    )
}
