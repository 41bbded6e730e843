//! Threads that wait for searches.

use crate::batches::{Batches, Report};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

/// A search for a worker to join, and where it sends its report.
type Order = (Arc<Batches>, Sender<Report>);

/// The threads beside the calling one.
#[derive(Debug)]
pub struct Pool {
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    /// None once the worker is to end.
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Pool {
    /// Starts `count` threads, or as many as the system lets start.
    pub fn new(count: usize) -> Self {
        Pool {
            workers: (0..count).map_while(Worker::start).collect(),
        }
    }

    /// How many threads wait.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Searches on all threads, the calling one included, and adds their
    /// reports to `report`. None if a thread ended without a report.
    pub fn work(&self, batches: &Arc<Batches>, mut report: Report) -> Option<Report> {
        let (sender, reports) = channel();
        let joined = self
            .workers
            .iter()
            .filter_map(|worker| worker.orders.as_ref())
            .filter(|orders| orders.send((batches.clone(), sender.clone())).is_ok())
            .count();
        drop(sender);
        batches.work(&mut report);
        let mut reported = 0;
        for other in reports {
            report.merge(other);
            reported += 1;
        }
        (reported == joined).then_some(report)
    }
}

impl Worker {
    fn start(number: usize) -> Option<Self> {
        let (orders, received) = channel();
        let thread = Builder::new()
            .name(format!("pow-cpu-{number}"))
            .spawn(move || run(&received))
            .ok()?;
        Some(Worker {
            orders: Some(orders),
            thread: Some(thread),
        })
    }
}

fn run(orders: &Receiver<Order>) {
    for (batches, reports) in orders {
        let mut report = Report::default();
        batches.work(&mut report);
        // Nobody waits for the report if the search's own thread panicked.
        let _ = reports.send(report);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has already cost its search an error.
            let _ = thread.join();
        }
    }
}
