//! Loaders that do not know which samples their batches are made of.

use super::Tracked;
use super::iterations::{Iteration, IterationLog};
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use std::sync::Arc;

/// Any loader, with its batches wrapped without indices.
pub(crate) struct Adapted<B> {
    pub(crate) loader: Arc<dyn DataLoader<B>>,
    pub(crate) iterations: IterationLog,
}

struct Batches<'a, B> {
    batches: Box<dyn DataLoaderIterator<B> + 'a>,
    iteration: Iteration,
}

impl<B: Send + 'static> Adapted<B> {
    fn with_loader(&self, loader: Arc<dyn DataLoader<B>>) -> Arc<dyn DataLoader<Tracked<B>>> {
        Arc::new(Adapted {
            loader,
            iterations: self.iterations.clone(),
        })
    }
}

impl<B: Send + 'static> DataLoader<Tracked<B>> for Adapted<B> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Tracked<B>> + 'a> {
        Box::new(Batches {
            batches: self.loader.iter(),
            iteration: self.iterations.start(),
        })
    }

    fn num_items(&self) -> usize {
        self.loader.num_items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Tracked<B>>> {
        self.with_loader(self.loader.to_device(device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Tracked<B>>> {
        self.with_loader(self.loader.slice(start, end))
    }
}

impl<B> Iterator for Batches<'_, B> {
    type Item = Result<Tracked<B>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(batch) = self.batches.next() else {
            self.iteration.ended();
            return None;
        };
        if let Err(error) = &batch {
            self.iteration.failed(error);
        }
        Some(batch.map(|batch| Tracked {
            batch,
            indices: None,
        }))
    }
}

impl<B> DataLoaderIterator<Tracked<B>> for Batches<'_, B> {
    fn progress(&self) -> Progress {
        self.batches.progress()
    }
}
