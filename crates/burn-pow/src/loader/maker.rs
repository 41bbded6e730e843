//! Making a batch of samples.

use super::Tracked;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;
use pow_core::order::sample_seed;
use std::sync::Arc;

/// The seed under which one sample is changed at random in one epoch. It follows from the
/// run's seed, the epoch and the sample alone, so it is the same on every thread and in a
/// replay. `docs/format.md` says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleSeed(pub u64);

/// Changes a sample before it comes into a batch.
pub(crate) type Augment<I> = dyn Fn(I, SampleSeed) -> I + Send + Sync;

/// A sample of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) index: u32,
    /// How often the epoch has shown it before.
    pub(super) draw: u32,
}

impl Sample {
    /// The samples of an epoch that shows them in this order, of `items` samples.
    pub(super) fn of_epoch(order: Vec<u32>, items: u32) -> Vec<Sample> {
        let mut shown = vec![0_u32; items as usize];
        let sample = |index: u32| {
            let shown = &mut shown[index as usize];
            let draw = *shown;
            *shown += 1;
            Sample { index, draw }
        };
        order.into_iter().map(sample).collect()
    }
}

/// Makes batches on one device.
pub(super) struct Maker<I, O> {
    pub(super) dataset: Arc<dyn Dataset<I>>,
    pub(super) batcher: Arc<dyn Batcher<I, O>>,
    pub(super) augment: Option<Arc<Augment<I>>>,
    pub(super) device: Device,
    /// The run's.
    pub(super) seed: u64,
}

// A derived one would require `I: Clone` and `O: Clone`.
impl<I, O> Clone for Maker<I, O> {
    fn clone(&self) -> Self {
        Maker {
            dataset: self.dataset.clone(),
            batcher: self.batcher.clone(),
            augment: self.augment.clone(),
            device: self.device.clone(),
            seed: self.seed,
        }
    }
}

impl<I, O> Maker<I, O> {
    /// Reads samples of `epoch` and changes them. Draws nothing from the device.
    pub(super) fn items(&self, epoch: u64, samples: &[Sample]) -> Result<Vec<I>, DatasetError> {
        let wanted = samples.iter().map(|sample| sample.index as usize).collect();
        let items = self.dataset.get_many(wanted)?;
        let Some(augment) = &self.augment else {
            return Ok(items);
        };
        let seeded = items.into_iter().zip(samples).map(|(item, sample)| {
            let seed = sample_seed(self.seed, epoch, sample.index, sample.draw);
            augment(item, SampleSeed(seed))
        });
        Ok(seeded.collect())
    }

    /// The batch of these samples.
    pub(super) fn batch(&self, samples: &[Sample], items: Vec<I>) -> Tracked<O> {
        Tracked {
            batch: self.batcher.batch(items, &self.device),
            indices: Some(samples.iter().map(|sample| sample.index).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_of_a_sample_are_counted() {
        let samples = Sample::of_epoch(vec![2, 0, 2, 2, 0], 3);
        let draws: Vec<u32> = samples.iter().map(|sample| sample.draw).collect();
        assert_eq!(draws, [0, 0, 1, 2, 1]);
    }
}
