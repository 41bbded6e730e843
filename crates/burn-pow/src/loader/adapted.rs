//! Loaders that do not say what their batches are made of.

use crate::loader::{Fate, Tracked, Watch};
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use std::sync::Arc;

/// Any loader, its batches wrapped without indices.
pub(crate) struct Untracked<B> {
    pub(crate) loader: Arc<dyn DataLoader<B>>,
    pub(crate) fate: Fate,
}

struct Iter<'a, B> {
    batches: Box<dyn DataLoaderIterator<B> + 'a>,
    watch: Watch,
}

impl<B: Send + 'static> Untracked<B> {
    fn around(&self, loader: Arc<dyn DataLoader<B>>) -> Arc<dyn DataLoader<Tracked<B>>> {
        Arc::new(Untracked {
            loader,
            fate: self.fate.clone(),
        })
    }
}

impl<B: Send + 'static> DataLoader<Tracked<B>> for Untracked<B> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Tracked<B>> + 'a> {
        Box::new(Iter {
            batches: self.loader.iter(),
            watch: self.fate.watch(),
        })
    }

    fn num_items(&self) -> usize {
        self.loader.num_items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Tracked<B>>> {
        self.around(self.loader.to_device(device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Tracked<B>>> {
        self.around(self.loader.slice(start, end))
    }
}

impl<B> Iterator for Iter<'_, B> {
    type Item = Result<Tracked<B>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(batch) = self.batches.next() else {
            self.watch.ended();
            return None;
        };
        if let Err(error) = &batch {
            self.watch.failed(error);
        }
        Some(batch.map(|batch| Tracked {
            batch,
            indices: None,
        }))
    }
}

impl<B> DataLoaderIterator<Tracked<B>> for Iter<'_, B> {
    fn progress(&self) -> Progress {
        self.batches.progress()
    }
}
