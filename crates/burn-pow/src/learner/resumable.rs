//! Early stopping in a training that may be resumed.

use burn::train::EarlyStoppingStrategy;
use burn::train::metric::store::EventStoreClient;

/// An early stopping strategy that decides the same in a resumed training as in one that
/// was never interrupted.
///
/// A strategy of Burn's counts from when it was made, and forgets with its process which
/// epoch was the best. This one asks the strategy about each earlier epoch first. Their
/// metrics are in the files of the training's directory, so give a resumed training the same
/// directory, and Burn's own metric logger.
///
/// Use metrics of the validation. Those of the training lack the steps that an earlier process
/// took in the epoch in which it was interrupted.
///
/// ```
/// use burn::train::metric::LossMetric;
/// use burn::train::metric::store::{Aggregate, Direction, Split};
/// use burn::train::{MetricEarlyStoppingStrategy, StoppingCondition};
/// use burn_pow::Resumable;
///
/// let strategy = MetricEarlyStoppingStrategy::new(
///     &LossMetric::new(),
///     Aggregate::Mean,
///     Direction::Lowest,
///     Split::Valid,
///     StoppingCondition::NoImprovementSince { n_epochs: 3 },
/// );
/// // Given to `SupervisedTraining::early_stopping`.
/// let strategy = Resumable::new(strategy);
/// ```
#[derive(Clone, Debug)]
pub struct Resumable<S> {
    strategy: S,
    /// The epochs that the strategy was asked about, counted from 1.
    asked: usize,
}

impl<S: EarlyStoppingStrategy> Resumable<S> {
    /// The same strategy, for a training that may be resumed.
    pub fn new(strategy: S) -> Self {
        Resumable { strategy, asked: 0 }
    }
}

impl<S: EarlyStoppingStrategy> EarlyStoppingStrategy for Resumable<S> {
    fn should_stop(&mut self, epoch: usize, store: &EventStoreClient) -> bool {
        for earlier in self.asked + 1..epoch {
            // It did not stop there, or this epoch would not have been trained.
            self.strategy.should_stop(earlier, store);
        }
        self.asked = epoch;
        self.strategy.should_stop(epoch, store)
    }
}
