//! Threads that make batches ahead of the training. Their number and speed change no order
//! and no batch.

use super::Tracked;
use super::maker::{Maker, Sample};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Distribution, Tensor};
use pow_core::order::device_seed;
use std::any::Any;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The number of batches that are made or wait, for each thread.
const AHEAD: usize = 8;

/// A batch, or what making it ended with.
type Made<O> = Result<Result<Tracked<O>, DatasetError>, Box<dyn Any + Send>>;

/// Makes one batch, and gives it to whoever waits for it.
type Job = Box<dyn FnOnce() + Send>;

/// Threads that live as long as their loader. On a GPU each thread has memory of its own,
/// which new threads for each epoch would take again.
pub(super) struct Workers {
    /// Absent once they end.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts this many threads, or as many as the system allows.
    pub(super) fn start(count: NonZeroUsize) -> Self {
        let (jobs, inbox) = channel::<Job>();
        let inbox = Arc::new(Mutex::new(inbox));
        let thread = |number: usize| {
            let inbox = inbox.clone();
            let builder = std::thread::Builder::new().name(format!("pow-loader-{number}"));
            let work = move || {
                loop {
                    let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    match next {
                        Ok(job) => job(),
                        Err(_) => return,
                    }
                }
            };
            builder.spawn(work).ok()
        };
        Workers {
            threads: (0..count.get()).map_while(thread).collect(),
            jobs: Some(jobs),
        }
    }

    /// Makes the batch of these samples of `epoch`, here if there is no thread.
    pub(super) fn submit<I, O>(
        &self,
        maker: &Maker<I, O>,
        epoch: u64,
        samples: Vec<Sample>,
    ) -> OnTheWay<O>
    where
        I: 'static,
        O: Send + 'static,
    {
        let (sender, made) = sync_channel(1);
        let count = samples.len();
        let maker = maker.clone();
        let job = Box::new(move || {
            let make = || -> Result<Tracked<O>, DatasetError> {
                let items = maker.items(epoch, &samples)?;
                Ok(maker.batch(&samples, items))
            };
            // Nobody waits any more if the epoch was broken off.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(make)));
        });
        match &self.jobs {
            Some(jobs) if !self.threads.is_empty() => {
                // The threads hold the other end until this one is dropped.
                let _ = jobs.send(job);
            }
            _ => job(),
        }
        OnTheWay {
            made,
            samples: count,
        }
    }

    /// The most batches to have on the way.
    pub(super) fn ahead(&self) -> usize {
        AHEAD * self.threads.len().max(1)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread catches the panics of its jobs.
            let _ = thread.join();
        }
    }
}

/// The batches of one epoch that are on the way, in their order.
pub(super) struct Ahead<O>(VecDeque<OnTheWay<O>>);

/// A batch that is made.
pub(super) struct OnTheWay<O> {
    made: Receiver<Made<O>>,
    /// The number of its samples.
    samples: usize,
}

impl<O: Send + 'static> Ahead<O> {
    pub(super) fn new() -> Self {
        Ahead(VecDeque::new())
    }

    /// The number of batches on the way.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds the next one.
    pub(super) fn push(&mut self, batch: OnTheWay<O>) {
        self.0.push_back(batch);
    }

    /// The number of samples on the way.
    pub(super) fn samples(&self) -> usize {
        self.0.iter().map(|batch| batch.samples).sum()
    }

    /// The next batch. `None` if none is on the way.
    pub(super) fn take(&mut self) -> Option<Result<Tracked<O>, DatasetError>> {
        match self.0.pop_front()?.made.recv() {
            Ok(Ok(made)) => Some(made),
            // As if the batch were made on this thread.
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Some(Err(DatasetError::new(std::io::Error::other(
                "a thread of the loader is gone",
            )))),
        }
    }
}

/// How often a batcher must seem to draw from the device until that is believed. Another
/// thread of the program may have drawn just then.
const TRIALS: usize = 5;

/// Checks, on the first samples, that the batcher draws nothing from the device. All
/// threads share its random numbers with the model, in an order that no replay could
/// repeat.
pub(super) fn check_batcher<I, O>(
    maker: &Maker<I, O>,
    epoch: u64,
    samples: &[Sample],
) -> Result<(), DatasetError> {
    for _ in 0..TRIALS {
        let items = maker.items(epoch, samples)?;
        let before = drawn_after(&maker.device, || {});
        let after = drawn_after(&maker.device, || drop(maker.batch(samples, items)));
        if before == after {
            return Ok(());
        }
    }
    Err(DatasetError::new(std::io::Error::other(
        "the batcher draws random numbers from the device, which a loader with workers cannot \
         repeat; draw in LoaderBuilder::augment from the seed that it gives, or use no workers",
    )))
}

/// The number that the device draws after it was seeded and `work` was done.
fn drawn_after(device: &Device, work: impl FnOnce()) -> Option<Vec<u8>> {
    device.seed(device_seed(0, 0));
    work();
    let drawn = Tensor::<1>::random([1], Distribution::Default, device);
    drawn.try_into_data().ok().map(|data| data.bytes().to_vec())
}
