//! The loaders that a run makes.

use super::PowRun;
use crate::error::PowError;
use crate::genesis::declaration::Data;
use crate::loader::{
    Adapted, Bound, CanonicalBytes, Keys, LoaderError, SeededLoader, Tracked, dataset_root,
    unstable_item,
};
use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::Dataset;
use pow_core::body::OrderRule;
use pow_core::order::BoundOrder;
use std::num::NonZeroU32;
use std::sync::{Arc, Weak};

impl PowRun {
    /// A loader for training. Its order follows from the dataset and the seed, and a
    /// micro-batch has `batch` samples. It replaces Burn's `DataLoaderBuilder`. Every
    /// entry then commits to the samples that its steps have seen.
    ///
    /// This reads the whole dataset once, for its root.
    ///
    /// # Errors
    ///
    /// [`PowError`] if the dataset is empty, too large, cannot be read or returns other
    /// items when it is read again, or the run has such a loader already.
    pub fn loader<I, B>(
        &self,
        dataset: Arc<dyn Dataset<I>>,
        batcher: Arc<dyn Batcher<I, B>>,
        batch: NonZeroU32,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: CanonicalBytes + 'static,
        B: Send + 'static,
    {
        self.loader_by(dataset, batcher, batch, I::canonical_bytes)
    }

    /// The same as [`loader`](Self::loader), for items whose type is from another
    /// crate. `encode` appends the bytes of an item, as [`CanonicalBytes`] would.
    ///
    /// ```no_run
    /// # use burn::data::dataloader::batcher::Batcher;
    /// # use burn::data::dataset::Dataset;
    /// # use burn_pow::{PowError, PowRun};
    /// # use burn_pow::loader::CanonicalBytes;
    /// # use std::sync::Arc;
    /// # struct MnistItem { image: [[f32; 28]; 28], label: u8 }
    /// # fn program(run: &PowRun, dataset: Arc<dyn Dataset<MnistItem>>, batcher: Arc<dyn Batcher<MnistItem, ()>>) -> Result<(), Box<dyn std::error::Error>> {
    /// let train = run.loader_by(dataset, batcher, 64.try_into()?, |item, out| {
    ///     (item.image, item.label).canonical_bytes(out);
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`loader`](Self::loader).
    pub fn loader_by<I, B>(
        &self,
        dataset: Arc<dyn Dataset<I>>,
        batcher: Arc<dyn Batcher<I, B>>,
        batch: NonZeroU32,
        encode: impl Fn(&I, &mut Vec<u8>),
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: 'static,
        B: Send + 'static,
    {
        if let Some(index) = unstable_item(dataset.as_ref(), &encode)? {
            return Err(LoaderError::Unstable(index).into());
        }
        let root = dataset_root(dataset.as_ref(), encode)?;
        let config = self.recorder.config();
        let mut loader = SeededLoader::new(dataset, batcher, root, config.seed, batch)?
            .with_cursor(self.recorder.cursor().clone());
        let items = NonZeroU32::new(loader.order().items);
        let items = items.ok_or(LoaderError::Empty)?;
        let accumulation = config.accumulation;
        let mut order = OrderRule::Seeded {
            items,
            batch,
            accumulation,
        };
        if let Some((lag, interval)) = config.bound()? {
            order = OrderRule::Bound {
                items,
                batch,
                accumulation,
                lag,
            };
            let bound = BoundOrder {
                dataset: root,
                seed: config.seed,
                items,
                batch,
                accumulation,
                interval,
                lag,
            };
            loader = loader.bound(Bound {
                order: bound,
                keys: Arc::downgrade(&self.recorder) as Weak<dyn Keys>,
            });
        }
        self.recorder.declare(Data {
            order,
            dataset: Some(root),
        })?;
        let loader = Arc::new(loader);
        self.recorder.loaders().add::<B>(loader.clone());
        Ok(loader)
    }

    /// Adapts any other loader. The entries then commit to no samples, and the report
    /// shows that the order is not declared.
    pub fn adapt<B: Send + 'static>(
        &self,
        loader: Arc<dyn DataLoader<B>>,
    ) -> Arc<dyn DataLoader<Tracked<B>>> {
        let loader = Arc::new(Adapted {
            loader,
            iterations: self.recorder.cursor().iterations().clone(),
        });
        self.recorder.loaders().add::<B>(loader.clone());
        loader
    }
}
