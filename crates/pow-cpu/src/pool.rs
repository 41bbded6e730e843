//! Threads that wait for searches.

use crate::shared_search::{SharedSearch, ThreadResult};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use thread_priority::ThreadPriority;

/// How many threads search: at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(NonZeroUsize);

impl Threads {
    /// Exactly `count` threads.
    pub fn new(count: NonZeroUsize) -> Self {
        Threads(count)
    }

    /// As many threads as the system can run at the same time
    /// ([`std::thread::available_parallelism`]), or 1 if that is unknown.
    pub fn all() -> Self {
        Threads(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// The number of threads.
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl Default for Threads {
    /// [`Threads::all`].
    fn default() -> Self {
        Threads::all()
    }
}

/// The priority of the search threads, which decides who gets the CPU cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// The priority of any other thread. The calling thread searches too.
    #[default]
    Normal,
    /// The lowest priority that the system allows, so other work keeps the
    /// cores. The calling thread keeps its own priority. So it does not search
    /// but waits.
    Low,
}

/// A search that a worker joins, and the channel for its result.
type Assignment = (Arc<SharedSearch>, Sender<ThreadResult>);

/// The threads of the engine, without the calling thread.
#[derive(Debug)]
pub struct Pool {
    workers: Vec<Worker>,
    priority: Priority,
}

#[derive(Debug)]
struct Worker {
    /// `None` tells the worker to end.
    orders: Option<Sender<Assignment>>,
    thread: Option<JoinHandle<()>>,
}

impl Pool {
    /// A pool in which this many threads search, or fewer if the system does
    /// not start them all.
    pub fn new(threads: Threads, priority: Priority) -> Self {
        let count = match priority {
            Priority::Normal => threads.get() - 1,
            Priority::Low => threads.get(),
        };
        Pool {
            workers: (0..count)
                .map_while(|number| Worker::start(number, priority))
                .collect(),
            priority,
        }
    }

    /// The number of threads that search.
    pub fn threads(&self) -> usize {
        self.workers.len() + usize::from(self.caller_searches())
    }

    /// Whether the calling thread searches. It must if there are no workers.
    fn caller_searches(&self) -> bool {
        self.priority == Priority::Normal || self.workers.is_empty()
    }

    /// Searches on all threads, and adds their results to `result`. `None` if a
    /// thread ended without a result.
    pub fn work(
        &self,
        batches: &Arc<SharedSearch>,
        mut report: ThreadResult,
    ) -> Option<ThreadResult> {
        let (sender, reports) = channel();
        let joined = self
            .workers
            .iter()
            .filter_map(|worker| worker.orders.as_ref())
            .filter(|orders| orders.send((batches.clone(), sender.clone())).is_ok())
            .count();
        drop(sender);
        if self.caller_searches() {
            batches.work(&mut report);
        }
        let mut reported = 0;
        for other in reports {
            report.merge(other);
            reported += 1;
        }
        (reported == joined).then_some(report)
    }
}

impl Worker {
    fn start(number: usize, priority: Priority) -> Option<Self> {
        let (orders, received) = channel();
        let thread = Builder::new()
            .name(format!("pow-cpu-{number}"))
            .spawn(move || run(&received, priority))
            .ok()?;
        Some(Worker {
            orders: Some(orders),
            thread: Some(thread),
        })
    }
}

fn run(orders: &Receiver<Assignment>, priority: Priority) {
    if priority == Priority::Low {
        // If the system refuses, the search runs at normal priority.
        let _ = ThreadPriority::Min.set_for_current();
    }
    for (batches, reports) in orders {
        let mut report = ThreadResult::default();
        batches.work(&mut report);
        // Nobody waits for the result if the calling thread panicked.
        let _ = reports.send(report);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // If the worker panicked, its search has already returned an error.
            let _ = thread.join();
        }
    }
}
