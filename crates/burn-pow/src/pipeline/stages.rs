//! How long the stages of recording take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a stage of recording was done, and how long that took in total by the
/// wall clock. If all cores are busy, this includes waiting for a core.
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
    /// How often the stage was done.
    pub count: u64,
    /// The total time.
    pub total: Duration,
}

impl Stage {
    /// The average time. `None` if the stage was never done.
    pub fn mean(&self) -> Option<Duration> {
        let nanos = self.total.as_nanos().checked_div(self.count.into())?;
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }
}

/// The time that the recording of a run took, by stage. Snapshots are taken on the
/// thread that trains. Everything else is done on other threads, beside the training,
/// which sometimes has to wait for them.
///
/// This does not include what only a checkpoint needs: reading and hashing the
/// optimizer's state, and writing files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stages {
    /// Flushing BatchNorm's statistics and taking a snapshot, once for each committed
    /// step except step 0.
    pub snapshot: Stage,
    /// Reading the parameters to the host, once for each committed step whose parameters
    /// were not hashed on a GPU.
    pub read: Stage,
    /// How many bytes of parameters were copied to the host for the entries of committed
    /// steps, checkpoints included. A tensor that is hashed on the GPU counts as 32 bytes,
    /// and one that a CPU backend shares as none.
    pub read_bytes: u64,
    /// Hashing the parameters, once for each committed step.
    pub hash: Stage,
    /// Searching for a nonce, once for each block.
    pub mine: Stage,
    /// Verifying a found block and appending it to the chain file, once for each
    /// block. This includes a sync of the file if one was due.
    pub append: Stage,
    /// Syncing the file at other times, for instance before a long search.
    pub sync: Stage,
}

/// Measures one stage, on any thread.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Clock {
    /// Does `work` and adds its time.
    pub(crate) fn time<R>(&self, work: impl FnOnce() -> R) -> R {
        let began = Instant::now();
        let done = work();
        self.add(began.elapsed());
        done
    }

    /// Adds one stage that took this long.
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
    read_bytes: AtomicU64,
    pub(crate) hash: Clock,
    pub(crate) mine: Clock,
    pub(crate) append: Clock,
    pub(crate) sync: Clock,
}

impl Clocks {
    /// Adds bytes of parameters that were copied to the host.
    pub(crate) fn count_read(&self, bytes: u64) {
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn stages(&self) -> Stages {
        Stages {
            snapshot: self.snapshot.read(),
            read: self.read.read(),
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            hash: self.hash.read(),
            mine: self.mine.read(),
            append: self.append.read(),
            sync: self.sync.read(),
        }
    }
}
