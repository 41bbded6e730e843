//! Building a loader in the way that Burn's loaders are built.

use super::PowRun;
use crate::error::PowError;
use crate::loader::{CanonicalBytes, SeededLoader};
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::Dataset;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Builds the same loader as [`PowRun::loader`], in the way of Burn's
/// [`DataLoaderBuilder`](burn::data::dataloader::DataLoaderBuilder). The order follows
/// from the run's seed, so there is no `shuffle`. Nothing is prefetched, so there are
/// no workers.
pub struct LoaderBuilder<'a, Bt> {
    run: &'a PowRun,
    batcher: Bt,
    batch_size: usize,
}

impl<'a, Bt> LoaderBuilder<'a, Bt> {
    /// A builder for the loader of `run`. A batch has one item, unless
    /// [`batch_size`](Self::batch_size) sets another number.
    pub fn new(run: &'a PowRun, batcher: Bt) -> Self {
        LoaderBuilder {
            run,
            batcher,
            batch_size: 1,
        }
    }

    /// The number of items in a micro-batch, from 1 to 2^32 - 1.
    #[must_use]
    pub fn batch_size(mut self, items: usize) -> Self {
        self.batch_size = items;
        self
    }

    /// The loader over `dataset`.
    ///
    /// # Errors
    ///
    /// The same as [`PowRun::loader`], and [`PowError::Config`] if the batch size is out
    /// of range.
    pub fn build<I, B>(
        self,
        dataset: impl Dataset<I> + 'static,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: CanonicalBytes + 'static,
        B: Send + 'static,
        Bt: Batcher<I, B> + 'static,
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
        parts: impl Fn(&I) -> P,
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: 'static,
        B: Send + 'static,
        Bt: Batcher<I, B> + 'static,
        P: CanonicalBytes,
    {
        self.finish(dataset, |item, out| parts(item).canonical_bytes(out))
    }

    fn finish<I, B>(
        self,
        dataset: impl Dataset<I> + 'static,
        encode: impl Fn(&I, &mut Vec<u8>),
    ) -> Result<Arc<SeededLoader<I, B>>, PowError>
    where
        I: 'static,
        B: Send + 'static,
        Bt: Batcher<I, B> + 'static,
    {
        let size = u32::try_from(self.batch_size)
            .ok()
            .and_then(NonZeroU32::new);
        let size = size.ok_or_else(|| {
            PowError::Config(format!("a batch cannot have {} items", self.batch_size))
        })?;
        self.run
            .loader_by(Arc::new(dataset), Arc::new(self.batcher), size, encode)
    }
}
