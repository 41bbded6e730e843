//! A data loader whose order anybody can recompute from a run's first block.

use super::bound::{Bound, BoundEpoch};
use super::iterations::{Fate, Watch};
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;
use pow_core::hash::DatasetRoot;
use pow_core::order::{DatasetHasher, SeededOrder};
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A batch and which samples it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked<B> {
    /// What the batcher made.
    pub batch: B,
    /// Indices in the dataset, in the order the batcher got them. `None` if
    /// the batch came from a loader that does not say.
    pub indices: Option<Vec<u32>>,
}

/// How many micro-batches a run has trained on; its clones count as one.
///
/// A [`SeededLoader`] reads it only when an iteration starts and never moves
/// it: whoever trains on a batch calls [`advance`](Self::advance). So a batch
/// that was looked at, or dropped because the run was interrupted, is handed
/// out again, and an iteration that was started twice starts at one place.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    micro_batches: Arc<AtomicU64>,
    fate: Fate,
}

impl Cursor {
    /// A cursor that stands at `micro_batches`, as when a run is resumed.
    pub fn at(micro_batches: u64) -> Self {
        Cursor {
            micro_batches: Arc::new(AtomicU64::new(micro_batches)),
            fate: Fate::default(),
        }
    }

    /// Micro-batches trained on since the run began.
    pub fn get(&self) -> u64 {
        self.micro_batches.load(Ordering::SeqCst)
    }

    /// Moves every clone to `micro_batches`.
    pub fn set(&self, micro_batches: u64) {
        self.micro_batches.store(micro_batches, Ordering::SeqCst);
    }

    /// Counts one more micro-batch and returns how many there were before.
    pub fn advance(&self) -> u64 {
        self.micro_batches.fetch_add(1, Ordering::SeqCst)
    }

    /// How the iterations of the loaders with this cursor came out.
    pub(crate) fn fate(&self) -> &Fate {
        &self.fate
    }
}

/// Why a loader cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// There is nothing to train on.
    #[error("the dataset is empty")]
    Empty,
    /// Sample indices are 32 bits wide.
    #[error("the dataset has {0} items, more than 2^32 - 1")]
    TooManyItems(usize),
}

/// A loader over [`SeededOrder`], for training; it does not prefetch.
///
/// Each iteration ends where an epoch ends. It starts where the [`Cursor`]
/// stands: at the beginning of an epoch, or within one after a resume. Burn
/// iterates once an epoch and takes batches one by one on the thread that
/// trains, so cursor and iteration stay in step.
///
/// Burn splits a loader for training on several devices with
/// [`slice`](DataLoader::slice). A slice hands out the samples at its positions
/// of every epoch's order, so that the slices of one split cover it. It cannot
/// know what its siblings have handed out, hence does not follow the cursor: its
/// iterations are whole epochs, the first being the one the cursor stood in when
/// it was cut. The batches of a split are other ones than those of the whole.
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
    /// Present if the order is bound to the chain; `order` is not used then.
    bound: Option<Bound>,
    device: Device,
}

/// What of an epoch a loader hands out.
#[derive(Clone)]
enum Part {
    Whole,
    Slice {
        positions: Range<u32>,
        next_epoch: Arc<AtomicU64>,
    },
}

// Derived, it would ask for `I: Clone` and `O: Clone`.
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
    /// A loader on the default device whose cursor stands at the beginning.
    ///
    /// `root` is the [`dataset_root`] of `dataset`; the order depends on it
    /// and on `seed`. `batch` is the number of samples in a micro-batch; the
    /// last one of an epoch may have fewer.
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

    /// Hands out samples in an order that is bound to the chain.
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

    /// The cursor, shared with every loader that [`DataLoader::to_device`]
    /// made of this one.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The order in which samples are handed out, unless it is
    /// [bound to the chain](crate::PowConfig::bound_order).
    pub fn order(&self) -> &SeededOrder {
        &self.order
    }

    /// Samples in a micro-batch.
    pub fn batch_size(&self) -> NonZeroU32 {
        self.batch
    }

    /// Micro-batches in an epoch of the whole dataset.
    pub fn batches_per_epoch(&self) -> u64 {
        u64::from(self.order.items.div_ceil(self.batch.get()))
    }

    /// Epoch and position within it at which an iteration starts.
    fn start(&self) -> (u64, u32) {
        let batches = self.batches_per_epoch();
        let cursor = self.cursor.get();
        match &self.part {
            // Less than the number of batches, hence less than 2^32 samples.
            Part::Whole => (
                cursor / batches,
                (cursor % batches) as u32 * self.batch.get(),
            ),
            Part::Slice { next_epoch, .. } => (next_epoch.fetch_add(1, Ordering::SeqCst), 0),
        }
    }

    /// The positions of an epoch's order that this loader hands out.
    fn positions(&self) -> Range<u32> {
        match &self.part {
            Part::Whole => 0..self.order.items,
            Part::Slice { positions, .. } => positions.clone(),
        }
    }
}

impl<I, O> DataLoader<Tracked<O>> for SeededLoader<I, O>
where
    I: 'static,
    O: Send + 'static,
{
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Tracked<O>> + 'a> {
        let left = match (&self.bound, &self.part) {
            (None, _) => {
                let (epoch, at) = self.start();
                let mut indices = self.order.epoch(epoch);
                let positions = self.positions();
                indices.truncate(positions.end as usize);
                indices.drain(..positions.start as usize);
                let at = at as usize;
                Left::Known { indices, at }
            }
            (Some(bound), Part::Whole) => Left::Bound(bound.left(self.cursor.get())),
            (Some(_), Part::Slice { .. }) => Left::Refused,
        };
        Box::new(Epoch {
            loader: self,
            left,
            watch: self.cursor.fate.watch(),
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
        // Nothing is left of a position beyond the end.
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

/// What is left of an epoch.
struct Epoch<'a, I, O> {
    loader: &'a SeededLoader<I, O>,
    left: Left,
    watch: Watch,
}

enum Left {
    /// An order that is known from the start, and how far it was handed out.
    Known { indices: Vec<u32>, at: usize },
    /// One that follows from blocks; `None` once one of them will never come.
    Bound(Option<BoundEpoch>),
    /// One that cannot be had in parts.
    Refused,
    /// It ended with an error.
    Failed,
}

impl Left {
    /// The next samples, `batch` of them unless fewer are left; `None` where
    /// nothing will come, whether it is over or not.
    fn take(&mut self, batch: usize) -> Option<Result<Vec<u32>, DatasetError>> {
        match self {
            Left::Known { indices, at } => {
                let left = indices.get(*at..).filter(|left| !left.is_empty())?;
                let taken = left[..left.len().min(batch)].to_vec();
                *at += taken.len();
                Some(Ok(taken))
            }
            Left::Bound(epoch) => {
                let taken = epoch.as_mut().filter(|epoch| !epoch.is_over())?.take();
                if taken.is_none() {
                    *epoch = None;
                }
                taken.map(Ok)
            }
            Left::Refused => {
                *self = Left::Failed;
                let words = "an order that is bound to the chain is for one device alone";
                Some(Err(DatasetError::new(std::io::Error::other(words))))
            }
            Left::Failed => None,
        }
    }

    /// Whether everything was handed out, or an error said why not.
    fn is_over(&self) -> bool {
        match self {
            Left::Known { indices, at } => *at >= indices.len(),
            Left::Bound(epoch) => epoch.as_ref().is_some_and(BoundEpoch::is_over),
            Left::Refused => false,
            Left::Failed => true,
        }
    }

    /// Samples handed out, of so many.
    fn progress(&self, items: usize) -> (usize, usize) {
        match self {
            Left::Known { indices, at } => (*at, indices.len()),
            Left::Bound(epoch) => (epoch.as_ref().map_or(0, BoundEpoch::seen), items),
            Left::Refused | Left::Failed => (items, items),
        }
    }
}

impl<I, O> Iterator for Epoch<'_, I, O> {
    type Item = Result<Tracked<O>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(taken) = self.left.take(self.loader.batch.get() as usize) else {
            if self.left.is_over() {
                self.watch.ended();
            }
            return None;
        };
        let found = taken.and_then(|indices| {
            let wanted = indices.iter().map(|index| *index as usize).collect();
            Ok((self.loader.dataset.get_many(wanted)?, indices))
        });
        let (items, indices) = match found {
            Ok(found) => found,
            Err(error) => {
                // An error ends the iteration: going on would leave samples out.
                self.left = Left::Failed;
                self.watch.failed(&error);
                return Some(Err(error));
            }
        };
        Some(Ok(Tracked {
            batch: self.loader.batcher.batch(items, &self.loader.device),
            indices: Some(indices),
        }))
    }
}

impl<I, O> DataLoaderIterator<Tracked<O>> for Epoch<'_, I, O> {
    fn progress(&self) -> Progress {
        let (taken, all) = self.left.progress(self.loader.positions().len());
        Progress::new(taken, all, Some("items".into()))
    }
}

/// The root over a dataset's items in index order, `encode` appending the
/// canonical bytes of one; for an item that knows them,
/// [`CanonicalBytes::canonical_bytes`](crate::loader::CanonicalBytes).
///
/// # Errors
///
/// What the dataset returns for an item that it cannot give.
pub fn dataset_root<I>(
    dataset: &dyn Dataset<I>,
    encode: impl Fn(&I, &mut Vec<u8>),
) -> Result<DatasetRoot, DatasetError> {
    let mut hasher = DatasetHasher::default();
    let mut bytes = Vec::new();
    for index in 0..dataset.len() {
        bytes.clear();
        encode(&dataset.get(index)?, &mut bytes);
        hasher.item(&bytes);
    }
    Ok(hasher.finish())
}
