//! The loaders that a run made.

use super::Tracked;
use burn::data::dataloader::DataLoader;
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// The loaders that a run made, found by the type of their batches. Burn does not
/// show which loader a training has.
#[derive(Default)]
pub(crate) struct LoaderRegistry(Mutex<Vec<Box<dyn Any + Send + Sync>>>);

impl LoaderRegistry {
    pub(crate) fn add<B: 'static>(&self, loader: Arc<dyn DataLoader<Tracked<B>>>) {
        let mut loaders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loaders.push(Box::new(loader));
    }

    /// The loaders whose batches have this type.
    pub(crate) fn of<B: 'static>(&self) -> Vec<Arc<dyn DataLoader<Tracked<B>>>> {
        let loaders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_type = loaders.iter().map(|loader| loader.downcast_ref());
        of_type.flatten().cloned().collect()
    }
}
