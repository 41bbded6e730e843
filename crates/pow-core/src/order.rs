//! The order in which a run sees its samples, as a pure function.
//!
//! Epoch *e* visits the samples `0 … items - 1` sorted by the first 8 bytes,
//! little-endian, of `tagged("order", dataset root ‖ seed ‖ e ‖ index)`, the
//! index breaking a tie. Batch *b* of the epoch holds the samples at
//! positions `b·batch …`; the last batch may be smaller. So anybody who holds
//! genesis can recompute every batch digest, without the data or the code.

mod bound;
mod digest;
mod seeded;

pub use bound::{BoundBatches, BoundOrder};
pub use digest::{BatchHasher, DatasetHasher};
pub use seeded::{SeededOrder, SeededSchedule};

use crate::hash::{Tag, TaggedHasher};

fn first_u64(hasher: TaggedHasher) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hasher.finish();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// What a run with `seed` seeds its device with before micro-batch `position`
/// (counted from zero over the whole run): the first 8 bytes, little-endian,
/// of `tagged("seed", seed ‖ position)`. So random numbers, dropout's for one,
/// are the same whether a run was interrupted or not.
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
