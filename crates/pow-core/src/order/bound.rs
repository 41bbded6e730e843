//! The bound order. The samples of a segment follow from the hash of a block
//! that was mined before it.
//!
//! A trainer who wants another order must mine another block: the best of *K*
//! orders costs *K* times the work of one. Under a seeded order it only costs
//! another seed.

use crate::hash::{BatchDigest, BlockHash, DatasetRoot, Tag};
use crate::order::{BatchHasher, first_u64};
use crate::step::StepNumber;
use alloc::vec::Vec;
use core::num::{NonZeroU32, NonZeroU64};
use core::ops::Range;

/// Everything that the order depends on, except the blocks.
///
/// Segment *s*, counted from 0, consists of the steps *s · interval* + 1 to
/// (*s* + 1) · *interval*, both inclusive. Its key is the hash of the block
/// that seals the last step of segment *s* − *lag*. The first *lag* segments
/// have the key zero. At the start of a segment, and of an epoch within it, the
/// samples that this epoch has not yet seen are sorted. They are sorted by the
/// first 8 bytes, little-endian, of `tagged("bound", key ‖ dataset root ‖ seed
/// ‖ epoch ‖ index)`; the smaller index comes first if these are equal. So an
/// epoch sees every sample once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundOrder {
    /// Root over the dataset's items.
    pub dataset: DatasetRoot,
    /// The run's seed.
    pub seed: u64,
    /// The number of samples.
    pub items: NonZeroU32,
    /// Samples in a micro-batch. The last micro-batch of an epoch may have
    /// fewer.
    pub batch: NonZeroU32,
    /// Micro-batches in a step. The last step of an epoch may have fewer.
    pub accumulation: NonZeroU32,
    /// Steps in a segment: the checkpoint interval.
    pub interval: NonZeroU64,
    /// The key of a segment is the hash of the block that seals the last step
    /// of the segment this many places before it.
    pub lag: NonZeroU32,
}

impl BoundOrder {
    /// The number of micro-batches in an epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        self.items.get().div_ceil(self.batch.get()).into()
    }

    /// The number of optimizer steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches_per_epoch()
            .div_ceil(self.accumulation.get().into())
    }

    /// The segment of the step after `taken` steps.
    fn segment_after(&self, taken: u64) -> u64 {
        taken / self.interval
    }

    /// The step whose block gives the key of a segment. `None` for the first
    /// *lag* segments.
    fn key_step(&self, segment: u64) -> Option<StepNumber> {
        let before = (segment + 1).checked_sub(self.lag.get().into())?;
        (before > 0).then_some(StepNumber(before * self.interval.get()))
    }

    /// The micro-batches, starting with the first one of `epoch`.
    pub fn from_epoch(self, epoch: u64) -> BoundBatches {
        BoundBatches {
            order: self,
            epoch,
            next: 0,
            left: (0..self.items.get()).collect(),
            at: 0,
            drawn: None,
        }
    }

    /// The cost of [`BoundBatches::digest`] of these steps: the number of
    /// samples hashed, and the number of times that samples (at most those of
    /// an epoch) are sorted.
    pub fn cost(&self, steps: &Range<u64>) -> (u128, u64) {
        let per_step = u64::from(self.batch.get()) * u64::from(self.accumulation.get());
        let per_step = per_step.min(self.items.get().into());
        let count = steps.end.saturating_sub(steps.start);
        let begun = |every: u64| {
            let before = |step: u64| step.div_ceil(every);
            before(steps.end).saturating_sub(before(steps.start))
        };
        let sorts = begun(self.steps_per_epoch()).saturating_add(begun(self.interval.get()));
        (u128::from(count) * u128::from(per_step), sorts)
    }
}

/// The micro-batches of a [`BoundOrder`], one after another.
///
/// ```
/// use core::num::{NonZeroU32, NonZeroU64};
/// use pow_core::{body::StepNumber, hash::{BlockHash, DatasetRoot}, order::BoundOrder};
/// let order = BoundOrder {
///     dataset: DatasetRoot([0; 32]),
///     seed: 7,
///     items: NonZeroU32::new(6).unwrap(),
///     batch: NonZeroU32::new(2).unwrap(),
///     accumulation: NonZeroU32::MIN,
///     interval: NonZeroU64::new(2).unwrap(),
///     lag: NonZeroU32::MIN,
/// };
/// let mut batches = order.from_epoch(0);
/// let mut seen: Vec<u32> = Vec::new();
/// seen.extend(batches.next(BlockHash::ZERO));
/// seen.extend(batches.next(BlockHash::ZERO));
/// // Step 3 is in the second segment.
/// assert_eq!(batches.key_step(), Some(StepNumber(2)));
/// seen.extend(batches.next(BlockHash([1; 32])));
/// seen.sort();
/// assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
/// ```
#[derive(Clone, Debug)]
pub struct BoundBatches {
    order: BoundOrder,
    epoch: u64,
    /// Index of the next micro-batch within the epoch.
    next: u64,
    /// The epoch's samples: first those that were seen, then the others.
    left: Vec<u32>,
    /// How many were seen.
    at: usize,
    /// The segment for which the samples not yet seen are sorted.
    drawn: Option<u64>,
}

impl BoundBatches {
    /// The epoch of the next micro-batch, and its index within the epoch. Both
    /// are counted from 0.
    pub fn position(&self) -> (u64, u64) {
        (self.epoch, self.next)
    }

    /// The number of steps before the one that the next micro-batch belongs to.
    fn steps_before(&self) -> u64 {
        let of_epoch = self.next / u64::from(self.order.accumulation.get());
        self.epoch
            .saturating_mul(self.order.steps_per_epoch())
            .saturating_add(of_epoch)
    }

    /// The key of the next micro-batch is the hash of the block with this step.
    /// `None` if the key is zero.
    pub fn key_step(&self) -> Option<StepNumber> {
        let segment = self.order.segment_after(self.steps_before());
        self.order.key_step(segment)
    }

    /// The samples of the next micro-batch. `key` is the hash of the block that
    /// seals [`key_step`](Self::key_step), or zero if there is no such step.
    pub fn next(&mut self, key: BlockHash) -> &[u32] {
        let segment = self.order.segment_after(self.steps_before());
        if self.drawn != Some(segment) {
            self.draw(key);
            self.drawn = Some(segment);
        }
        let from = self.at;
        let batch = self.order.batch.get() as usize;
        self.at = self.left.len().min(from.saturating_add(batch));
        self.next += 1;
        if self.at == self.left.len() {
            // The returned samples are not moved until the next call.
            self.epoch = self.epoch.saturating_add(1);
            self.next = 0;
            self.drawn = None;
        }
        &self.left[from..self.at]
    }

    /// Sorts the samples not yet seen.
    fn draw(&mut self, key: BlockHash) {
        if self.at == self.left.len() {
            self.at = 0;
        }
        let hasher = Tag::Bound
            .hasher()
            .chain(&key.0)
            .chain(&self.order.dataset.0)
            .chain(&self.order.seed.to_le_bytes())
            .chain(&self.epoch.to_le_bytes());
        self.left[self.at..].sort_by_cached_key(|index| {
            (
                first_u64(hasher.clone().chain(&index.to_le_bytes())),
                *index,
            )
        });
    }

    /// The digest over the steps after `steps.start` up to and including
    /// `steps.end`. The entry of step `steps.end` has this digest. `None` if
    /// there is no step. The micro-batches before them must have been taken.
    /// `key` gives the hash of the block that seals a step.
    ///
    /// # Errors
    ///
    /// What `key` returns.
    pub fn digest<E>(
        &mut self,
        steps: Range<u64>,
        mut key: impl FnMut(StepNumber) -> Result<BlockHash, E>,
    ) -> Result<Option<BatchDigest>, E> {
        let mut hasher = BatchHasher::default();
        while self.steps_before() < steps.end {
            let key = match self.key_step() {
                Some(step) => key(step)?,
                None => BlockHash::ZERO,
            };
            hasher.micro_batch(self.next(key));
        }
        Ok(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_that_of_whole_steps_and_of_what_begins_within() {
        let [items, batch, accumulation, lag] =
            [10, 3, 2, 1].map(|number| NonZeroU32::new(number).unwrap());
        let order = BoundOrder {
            dataset: DatasetRoot([0; 32]),
            seed: 7,
            items,
            batch,
            accumulation,
            interval: NonZeroU64::new(3).unwrap(),
            lag,
        };
        // An epoch has two steps, a segment has three.
        let cases = [
            (0..6, (36, 3 + 2)),
            (1..2, (6, 0)),
            (2..3, (6, 1)),
            (3..4, (6, 1)),
            (6..7, (6, 1 + 1)),
            (4..4, (0, 0)),
        ];
        for (steps, cost) in cases {
            assert_eq!(order.cost(&steps), cost, "{steps:?}");
        }
        // No step has more samples than an epoch.
        let whole = BoundOrder {
            batch: items,
            ..order
        };
        assert_eq!(whole.cost(&(0..3)), (30, 3 + 1));
    }
}
