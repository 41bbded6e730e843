//! Computing the root over a dataset: on all cores, with a progress bar, until it is
//! stopped.

use burn::data::dataset::{Dataset, DatasetError};
use indicatif::{ProgressBar, ProgressStyle};
use pow_core::hash::DatasetRoot;
use pow_core::order::DatasetHasher;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// The most items of a part. A thread hashes one part after another.
const MAX_PART: usize = 4096;

/// How often the caller looks whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// After this time there is a progress bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why there is no root.
#[derive(Debug)]
pub(crate) enum NoRoot {
    /// An item could not be read.
    Dataset(DatasetError),
    /// Somebody asked to stop.
    Stopped,
}

impl From<DatasetError> for NoRoot {
    fn from(error: DatasetError) -> Self {
        NoRoot::Dataset(error)
    }
}

/// The root over a dataset's items, in the order of their indices. `encode` appends
/// the canonical bytes of an item; if the item has them, give
/// [`CanonicalBytes::canonical_bytes`](super::CanonicalBytes::canonical_bytes).
///
/// All cores read and hash items, each a part of the dataset.
///
/// # Errors
///
/// The error that the dataset returns for an item that it cannot read.
pub fn dataset_root<I>(
    dataset: &dyn Dataset<I>,
    encode: impl Fn(&I, &mut Vec<u8>) + Sync,
) -> Result<DatasetRoot, DatasetError> {
    match root_unless(dataset, &encode, || false) {
        Ok(root) => Ok(root),
        Err(NoRoot::Dataset(error)) => Err(error),
        Err(NoRoot::Stopped) => Err(DatasetError::new(std::io::Error::other("stopped"))),
    }
}

/// The same, unless `should_stop` becomes true. After a second there is a progress bar, if
/// stderr is a terminal.
pub(crate) fn root_unless<I>(
    dataset: &dyn Dataset<I>,
    encode: &(impl Fn(&I, &mut Vec<u8>) + Sync),
    should_stop: impl Fn() -> bool,
) -> Result<DatasetRoot, NoRoot> {
    let len = dataset.len();
    let cores = available_parallelism().map_or(1, usize::from);
    // Several parts for each core, because items differ in how long they take.
    let size = (len / (8 * cores)).clamp(1, MAX_PART).next_power_of_two();
    let parts = Parts {
        len,
        size,
        next: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        let (sender, hashed) = channel();
        for _ in 0..cores.min(parts.count()) {
            let (parts, sender) = (&parts, sender.clone());
            scope.spawn(move || parts.hash(dataset, encode, &sender));
        }
        drop(sender);
        let root = parts.collect(&hashed, should_stop);
        parts.is_over.store(true, Ordering::Relaxed);
        root
    })
}

/// A hashed part, by its number.
type Hashed = (usize, Result<DatasetHasher, DatasetError>);

/// A dataset that several threads hash.
struct Parts {
    len: usize,
    /// The number of items in a part. The last one may have fewer.
    size: usize,
    /// The part that the next free thread takes.
    next: AtomicUsize,
    /// The number of items hashed.
    done: AtomicUsize,
    /// Whether nobody needs the rest.
    is_over: AtomicBool,
}

impl Parts {
    fn count(&self) -> usize {
        self.len.div_ceil(self.size)
    }

    /// Hashes parts until none is left.
    fn hash<I>(
        &self,
        dataset: &dyn Dataset<I>,
        encode: &impl Fn(&I, &mut Vec<u8>),
        sender: &Sender<Hashed>,
    ) {
        let mut bytes = Vec::new();
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= self.count() {
                return;
            }
            let start = part * self.size;
            let mut hasher = DatasetHasher::default();
            for index in start..self.len.min(start + self.size) {
                if self.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let item = match dataset.get(index) {
                    Ok(item) => item,
                    Err(error) => {
                        // The other end is gone if another part failed before.
                        let _ = sender.send((part, Err(error)));
                        return;
                    }
                };
                bytes.clear();
                encode(&item, &mut bytes);
                hasher.item(&bytes);
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            if sender.send((part, Ok(hasher))).is_err() {
                return;
            }
        }
    }

    /// Joins the parts in their order.
    fn collect(
        &self,
        hashed: &Receiver<Hashed>,
        should_stop: impl Fn() -> bool,
    ) -> Result<DatasetRoot, NoRoot> {
        let began = Instant::now();
        let mut bar = None;
        let mut dataset = DatasetHasher::default();
        let mut waiting = BTreeMap::new();
        let mut joined = 0;
        while joined < self.count() {
            if should_stop() {
                return Err(NoRoot::Stopped);
            }
            match hashed.recv_timeout(LOOK) {
                Ok((part, hasher)) => {
                    waiting.insert(part, hasher?);
                }
                Err(RecvTimeoutError::Timeout) => {}
                // A thread panicked, and the scope passes that on.
                Err(RecvTimeoutError::Disconnected) => return Err(NoRoot::Stopped),
            }
            while let Some(part) = waiting.remove(&joined) {
                let appended = dataset.append(&part);
                appended.map_err(|error| DatasetError::new(std::io::Error::other(error)))?;
                joined += 1;
            }
            if began.elapsed() > PATIENCE {
                let bar = bar.get_or_insert_with(|| bar_over(self.len));
                bar.set_position(self.done.load(Ordering::Relaxed) as u64);
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        Ok(dataset.finish())
    }
}

/// A bar on stderr. It prints nothing without a terminal.
fn bar_over(items: usize) -> ProgressBar {
    let bar = ProgressBar::new(items as u64);
    let template = "hashing the dataset {bar:30} {pos}/{len} items, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::data::dataset::InMemDataset;

    /// The root, one item after another.
    fn plainly(items: &[u32]) -> DatasetRoot {
        let mut hasher = DatasetHasher::default();
        for item in items {
            hasher.item(&item.to_le_bytes());
        }
        hasher.finish()
    }

    fn encode(item: &u32, out: &mut Vec<u8>) {
        out.extend(item.to_le_bytes());
    }

    #[test]
    fn the_root_is_that_of_one_item_after_another() {
        for len in [0, 1, 2, 3, 31, 32, 33, 1000, 4096, 70_001] {
            let items: Vec<u32> = (0..len).collect();
            let root = dataset_root(&InMemDataset::new(items.clone()), encode).unwrap();
            assert_eq!(root, plainly(&items), "{len} items");
        }
    }

    /// Items, one of which cannot be read.
    struct Broken(usize);

    impl Dataset<u32> for Broken {
        fn get(&self, index: usize) -> Result<u32, DatasetError> {
            match index == self.0 {
                true => Err(DatasetError::new(std::io::Error::other("the disk is gone"))),
                false => Ok(index as u32),
            }
        }

        fn len(&self) -> usize {
            10_000
        }
    }

    #[test]
    fn an_item_that_cannot_be_read_is_an_error() {
        for index in [0, 5_000, 9_999] {
            let error = dataset_root(&Broken(index), encode).unwrap_err();
            assert!(error.to_string().contains("the disk is gone"), "{error}");
        }
        assert!(dataset_root(&Broken(10_000), encode).is_ok());
    }

    #[test]
    fn a_stop_ends_it() {
        let asked = AtomicUsize::new(0);
        let endless = |_: &u32, _: &mut Vec<u8>| std::thread::sleep(Duration::from_millis(1));
        let stopped = root_unless(&Broken(10_000), &endless, || {
            asked.fetch_add(1, Ordering::Relaxed) == 1
        });
        assert!(matches!(stopped, Err(NoRoot::Stopped)));
        // 10,000 items take seconds, and the second look stopped it.
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
