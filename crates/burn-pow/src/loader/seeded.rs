//! A loader with a seeded order.

use super::bound::Bound;
use super::epoch::{Epoch, EpochMaker, Samples};
use super::maker::{Augment, Maker, Sample};
use super::workers::{Ahead, Workers, check_batcher};
use super::{Cursor, Tracked};
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderIterator};
use burn::data::dataset::Dataset;
use burn::tensor::Device;
use pow_core::hash::DatasetRoot;
use pow_core::order::{EpochOrder, SeededOrder, TableError, device_seed};
use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The positions of the device seeds under which batches are made: those of the
/// micro-batches, and this bit.
const BATCH_POSITIONS: u64 = 1 << 63;

/// Why a loader cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
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
    /// The program was asked to stop while the dataset's root was computed.
    #[error("stopped while the dataset was read for its root; nothing was recorded")]
    Stopped,
    /// A sample's weight is negative or not finite.
    #[error("the weight of sample {index} is {weight}, expected a finite one that is not negative")]
    Weight {
        /// The sample.
        index: usize,
        /// Its weight.
        weight: f64,
    },
    /// The weights or lengths give no order.
    #[error("{0}")]
    Table(#[from] TableError),
}

/// A training loader whose order follows from the dataset and a seed.
///
/// Each iteration ends at the end of an epoch. It starts where the [`Cursor`]
/// stands: at the start of an epoch, or within one if the run was resumed. Burn
/// iterates once for each epoch, and takes batches one by one on the thread that
/// trains, so cursor and iteration stay in step. Before the batcher makes a batch, the
/// device is seeded by the batch's position, so a batcher that draws from the device
/// makes the same batch in a replay. (With [workers](crate::LoaderBuilder::num_workers), a
/// batcher may not draw from the device.)
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
    maker: Maker<I, O>,
    order: EpochOrder,
    batch: NonZeroU32,
    cursor: Cursor,
    part: Part,
    /// Present if the order is bound to the chain. `order` is then not used.
    bound: Option<Bound>,
    /// Present if other threads make the batches.
    ahead: Option<Arc<MadeAhead>>,
}

/// The threads that make batches for one loader on one device.
struct MadeAhead {
    count: NonZeroUsize,
    /// They start with the first iteration.
    workers: OnceLock<Workers>,
    /// Whether the batcher was checked.
    is_checked: AtomicBool,
}

impl MadeAhead {
    fn new(count: NonZeroUsize) -> Arc<Self> {
        Arc::new(MadeAhead {
            count,
            workers: OnceLock::new(),
            is_checked: AtomicBool::new(false),
        })
    }
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
            maker: self.maker.clone(),
            order: self.order.clone(),
            batch: self.batch,
            cursor: self.cursor.clone(),
            part: self.part.clone(),
            bound: self.bound.clone(),
            ahead: self.ahead.clone(),
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
            maker: Maker {
                dataset,
                batcher,
                augment: None,
                device: Device::default(),
                seed,
            },
            order: EpochOrder::Seeded(SeededOrder {
                dataset: root,
                seed,
                items,
            }),
            batch,
            cursor: Cursor::default(),
            part: Part::Whole,
            bound: None,
            ahead: None,
        })
    }

    /// Returns samples in this order.
    pub(crate) fn in_order(mut self, order: EpochOrder) -> Self {
        self.order = order;
        self
    }

    /// Changes each sample before it comes into a batch.
    pub(crate) fn augmented(mut self, augment: Option<Arc<Augment<I>>>) -> Self {
        self.maker.augment = augment;
        self
    }

    /// Makes batches on this many other threads, ahead of the training.
    pub(crate) fn with_workers(mut self, workers: Option<NonZeroUsize>) -> Self {
        self.ahead = workers.map(MadeAhead::new);
        self
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
    pub fn order(&self) -> &EpochOrder {
        &self.order
    }

    /// The number of samples in a micro-batch.
    pub fn batch_size(&self) -> NonZeroU32 {
        self.batch
    }

    /// The number of micro-batches in a whole epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        u64::from(self.order.epoch_len().div_ceil(self.batch.get()))
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
            Part::Whole => 0..self.order.epoch_len(),
            Part::Slice { positions, .. } => positions.clone(),
        }
    }

    /// The samples of the iteration that starts now, and their epoch.
    fn samples(&self) -> (u64, Samples) {
        if matches!(self.part, Part::Whole) && self.cursor.take_epoch_end() {
            let epoch = self.cursor.get() / self.batches_per_epoch();
            return (epoch.saturating_sub(1), Samples::none());
        }
        match (&self.bound, &self.part) {
            (None, _) => {
                let (epoch, at) = self.start();
                let mut samples = Sample::of_epoch(self.order.epoch(epoch), self.order.items());
                let positions = self.positions();
                samples.truncate(positions.end as usize);
                samples.drain(..positions.start as usize);
                let at = at as usize;
                (epoch, Samples::Known { samples, at })
            }
            (Some(bound), Part::Whole) => {
                let at = self.cursor.get();
                let epoch = at / self.batches_per_epoch();
                (epoch, Samples::Bound(bound.epoch_at(at)))
            }
            (Some(_), Part::Slice { .. }) => (0, Samples::Refused),
        }
    }
}

impl<I: 'static, O: Send + 'static> SeededLoader<I, O> {
    /// Makes the batches of `epoch` on the thread that takes them.
    fn make_here(&self, epoch: u64) -> EpochMaker<'_, O> {
        EpochMaker::Here(Box::new(move |samples| {
            let items = self.maker.items(epoch, samples)?;
            if matches!(self.part, Part::Whole) {
                // A batcher may draw from the device. Another position than the one of the
                // micro-batch itself, so that the model does not draw the same numbers.
                let position = self.cursor.get() | BATCH_POSITIONS;
                self.maker
                    .device
                    .seed(device_seed(self.maker.seed, position));
            }
            Ok(self.maker.batch(samples, items))
        }))
    }

    /// Makes the batches of `epoch` on other threads.
    fn make_ahead<'a>(&'a self, ahead: &'a MadeAhead, epoch: u64) -> EpochMaker<'a, O> {
        let workers = ahead.workers.get_or_init(|| Workers::start(ahead.count));
        EpochMaker::Ahead {
            on_the_way: Ahead::new(),
            most: workers.ahead(),
            submit: Box::new(move |samples| {
                if !ahead.is_checked.swap(true, Ordering::SeqCst) {
                    check_batcher(&self.maker, epoch, &samples)?;
                }
                Ok(workers.submit(&self.maker, epoch, samples))
            }),
        }
    }
}

impl<I, O> DataLoader<Tracked<O>> for SeededLoader<I, O>
where
    I: 'static,
    O: Send + 'static,
{
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Tracked<O>> + 'a> {
        let (epoch, samples) = self.samples();
        Box::new(Epoch {
            samples,
            items: self.positions().len(),
            batch_size: self.batch.get() as usize,
            maker: match &self.ahead {
                Some(ahead) => self.make_ahead(ahead, epoch),
                None => self.make_here(epoch),
            },
            iteration: self.cursor.iterations().start(),
        })
    }

    fn num_items(&self) -> usize {
        self.positions().len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Tracked<O>>> {
        let mut moved = self.clone();
        moved.maker.device = device.clone();
        moved.ahead = self.ahead.as_ref().map(|ahead| MadeAhead::new(ahead.count));
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
