//! One iteration over an epoch.

use super::Tracked;
use super::bound::BoundEpoch;
use super::iterations::Iteration;
use super::maker::Sample;
use super::workers::{Ahead, OnTheWay};
use burn::data::dataloader::{DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;

/// Makes the batch of these samples.
type Make<'a, B> = Box<dyn FnMut(&[Sample]) -> Result<Tracked<B>, DatasetError> + 'a>;

/// Asks another thread for the batch of these samples.
type Submit<'a, B> = Box<dyn FnMut(Vec<Sample>) -> Result<OnTheWay<B>, DatasetError> + 'a>;

/// The rest of an epoch.
pub(super) struct Epoch<'a, B> {
    pub(super) samples: Samples,
    /// The number of samples in a whole epoch.
    pub(super) items: usize,
    /// The number of samples in a batch.
    pub(super) batch_size: usize,
    pub(super) maker: EpochMaker<'a, B>,
    pub(super) iteration: Iteration,
}

/// Where the batches are made.
pub(super) enum EpochMaker<'a, B> {
    /// On the thread that takes them.
    Here(Make<'a, B>),
    /// On other threads, ahead of it.
    Ahead {
        on_the_way: Ahead<B>,
        /// The most batches to have on the way.
        most: usize,
        submit: Submit<'a, B>,
    },
}

/// The samples of an epoch that remain.
pub(super) enum Samples {
    /// The order is known from the start. `at` is the number of samples returned.
    Known { samples: Vec<Sample>, at: usize },
    /// The order follows from blocks. `None` once one of them will never exist.
    Bound(Option<BoundEpoch>),
    /// The order cannot be split into parts.
    Refused,
    /// The iteration ended with an error.
    Failed,
}

impl Samples {
    /// No sample remains.
    pub(super) fn none() -> Self {
        Samples::Known {
            samples: Vec::new(),
            at: 0,
        }
    }

    /// The next `batch` samples, or fewer at the end of the epoch. `None` if no
    /// sample follows, whether the epoch is over or not.
    fn take(&mut self, batch: usize) -> Option<Result<Vec<Sample>, DatasetError>> {
        match self {
            Samples::Known { samples, at } => {
                let rest = samples.get(*at..).filter(|rest| !rest.is_empty())?;
                let taken = rest[..rest.len().min(batch)].to_vec();
                *at += taken.len();
                Some(Ok(taken))
            }
            Samples::Bound(epoch) => {
                let taken = epoch.as_mut().filter(|epoch| !epoch.is_over())?.take();
                if taken.is_none() {
                    *epoch = None;
                }
                let sample = |index| Sample { index, draw: 0 };
                taken.map(|taken| Ok(taken.into_iter().map(sample).collect()))
            }
            Samples::Refused => {
                *self = Samples::Failed;
                let reason = "an order that is bound to the chain is for one device only";
                Some(Err(DatasetError::new(std::io::Error::other(reason))))
            }
            Samples::Failed => None,
        }
    }

    /// Whether the next samples are known without a wait for a block.
    fn are_known(&self) -> bool {
        match self {
            Samples::Bound(epoch) => epoch.as_ref().is_some_and(BoundEpoch::is_known),
            Samples::Known { .. } | Samples::Refused | Samples::Failed => true,
        }
    }

    /// Whether all samples were returned, or the iteration ended with an error.
    fn is_over(&self) -> bool {
        match self {
            Samples::Known { samples, at } => *at >= samples.len(),
            Samples::Bound(epoch) => epoch.as_ref().is_some_and(BoundEpoch::is_over),
            Samples::Refused => false,
            Samples::Failed => true,
        }
    }

    /// The number of samples returned, and of all samples.
    fn progress(&self, items: usize) -> (usize, usize) {
        match self {
            Samples::Known { samples, at } => (*at, samples.len()),
            Samples::Bound(epoch) => (epoch.as_ref().map_or(0, BoundEpoch::seen), items),
            Samples::Refused | Samples::Failed => (items, items),
        }
    }
}

impl<B: Send + 'static> Epoch<'_, B> {
    /// The next batch. `None` if no sample follows.
    fn make(&mut self) -> Option<Result<Tracked<B>, DatasetError>> {
        if matches!(self.samples, Samples::Failed) {
            // Batches on the way come after the one that failed.
            return None;
        }
        let (samples, batch) = (&mut self.samples, self.batch_size);
        match &mut self.maker {
            EpochMaker::Here(make) => {
                let taken = samples.take(batch)?;
                Some(taken.and_then(|taken| make(&taken)))
            }
            EpochMaker::Ahead {
                on_the_way,
                most,
                submit,
            } => {
                // No wait for a block, unless there is nothing else to return.
                while on_the_way.len() < *most && (on_the_way.len() == 0 || samples.are_known()) {
                    let Some(taken) = samples.take(batch) else {
                        break;
                    };
                    match taken.and_then(&mut *submit) {
                        Ok(submitted) => on_the_way.push(submitted),
                        Err(error) => return Some(Err(error)),
                    }
                }
                on_the_way.take()
            }
        }
    }
}

impl<B: Send + 'static> Iterator for Epoch<'_, B> {
    type Item = Result<Tracked<B>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(made) = self.make() else {
            if self.samples.is_over() {
                self.iteration.ended();
            }
            return None;
        };
        if let Err(error) = &made {
            // Another batch would leave these samples out.
            self.samples = Samples::Failed;
            self.iteration.failed(error);
        }
        Some(made)
    }
}

impl<B: Send + 'static> DataLoaderIterator<Tracked<B>> for Epoch<'_, B> {
    fn progress(&self) -> Progress {
        let (taken, all) = self.samples.progress(self.items);
        let waiting = match &self.maker {
            EpochMaker::Here(_) => 0,
            EpochMaker::Ahead { on_the_way, .. } => on_the_way.samples(),
        };
        Progress::new(taken.saturating_sub(waiting), all, Some("items".into()))
    }
}
