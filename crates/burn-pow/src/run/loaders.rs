//! The loaders that a run makes.

use super::PowRun;
use crate::error::PowError;
use crate::genesis::declaration::{Data, DeclaredOrder};
use crate::loader::{
    Adapted, Augment, Bound, CanonicalBytes, Keys, LoaderError, NoRoot, Sampling, SeededLoader,
    Tracked, kept_root, root_unless, unstable_item,
};
use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::Dataset;
use pow_core::body::OrderRule;
use pow_core::hash::DatasetRoot;
use pow_core::order::{BoundOrder, SampledOrder};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

/// What a loader is made of.
pub(super) struct LoaderParts<I, B> {
    pub(super) dataset: Arc<dyn Dataset<I>>,
    pub(super) batcher: Arc<dyn Batcher<I, B>>,
    pub(super) batch: NonZeroU32,
    pub(super) augment: Option<Arc<Augment<I>>>,
    pub(super) sampling: Option<Sampling>,
    pub(super) workers: Option<NonZeroUsize>,
    pub(super) root_file: Option<PathBuf>,
}

impl PowRun {
    /// A loader for training. Its order follows from the dataset and the seed, and a
    /// micro-batch has `batch` samples. It replaces Burn's `DataLoaderBuilder`. Every
    /// entry then commits to the samples that its steps have seen.
    ///
    /// This reads the whole dataset once, for its root, on all cores. After a second there
    /// is a progress bar on stderr. [`stop_with`](Self::stop_with)'s interrupter stops it.
    ///
    /// # Errors
    ///
    /// [`PowError`] if the dataset is empty, too large, cannot be read or returns other
    /// items when it is read again, if the program was stopped, or the run has such a loader
    /// already.
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
        encode: impl Fn(&I, &mut Vec<u8>) + Sync,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: 'static,
        B: Send + 'static,
    {
        let parts = LoaderParts {
            dataset,
            batcher,
            batch,
            augment: None,
            sampling: None,
            workers: None,
            root_file: None,
        };
        self.loader_of(parts, encode)
    }

    /// The loader with these parts.
    pub(super) fn loader_of<I, B>(
        &self,
        parts: LoaderParts<I, B>,
        encode: impl Fn(&I, &mut Vec<u8>) + Sync,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: 'static,
        B: Send + 'static,
    {
        let dataset = parts.dataset.as_ref();
        if let Some(index) = unstable_item(dataset, &encode)? {
            return Err(LoaderError::Unstable(index).into());
        }
        let root = match self.root_of(dataset, parts.root_file.as_deref(), &encode) {
            Ok(root) => root,
            Err(NoRoot::Dataset(error)) => return Err(error.into()),
            Err(NoRoot::Stopped) => return Err(LoaderError::Stopped.into()),
        };
        let config = self.recorder.config();
        let loader =
            SeededLoader::new(parts.dataset, parts.batcher, root, config.seed, parts.batch)?
                .with_cursor(self.recorder.cursor().clone())
                .augmented(parts.augment)
                .with_workers(parts.workers);
        let items = NonZeroU32::new(loader.order().items()).ok_or(LoaderError::Empty)?;
        let (loader, order) = self.in_order(loader, root, items, parts.sampling)?;
        self.recorder.declare(Data {
            order,
            dataset: Some(root),
        })?;
        let loader = Arc::new(loader);
        self.recorder.loaders().add::<B>(loader.clone());
        Ok(loader)
    }

    fn root_of<I>(
        &self,
        dataset: &dyn Dataset<I>,
        file: Option<&Path>,
        encode: &(impl Fn(&I, &mut Vec<u8>) + Sync),
    ) -> Result<DatasetRoot, NoRoot> {
        let interrupter = self.recorder.interrupter();
        let should_stop = || interrupter.should_stop();
        match file {
            Some(file) => {
                let is_replay = self.recorder.is_replay();
                kept_root(file, dataset, encode, is_replay, should_stop)
            }
            None => root_unless(dataset, encode, should_stop),
        }
    }

    /// The loader in the order that the run's settings and the sampling ask for, and what
    /// genesis declares about it.
    fn in_order<I, B>(
        &self,
        loader: SeededLoader<I, B>,
        dataset: DatasetRoot,
        items: NonZeroU32,
        sampling: Option<Sampling>,
    ) -> Result<(SeededLoader<I, B>, DeclaredOrder), PowError> {
        let config = self.recorder.config();
        let (batch, accumulation, seed) = (loader.batch_size(), config.accumulation, config.seed);
        match (config.bound()?, sampling) {
            (None, None) => {
                let rule = OrderRule::Seeded {
                    items,
                    batch,
                    accumulation,
                };
                Ok((loader, DeclaredOrder::Rule(rule)))
            }
            (None, Some(sampling)) => {
                let (rule, table) = sampling.rule(items, batch, accumulation);
                let order = SampledOrder::new(dataset, seed, rule, table.as_ref());
                let order = order.map_err(LoaderError::Table)?;
                let loader = loader.in_order(order.into());
                Ok((loader, DeclaredOrder::Sampled(rule, table)))
            }
            (Some((lag, interval)), None) => {
                let order = BoundOrder {
                    dataset,
                    seed,
                    items,
                    batch,
                    accumulation,
                    interval,
                    lag,
                };
                let rule = OrderRule::Bound {
                    items,
                    batch,
                    accumulation,
                    lag,
                };
                let keys = Arc::downgrade(&self.recorder) as Weak<dyn Keys>;
                let loader = loader.bound(Bound { order, keys });
                Ok((loader, DeclaredOrder::Rule(rule)))
            }
            (Some(_), Some(_)) => Err(PowError::Config(
                "an order that is bound to the chain shows every sample once, so it has no \
                 sampling"
                    .into(),
            )),
        }
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
