//! An order divided into micro-batches and steps.

use crate::hash::BatchDigest;
use crate::order::{BatchHasher, SampledOrder, SeededOrder};
use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::Range;

/// An order of which each epoch follows from genesis alone, or from genesis and a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EpochOrder {
    /// Every sample once.
    Seeded(SeededOrder),
    /// As a sampler chooses.
    Sampled(SampledOrder),
}

impl EpochOrder {
    /// The samples of `epoch`, counted from 0, in the order in which they are seen. This
    /// takes 16 bytes of memory for each sample.
    pub fn epoch(&self, epoch: u64) -> Vec<u32> {
        match self {
            EpochOrder::Seeded(order) => order.epoch(epoch),
            EpochOrder::Sampled(order) => order.epoch(epoch),
        }
    }

    /// The number of samples in the training set.
    pub fn items(&self) -> u32 {
        match self {
            EpochOrder::Seeded(order) => order.items,
            EpochOrder::Sampled(order) => order.rule().items.get(),
        }
    }

    /// The number of samples in an epoch.
    pub fn epoch_len(&self) -> u32 {
        match self {
            EpochOrder::Seeded(order) => order.items,
            EpochOrder::Sampled(order) => order.rule().epoch_len().get(),
        }
    }
}

impl From<SeededOrder> for EpochOrder {
    fn from(order: SeededOrder) -> Self {
        EpochOrder::Seeded(order)
    }
}

impl From<SampledOrder> for EpochOrder {
    fn from(order: SampledOrder) -> Self {
        EpochOrder::Sampled(order)
    }
}

/// The samples that each optimizer step of a run sees: an [`EpochOrder`]
/// divided into micro-batches and steps. The last micro-batch of an epoch may
/// have fewer samples, and the last step of an epoch may have fewer
/// micro-batches. A step is never in two epochs.
#[derive(Clone, Debug)]
pub struct EpochSchedule {
    order: EpochOrder,
    batch: NonZeroU32,
    accumulation: NonZeroU32,
    /// The last epoch computed. Steps usually come in order.
    cached: Option<(u64, Vec<u32>)>,
}

impl EpochSchedule {
    /// A schedule with `batch` samples in a micro-batch and `accumulation`
    /// micro-batches in a step. `None` if there are no samples.
    pub fn new(
        order: impl Into<EpochOrder>,
        batch: NonZeroU32,
        accumulation: NonZeroU32,
    ) -> Option<Self> {
        let order = order.into();
        (order.epoch_len() > 0).then_some(EpochSchedule {
            order,
            batch,
            accumulation,
            cached: None,
        })
    }

    /// The cost of [`digest`](Self::digest) of these steps, if the steps before
    /// them were computed last: the number of samples hashed, and the number of
    /// epochs sorted.
    pub fn cost(&self, steps: &Range<u64>) -> (u128, u64) {
        let per_step = (u64::from(self.batch.get()) * u64::from(self.accumulation.get()))
            .min(self.order.epoch_len().into());
        let count = steps.end.saturating_sub(steps.start);
        let epochs_before = |step: u64| step.div_ceil(self.steps_per_epoch());
        let epochs = epochs_before(steps.end).saturating_sub(epochs_before(steps.start));
        (u128::from(count) * u128::from(per_step), epochs)
    }

    /// The order that is divided.
    pub fn order(&self) -> &EpochOrder {
        &self.order
    }

    /// The number of micro-batches in an epoch. At least 1.
    pub fn batches_per_epoch(&self) -> u64 {
        self.order.epoch_len().div_ceil(self.batch.get()).into()
    }

    /// The number of optimizer steps in an epoch. At least 1.
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches_per_epoch()
            .div_ceil(self.accumulation.get().into())
    }

    /// The samples of micro-batch `index` of `epoch`, both counted from 0.
    /// Empty after the last micro-batch of the epoch.
    ///
    /// ```
    /// use core::num::NonZeroU32;
    /// use pow_core::{hash::DatasetRoot, order::{EpochSchedule, SeededOrder}};
    /// let order = SeededOrder { dataset: DatasetRoot([0; 32]), seed: 7, items: 5 };
    /// let two = NonZeroU32::new(2).unwrap();
    /// let mut schedule = EpochSchedule::new(order, two, NonZeroU32::MIN).unwrap();
    /// assert_eq!(schedule.batches_per_epoch(), 3);
    /// assert_eq!(schedule.micro_batch(0, 2).len(), 1);
    /// ```
    pub fn micro_batch(&mut self, epoch: u64, index: u64) -> &[u32] {
        let cached = self.cached.take().filter(|cached| cached.0 == epoch);
        let cached = cached.unwrap_or_else(|| (epoch, self.order.epoch(epoch)));
        let (_, order) = self.cached.insert(cached);
        let batch = self.batch.get() as usize;
        let start = usize::try_from(index)
            .unwrap_or(usize::MAX)
            .saturating_mul(batch)
            .min(order.len());
        &order[start..order.len().min(start.saturating_add(batch))]
    }

    /// The digest over the steps after `steps.start` up to and including
    /// `steps.end`. The entry of step `steps.end` has this digest. `None` if
    /// there is no step.
    pub fn digest(&mut self, steps: Range<u64>) -> Option<BatchDigest> {
        let mut hasher = BatchHasher::default();
        for step in steps {
            let epoch = step / self.steps_per_epoch();
            let first = step % self.steps_per_epoch() * u64::from(self.accumulation.get());
            let last = self
                .batches_per_epoch()
                .min(first + u64::from(self.accumulation.get()));
            for index in first..last {
                hasher.micro_batch(self.micro_batch(epoch, index));
            }
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::DatasetRoot;

    fn order(items: u32) -> SeededOrder {
        SeededOrder {
            dataset: DatasetRoot([0; 32]),
            seed: 7,
            items,
        }
    }

    /// Ten samples.
    fn schedule(batch: u32, accumulation: u32) -> EpochSchedule {
        let [batch, accumulation] =
            [batch, accumulation].map(|number| NonZeroU32::new(number).unwrap());
        EpochSchedule::new(order(10), batch, accumulation).unwrap()
    }

    #[test]
    fn without_samples_there_is_no_schedule() {
        let new = |items| EpochSchedule::new(order(items), NonZeroU32::MIN, NonZeroU32::MIN);
        assert!(new(0).is_none());
        assert!(new(1).is_some());
    }

    #[test]
    fn an_epoch_is_divided_into_batches_and_these_into_steps() {
        let schedule = schedule(3, 2);
        assert_eq!(schedule.order().epoch_len(), 10);
        assert_eq!(schedule.batches_per_epoch(), 4);
        assert_eq!(schedule.steps_per_epoch(), 2);
    }

    #[test]
    fn the_cost_is_that_of_whole_steps_and_of_epochs_that_begin() {
        // An epoch has two steps. The first has 6 samples, and the last one counts as many.
        let cases = [
            (0..5, (30, 3)),
            (0..1, (6, 1)),
            (1..2, (6, 0)),
            (2..3, (6, 1)),
            (4..4, (0, 0)),
        ];
        for (steps, cost) in cases {
            assert_eq!(schedule(3, 2).cost(&steps), cost, "{steps:?}");
        }
        // No step has more samples than an epoch.
        assert_eq!(schedule(4, 3).cost(&(0..2)), (20, 2));
    }

    #[test]
    fn a_step_takes_the_micro_batches_that_are_next() {
        let mut schedule = schedule(3, 2);
        for (step, epoch, batches) in [(0, 0, 0..2), (1, 0, 2..4), (2, 1, 0..2)] {
            let mut expected = BatchHasher::default();
            for index in batches {
                expected.micro_batch(schedule.micro_batch(epoch, index));
            }
            let found = schedule.digest(step..step + 1);
            assert_eq!(found, expected.finish(), "{step}");
        }
    }
}
