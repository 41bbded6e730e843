//! One iteration over an epoch.

use super::Tracked;
use super::bound::BoundEpoch;
use super::iterations::Iteration;
use burn::data::dataloader::{DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;

/// Makes the batch of the samples at these indices.
type MakeBatch<'a, B> = Box<dyn Fn(Vec<u32>) -> Result<Tracked<B>, DatasetError> + 'a>;

/// The rest of an epoch.
pub(super) struct Epoch<'a, B> {
    pub(super) samples: Samples,
    /// The number of samples in a whole epoch.
    pub(super) items: usize,
    /// The number of samples in a batch.
    pub(super) batch_size: usize,
    pub(super) make_batch: MakeBatch<'a, B>,
    pub(super) iteration: Iteration,
}

/// The samples of an epoch that remain.
pub(super) enum Samples {
    /// The order is known from the start. `at` is the number of samples returned.
    Known { indices: Vec<u32>, at: usize },
    /// The order follows from blocks. `None` once one of them will never exist.
    Bound(Option<BoundEpoch>),
    /// The order cannot be split into parts.
    Refused,
    /// The iteration ended with an error.
    Failed,
}

impl Samples {
    /// The next `batch` samples, or fewer at the end of the epoch. `None` if no
    /// sample follows, whether the epoch is over or not.
    fn take(&mut self, batch: usize) -> Option<Result<Vec<u32>, DatasetError>> {
        match self {
            Samples::Known { indices, at } => {
                let rest = indices.get(*at..).filter(|rest| !rest.is_empty())?;
                let taken = rest[..rest.len().min(batch)].to_vec();
                *at += taken.len();
                Some(Ok(taken))
            }
            Samples::Bound(epoch) => {
                let taken = epoch.as_mut().filter(|epoch| !epoch.is_over())?.take();
                if taken.is_none() {
                    *epoch = None;
                }
                taken.map(Ok)
            }
            Samples::Refused => {
                *self = Samples::Failed;
                let reason = "an order that is bound to the chain is for one device only";
                Some(Err(DatasetError::new(std::io::Error::other(reason))))
            }
            Samples::Failed => None,
        }
    }

    /// Whether all samples were returned, or the iteration ended with an error.
    fn is_over(&self) -> bool {
        match self {
            Samples::Known { indices, at } => *at >= indices.len(),
            Samples::Bound(epoch) => epoch.as_ref().is_some_and(BoundEpoch::is_over),
            Samples::Refused => false,
            Samples::Failed => true,
        }
    }

    /// The number of samples returned, and of all samples.
    fn progress(&self, items: usize) -> (usize, usize) {
        match self {
            Samples::Known { indices, at } => (*at, indices.len()),
            Samples::Bound(epoch) => (epoch.as_ref().map_or(0, BoundEpoch::seen), items),
            Samples::Refused | Samples::Failed => (items, items),
        }
    }
}

impl<B> Iterator for Epoch<'_, B> {
    type Item = Result<Tracked<B>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(taken) = self.samples.take(self.batch_size) else {
            if self.samples.is_over() {
                self.iteration.ended();
            }
            return None;
        };
        match taken.and_then(|indices| (self.make_batch)(indices)) {
            Ok(tracked) => Some(Ok(tracked)),
            Err(error) => {
                // Another batch would leave these samples out.
                self.samples = Samples::Failed;
                self.iteration.failed(&error);
                Some(Err(error))
            }
        }
    }
}

impl<B> DataLoaderIterator<Tracked<B>> for Epoch<'_, B> {
    fn progress(&self) -> Progress {
        let (taken, all) = self.samples.progress(self.items);
        Progress::new(taken, all, Some("items".into()))
    }
}
