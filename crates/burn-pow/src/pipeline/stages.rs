//! How long the parts of recording take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a part of recording was done, and how long that took in all by
/// the wall clock: where all cores are busy, that includes waiting for one.
///
/// ```
/// use burn_pow::Stage;
/// use std::time::Duration;
/// let stage = Stage { count: 4, total: Duration::from_millis(10) };
/// assert_eq!(stage.mean(), Some(Duration::from_micros(2500)));
/// assert_eq!(Stage::default().mean(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// How often it was done.
    pub count: u64,
    /// How long all of these took together.
    pub total: Duration,
}

impl Stage {
    /// How long it took on average; `None` if it was never done.
    pub fn mean(&self) -> Option<Duration> {
        let nanos = self.total.as_nanos().checked_div(self.count.into())?;
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }
}

/// The time that a run's recording took, by what it was spent on. Snapshots are
/// taken on the thread that trains; everything else is done on others, side by
/// side with the training, but for what training has to wait for.
///
/// Not in here is what only a checkpoint needs: reading and hashing the
/// optimizer's state and writing files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stages {
    /// Flushing BatchNorm's statistics and taking a snapshot, once for each
    /// committed step but step 0.
    pub snapshot: Stage,
    /// Reading the parameters to the host, once for each committed step.
    pub read: Stage,
    /// Hashing them, once for each committed step.
    pub hash: Stage,
    /// Searching for a nonce, once for each block.
    pub mine: Stage,
    /// Checking a found block as a stranger would and appending it to the chain
    /// file, once for each block. Where it was time to sync the file, or each
    /// block is synced, that is included.
    pub append: Stage,
    /// Syncing the file at other times, as before a long search.
    pub sync: Stage,
}

/// A stage that is going on, on whichever thread.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Clock {
    /// Does `work` and counts it.
    pub(crate) fn time<R>(&self, work: impl FnOnce() -> R) -> R {
        let began = Instant::now();
        let done = work();
        self.add(began.elapsed());
        done
    }

    /// Counts something that took so long.
    pub(crate) fn add(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> Stage {
        Stage {
            count: self.count.load(Ordering::Relaxed),
            total: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

/// The clocks of all stages.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    pub(crate) snapshot: Clock,
    pub(crate) read: Clock,
    pub(crate) hash: Clock,
    pub(crate) mine: Clock,
    pub(crate) append: Clock,
    pub(crate) sync: Clock,
}

impl Clocks {
    pub(crate) fn stages(&self) -> Stages {
        Stages {
            snapshot: self.snapshot.read(),
            read: self.read.read(),
            hash: self.hash.read(),
            mine: self.mine.read(),
            append: self.append.read(),
            sync: self.sync.read(),
        }
    }
}
