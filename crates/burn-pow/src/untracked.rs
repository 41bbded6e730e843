//! Loaders that do not say what their batches are made of.

use crate::loader::Tracked;
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use std::sync::Arc;

/// Any loader, its batches wrapped without indices.
pub(crate) struct Untracked<B>(pub(crate) Arc<dyn DataLoader<B>>);

struct Iter<'a, B>(Box<dyn DataLoaderIterator<B> + 'a>);

impl<B: Send + 'static> DataLoader<Tracked<B>> for Untracked<B> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Tracked<B>> + 'a> {
        Box::new(Iter(self.0.iter()))
    }

    fn num_items(&self) -> usize {
        self.0.num_items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Tracked<B>>> {
        Arc::new(Untracked(self.0.to_device(device)))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Tracked<B>>> {
        Arc::new(Untracked(self.0.slice(start, end)))
    }
}

impl<B> Iterator for Iter<'_, B> {
    type Item = Result<Tracked<B>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        Some(batch.map(|batch| Tracked {
            batch,
            indices: None,
        }))
    }
}

impl<B> DataLoaderIterator<Tracked<B>> for Iter<'_, B> {
    fn progress(&self) -> Progress {
        self.0.progress()
    }
}
