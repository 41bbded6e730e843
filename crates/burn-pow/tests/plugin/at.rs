//! Something that happens in the middle of a training.

use crate::program::{Batch, TrainLoader};
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use burn_pow::loader::Tracked;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The same loader, which calls `action` when its `at`-th batch (from 1) is
/// taken.
pub fn at(inner: TrainLoader, at: u64, action: impl Fn() + Send + Sync + 'static) -> TrainLoader {
    Arc::new(At {
        inner,
        at,
        taken: Arc::default(),
        action: Arc::new(action),
    })
}

struct At<F> {
    inner: TrainLoader,
    at: u64,
    taken: Arc<AtomicU64>,
    action: Arc<F>,
}

impl<F: Fn() + Send + Sync + 'static> DataLoader<Tracked<Batch>> for At<F> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Tracked<Batch>> + 'a> {
        Box::new(AtIter(self.inner.iter(), self))
    }

    fn num_items(&self) -> usize {
        self.inner.num_items()
    }

    fn to_device(&self, device: &Device) -> TrainLoader {
        Arc::new(At {
            inner: self.inner.to_device(device),
            at: self.at,
            taken: self.taken.clone(),
            action: self.action.clone(),
        })
    }

    fn slice(&self, start: usize, end: usize) -> TrainLoader {
        self.inner.slice(start, end)
    }
}

struct AtIter<'a, F>(Box<dyn DataLoaderIterator<Tracked<Batch>> + 'a>, &'a At<F>);

impl<F: Fn()> Iterator for AtIter<'_, F> {
    type Item = Result<Tracked<Batch>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        if self.1.taken.fetch_add(1, Ordering::SeqCst) + 1 == self.1.at {
            (self.1.action)();
        }
        Some(batch)
    }
}

impl<F: Fn()> DataLoaderIterator<Tracked<Batch>> for AtIter<'_, F> {
    fn progress(&self) -> Progress {
        self.0.progress()
    }
}
