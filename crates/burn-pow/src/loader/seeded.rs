//! A loader with a seeded order.

use super::bound::Bound;
use super::epoch::{Epoch, Samples};
use super::{Cursor, Tracked};
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderIterator};
use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;
use pow_core::hash::DatasetRoot;
use pow_core::order::{SeededOrder, device_seed};
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The positions of the device seeds under which batches are made: those of the
/// micro-batches, and this bit.
const BATCH_POSITIONS: u64 = 1 << 63;

/// Why a loader cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// The dataset has no items.
    #[error("the dataset is empty")]
    Empty,
    /// Sample indices are 32 bits wide.
    #[error("the dataset has {0} items, more than 2^32 - 1")]
    TooManyItems(usize),
    /// An item has other bytes when it is read again. No replay could make the same
    /// batches.
    #[error(
        "the dataset returns another item {0} when it is read a second time; a recorded run needs \
         a dataset that answers the same each time, and takes its order from its own loader"
    )]
    Unstable(usize),
}

/// A training loader over a [`SeededOrder`]. It does not prefetch.
///
/// Each iteration ends at the end of an epoch. It starts where the [`Cursor`]
/// stands: at the start of an epoch, or within one if the run was resumed. Burn
/// iterates once for each epoch, and takes batches one by one on the thread that
/// trains, so cursor and iteration stay in step. Before the batcher makes a batch, the
/// device is seeded by the batch's position, so a batcher that draws from the device
/// makes the same batch in a replay.
///
/// To train on several devices, Burn splits a loader with
/// [`slice`](DataLoader::slice). A slice returns the samples at its positions of
/// every epoch's order, so the slices of one split cover the whole order. A slice
/// does not know what the other slices have returned, so it does not follow the
/// cursor. Its iterations are whole epochs, and the first is the epoch that the
/// cursor was in when the slice was made. The batches of a split differ from the
/// batches of the whole loader.
///
/// ```
/// use burn::data::dataloader::{DataLoader, batcher::Batcher};
/// use burn::data::dataset::InMemDataset;
/// use burn::tensor::Device;
/// use burn_pow::loader::{SeededLoader, dataset_root};
/// use std::sync::Arc;
///
/// struct AsIs;
/// impl Batcher<u8, Vec<u8>> for AsIs {
///     fn batch(&self, items: Vec<u8>, _: &Device) -> Vec<u8> {
///         items
///     }
/// }
///
/// let data = InMemDataset::new(vec![10, 11, 12, 13, 14]);
/// let root = dataset_root(&data, |item, out| out.push(*item))?;
/// let batch = 2.try_into()?;
/// let loader = SeededLoader::new(Arc::new(data), Arc::new(AsIs), root, 7, batch)?;
/// let mut seen = Vec::new();
/// for tracked in loader.iter() {
///     seen.extend(tracked?.indices.unwrap_or_default());
///     loader.cursor().advance();
/// }
/// assert_eq!(seen, loader.order().epoch(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SeededLoader<I, O> {
    dataset: Arc<dyn Dataset<I>>,
    batcher: Arc<dyn Batcher<I, O>>,
    order: SeededOrder,
    batch: NonZeroU32,
    cursor: Cursor,
    part: Part,
    /// Present if the order is bound to the chain. `order` is then not used.
    bound: Option<Bound>,
    device: Device,
}

/// The part of an epoch that a loader returns.
#[derive(Clone)]
enum Part {
    Whole,
    Slice {
        positions: Range<u32>,
        next_epoch: Arc<AtomicU64>,
    },
}

// A derived one would require `I: Clone` and `O: Clone`.
impl<I, O> Clone for SeededLoader<I, O> {
    fn clone(&self) -> Self {
        SeededLoader {
            dataset: self.dataset.clone(),
            batcher: self.batcher.clone(),
            order: self.order,
            batch: self.batch,
            cursor: self.cursor.clone(),
            part: self.part.clone(),
            bound: self.bound.clone(),
            device: self.device.clone(),
        }
    }
}

impl<I, O> SeededLoader<I, O> {
    /// A loader on the default device, with its cursor at the start.
    ///
    /// `root` is the [`dataset_root`](super::dataset_root) of `dataset`. The order
    /// depends on it and on `seed`. `batch` is the number of samples in a
    /// micro-batch; the last micro-batch of an epoch may have fewer.
    ///
    /// # Errors
    ///
    /// [`LoaderError`] if the dataset is empty or too large.
    pub fn new(
        dataset: Arc<dyn Dataset<I>>,
        batcher: Arc<dyn Batcher<I, O>>,
        root: DatasetRoot,
        seed: u64,
        batch: NonZeroU32,
    ) -> Result<Self, LoaderError> {
        let len = dataset.len();
        let items = u32::try_from(len).map_err(|_| LoaderError::TooManyItems(len))?;
        if items == 0 {
            return Err(LoaderError::Empty);
        }
        Ok(SeededLoader {
            dataset,
            batcher,
            order: SeededOrder {
                dataset: root,
                seed,
                items,
            },
            batch,
            cursor: Cursor::default(),
            part: Part::Whole,
            bound: None,
            device: Device::default(),
        })
    }

    /// Returns samples in an order that is bound to the chain.
    pub(crate) fn bound(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Uses `cursor` from now on.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Cursor) -> Self {
        self.cursor = cursor;
        self
    }

    /// The cursor. A loader made from this one by [`DataLoader::to_device`] shares
    /// it.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The order of the samples, unless it is
    /// [bound to the chain](crate::PowConfig::bound_order).
    pub fn order(&self) -> &SeededOrder {
        &self.order
    }

    /// The number of samples in a micro-batch.
    pub fn batch_size(&self) -> NonZeroU32 {
        self.batch
    }

    /// The number of micro-batches in an epoch of the whole dataset.
    pub fn batches_per_epoch(&self) -> u64 {
        u64::from(self.order.items.div_ceil(self.batch.get()))
    }

    /// The epoch in which an iteration starts, and the position in it.
    fn start(&self) -> (u64, u32) {
        let batches = self.batches_per_epoch();
        let cursor = self.cursor.get();
        match &self.part {
            // The remainder is below the number of batches, so this is below 2^32.
            Part::Whole => (
                cursor / batches,
                (cursor % batches) as u32 * self.batch.get(),
            ),
            Part::Slice { next_epoch, .. } => (next_epoch.fetch_add(1, Ordering::SeqCst), 0),
        }
    }

    /// The positions of an epoch's order that this loader returns.
    fn positions(&self) -> Range<u32> {
        match &self.part {
            Part::Whole => 0..self.order.items,
            Part::Slice { positions, .. } => positions.clone(),
        }
    }

    /// Reads samples and makes their batch.
    fn batch_of(&self, indices: Vec<u32>) -> Result<Tracked<O>, DatasetError> {
        let wanted = indices.iter().map(|index| *index as usize).collect();
        let items = self.dataset.get_many(wanted)?;
        if matches!(self.part, Part::Whole) {
            // A batcher may draw from the device. Another position than the one of the
            // micro-batch itself, so that the model does not draw the same numbers.
            let position = self.cursor.get() | BATCH_POSITIONS;
            self.device.seed(device_seed(self.order.seed, position));
        }
        Ok(Tracked {
            batch: self.batcher.batch(items, &self.device),
            indices: Some(indices),
        })
    }
}

impl<I, O> DataLoader<Tracked<O>> for SeededLoader<I, O>
where
    I: 'static,
    O: Send + 'static,
{
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Tracked<O>> + 'a> {
        let samples = match (&self.bound, &self.part) {
            (None, _) => {
                let (epoch, at) = self.start();
                let mut indices = self.order.epoch(epoch);
                let positions = self.positions();
                indices.truncate(positions.end as usize);
                indices.drain(..positions.start as usize);
                let at = at as usize;
                Samples::Known { indices, at }
            }
            (Some(bound), Part::Whole) => Samples::Bound(bound.epoch_at(self.cursor.get())),
            (Some(_), Part::Slice { .. }) => Samples::Refused,
        };
        Box::new(Epoch {
            samples,
            items: self.positions().len(),
            batch_size: self.batch.get() as usize,
            make_batch: Box::new(|indices| self.batch_of(indices)),
            iteration: self.cursor.iterations().start(),
        })
    }

    fn num_items(&self) -> usize {
        self.positions().len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Tracked<O>>> {
        let mut moved = self.clone();
        moved.device = device.clone();
        Arc::new(moved)
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Tracked<O>>> {
        let whole = self.positions();
        // A position past the end is the end.
        let position = |offset: usize| {
            let offset = u32::try_from(offset).unwrap_or(u32::MAX);
            whole.start.saturating_add(offset).min(whole.end)
        };
        let epoch = match &self.part {
            Part::Whole => self.cursor.get() / self.batches_per_epoch(),
            Part::Slice { next_epoch, .. } => next_epoch.load(Ordering::SeqCst),
        };
        let mut slice = self.clone();
        slice.part = Part::Slice {
            positions: position(start)..position(end).max(position(start)),
            next_epoch: Arc::new(AtomicU64::new(epoch)),
        };
        Arc::new(slice)
    }
}
