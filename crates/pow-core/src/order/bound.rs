//! An order that is bound to the chain: which samples a segment sees follows
//! from the hash of a block that was mined before it.
//!
//! Whoever would rather have another order must mine another block: the best of
//! *K* orders costs *K* times the work of one. Under a seeded order it costs
//! another seed.

use crate::hash::{BatchDigest, BlockHash, DatasetRoot, Tag};
use crate::order::{BatchHasher, first_u64};
use crate::step::StepNumber;
use alloc::vec::Vec;
use core::num::{NonZeroU32, NonZeroU64};
use core::ops::Range;

/// Everything the order depends on, but for the blocks.
///
/// Segment *s*, counted from 0, is the steps *s · interval* + 1 … (*s* + 1) ·
/// *interval*. Its key is the hash of the block that seals the step with which
/// segment *s* − *lag* ends; the first *lag* segments have the key zero. At the
/// beginning of a segment, and of an epoch within it, the samples that the
/// epoch has not seen yet are sorted by the first 8 bytes, little-endian, of
/// `tagged("bound", key ‖ dataset root ‖ seed ‖ epoch ‖ index)`, the index
/// breaking a tie. So an epoch sees every sample once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundOrder {
    /// Root over the dataset's items.
    pub dataset: DatasetRoot,
    /// The run's seed.
    pub seed: u64,
    /// Number of samples.
    pub items: NonZeroU32,
    /// Samples in a micro-batch; the last of an epoch may hold fewer.
    pub batch: NonZeroU32,
    /// Micro-batches in a step; the last step of an epoch may hold fewer.
    pub accumulation: NonZeroU32,
    /// Steps in a segment: the checkpoint interval.
    pub interval: NonZeroU64,
    /// How many segments before its own the key of a segment was sealed.
    pub lag: NonZeroU32,
}

impl BoundOrder {
    /// Micro-batches in an epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        self.items.get().div_ceil(self.batch.get()).into()
    }

    /// Optimizer steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches_per_epoch()
            .div_ceil(self.accumulation.get().into())
    }

    /// The segment of the step after `taken` steps.
    fn segment_after(&self, taken: u64) -> u64 {
        taken / self.interval
    }

    /// The step whose block gives the key of a segment; `None` for the first
    /// *lag* ones.
    fn key_step(&self, segment: u64) -> Option<StepNumber> {
        let before = (segment + 1).checked_sub(self.lag.get().into())?;
        (before > 0).then_some(StepNumber(before * self.interval.get()))
    }

    /// The micro-batches from the beginning of an epoch on.
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

    /// What [`BoundBatches::digest`] of these steps costs: samples hashed, and
    /// how often up to an epoch's samples are sorted.
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
    /// The next micro-batch of the epoch.
    next: u64,
    /// The epoch's samples: those seen, then those left.
    left: Vec<u32>,
    /// How many were seen.
    at: usize,
    /// The segment for which those left are sorted.
    drawn: Option<u64>,
}

impl BoundBatches {
    /// The epoch of the next micro-batch, and its number within it.
    pub fn position(&self) -> (u64, u64) {
        (self.epoch, self.next)
    }

    /// Steps taken before the one that the next micro-batch belongs to.
    fn steps_before(&self) -> u64 {
        let of_epoch = self.next / u64::from(self.order.accumulation.get());
        self.epoch
            .saturating_mul(self.order.steps_per_epoch())
            .saturating_add(of_epoch)
    }

    /// The step whose block's hash is the key of the next micro-batch; `None` if
    /// its key is zero.
    pub fn key_step(&self) -> Option<StepNumber> {
        let segment = self.order.segment_after(self.steps_before());
        self.order.key_step(segment)
    }

    /// The samples of the next micro-batch, `key` being the hash of the block
    /// that seals [`key_step`](Self::key_step), or zero.
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
            // The samples returned stay where they are until the next call.
            self.epoch = self.epoch.saturating_add(1);
            self.next = 0;
            self.drawn = None;
        }
        &self.left[from..self.at]
    }

    /// Sorts the samples that are left.
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
    /// `steps.end`, as the entry of step `steps.end` carries it; `None` for no
    /// step. The micro-batches before them must have been taken. `key` gives the
    /// hash of the block that seals a step.
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
