//! Building a loader in the way that Burn's loaders are built.

use super::PowRun;
use super::loaders::LoaderParts;
use crate::error::PowError;
use crate::loader::{Augment, CanonicalBytes, SampleSeed, Sampling, SeededLoader};
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::Dataset;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

/// Builds a loader as [`PowRun::loader`] does, in the way of Burn's
/// [`DataLoaderBuilder`](burn::data::dataloader::DataLoaderBuilder). The order follows
/// from the run's seed, so there is no `shuffle`.
///
/// ```no_run
/// # use burn::data::dataloader::batcher::Batcher;
/// # use burn::data::dataset::Dataset;
/// # use burn_pow::loader::{CanonicalBytes, SampleSeed, Sampling};
/// # use burn_pow::{LoaderBuilder, PowRun};
/// # struct Item { image: [u8; 64], label: u8 }
/// # impl CanonicalBytes for Item { fn canonical_bytes(&self, out: &mut Vec<u8>) {} }
/// # fn program(run: &PowRun, dataset: impl Dataset<Item> + 'static, batcher: impl Batcher<Item, ()> + 'static) -> Result<(), Box<dyn std::error::Error>> {
/// # let weights = [1.];
/// let train = LoaderBuilder::new(run, batcher)
///     .batch_size(64)
///     .sampling(Sampling::weighted(&weights)?)
///     .augment(|mut item: Item, SampleSeed(seed)| {
///         // Any generator that gives the same numbers everywhere.
///         if seed % 2 == 0 {
///             item.image.reverse();
///         }
///         item
///     })
///     .num_workers(4)
///     .build(dataset)?;
/// # Ok(())
/// # }
/// ```
pub struct LoaderBuilder<'a, Bt, A = Unchanged> {
    run: &'a PowRun,
    batcher: Bt,
    batch_size: usize,
    augment: A,
    sampling: Option<Sampling>,
    workers: usize,
    root_file: Option<PathBuf>,
}

/// Samples come into a batch as the dataset returns them.
#[derive(Clone, Copy, Debug)]
pub struct Unchanged;

/// What is done with a sample before it comes into a batch: nothing ([`Unchanged`]), or a
/// function of the sample and its seed.
pub trait Augmentation<I> {
    /// The function. `None` if nothing is done.
    fn function(self) -> Option<Arc<dyn Fn(I, SampleSeed) -> I + Send + Sync>>;
}

impl<I> Augmentation<I> for Unchanged {
    fn function(self) -> Option<Arc<Augment<I>>> {
        None
    }
}

impl<I, F: Fn(I, SampleSeed) -> I + Send + Sync + 'static> Augmentation<I> for F {
    fn function(self) -> Option<Arc<Augment<I>>> {
        Some(Arc::new(self))
    }
}

impl<'a, Bt> LoaderBuilder<'a, Bt> {
    /// A builder for the loader of `run`. A batch has one item, unless
    /// [`batch_size`](Self::batch_size) sets another number.
    pub fn new(run: &'a PowRun, batcher: Bt) -> Self {
        LoaderBuilder {
            run,
            batcher,
            batch_size: 1,
            augment: Unchanged,
            sampling: None,
            workers: 0,
            root_file: None,
        }
    }

    /// Changes each sample before it comes into a batch. `augment` gets a seed that differs
    /// from sample to sample and from epoch to epoch, and is the same in a replay. It must
    /// draw from nothing else. The dataset's root is over the samples before the change.
    #[must_use]
    pub fn augment<I, F>(self, augment: F) -> LoaderBuilder<'a, Bt, F>
    where
        F: Fn(I, SampleSeed) -> I + Send + Sync + 'static,
    {
        LoaderBuilder {
            run: self.run,
            batcher: self.batcher,
            batch_size: self.batch_size,
            augment,
            sampling: self.sampling,
            workers: self.workers,
            root_file: self.root_file,
        }
    }
}

impl<Bt, A> LoaderBuilder<'_, Bt, A> {
    /// The number of items in a micro-batch, from 1 to 2^32 - 1.
    #[must_use]
    pub fn batch_size(mut self, items: usize) -> Self {
        self.batch_size = items;
        self
    }

    /// Chooses the samples of an epoch in another way than each one once.
    #[must_use]
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// The number of threads that make batches ahead of the training. With 0, which is the
    /// default, the thread that trains makes them. The order and the batches are the same
    /// for any number. Up to eight batches for each thread are made ahead, and take memory.
    ///
    /// With workers, the batcher must not draw random numbers from the device, because the
    /// model draws from it at the same time. That is checked with the first batch.
    #[must_use]
    pub fn num_workers(mut self, threads: usize) -> Self {
        self.workers = threads;
        self
    }

    /// Keeps the dataset's root in this file, so that a run that is started or resumed later
    /// need not read all data for it. The program vouches that the data stay the same:
    /// remove the file when they change. The number of items and 64 items spread over the
    /// dataset are compared. A note on stderr says when the root comes from the file. A
    /// replay never takes it from there.
    ///
    /// If this is set, a process that makes the loader several times, such as a replay of
    /// several segments, computes the root once.
    #[must_use]
    pub fn root_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.root_file = Some(path.into());
        self
    }

    /// The loader over `dataset`.
    ///
    /// # Errors
    ///
    /// The same as [`PowRun::loader`], and [`PowError::Config`] if the batch size is out
    /// of range, or [`PowError::Loader`] if the sampling does not fit the dataset.
    pub fn build<I, B>(
        self,
        dataset: impl Dataset<I> + 'static,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: CanonicalBytes + 'static,
        B: Send + 'static,
        Bt: Batcher<I, B> + 'static,
        A: Augmentation<I>,
    {
        self.finish(dataset, I::canonical_bytes)
    }

    /// The same as [`build`](Self::build), for items whose type is from another crate.
    /// `parts` returns the parts of an item that the dataset's root is over. It must
    /// return everything in which two items can differ.
    ///
    /// ```no_run
    /// # use burn::data::dataloader::batcher::Batcher;
    /// # use burn::data::dataset::Dataset;
    /// # use burn_pow::{LoaderBuilder, PowError, PowRun};
    /// # struct MnistItem { image: [[f32; 28]; 28], label: u8 }
    /// # fn program(run: &PowRun, dataset: impl Dataset<MnistItem> + 'static, batcher: impl Batcher<MnistItem, ()> + 'static) -> Result<(), PowError> {
    /// let train = LoaderBuilder::new(run, batcher)
    ///     .batch_size(64)
    ///     .build_by(dataset, |item| (item.image, item.label))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`build`](Self::build).
    pub fn build_by<I, B, P>(
        self,
        dataset: impl Dataset<I> + 'static,
        parts: impl Fn(&I) -> P + Sync,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: 'static,
        B: Send + 'static,
        Bt: Batcher<I, B> + 'static,
        A: Augmentation<I>,
        P: CanonicalBytes,
    {
        self.finish(dataset, |item, out| parts(item).canonical_bytes(out))
    }

    fn finish<I, B>(
        self,
        dataset: impl Dataset<I> + 'static,
        encode: impl Fn(&I, &mut Vec<u8>) + Sync,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: 'static,
        B: Send + 'static,
        Bt: Batcher<I, B> + 'static,
        A: Augmentation<I>,
    {
        let size = u32::try_from(self.batch_size)
            .ok()
            .and_then(NonZeroU32::new);
        let size = size.ok_or_else(|| {
            PowError::Config(format!("a batch cannot have {} items", self.batch_size))
        })?;
        let parts = LoaderParts {
            dataset: Arc::new(dataset),
            batcher: Arc::new(self.batcher),
            batch: size,
            augment: self.augment.function(),
            sampling: self.sampling,
            workers: NonZeroUsize::new(self.workers),
            root_file: self.root_file,
        };
        self.run.loader_of(parts, encode)
    }
}
