//! A dataset's root that a program keeps in a file, so that it need not read all data each
//! time it starts.

use super::canonical::spread;
use super::root::{NoRoot, root_unless};
use burn::data::dataset::{Dataset, DatasetError};
use pow_core::hash::DatasetRoot;
use pow_core::order::DatasetHasher;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The roots that this process has computed from data.
static COMPUTED: Mutex<Option<HashMap<Key, DatasetRoot>>> = Mutex::new(None);

/// A dataset, as far as it is known without reading all of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    file: PathBuf,
    items: usize,
    /// The root over some of its items, spread over the dataset.
    spread: DatasetRoot,
}

/// The root over `dataset`: the one that this process has computed before, or the one in the
/// file, or a new one, which is then kept in the file. A replay does not use the file.
pub(crate) fn kept_root<I>(
    file: &Path,
    dataset: &dyn Dataset<I>,
    encode: &(impl Fn(&I, &mut Vec<u8>) + Sync),
    is_replay: bool,
    should_stop: impl Fn() -> bool,
) -> Result<DatasetRoot, NoRoot> {
    let key = Key {
        file: std::path::absolute(file).unwrap_or_else(|_| file.to_owned()),
        items: dataset.len(),
        spread: spread_root(dataset, encode)?,
    };
    if let Some(root) = computed(|computed| computed.get(&key).copied()) {
        return Ok(root);
    }
    if !is_replay && let Some(root) = key.read() {
        let path = key.file.display();
        say(&format!(
            "note: the dataset's root is the one in {path}, which this program vouches for"
        ));
        return Ok(root);
    }
    let root = root_unless(dataset, encode, should_stop)?;
    computed(|computed| computed.insert(key.clone(), root));
    if !is_replay && let Err(error) = key.write(root) {
        let path = key.file.display();
        say(&format!(
            "warning: {path}: {error}; the dataset will be read again"
        ));
    }
    Ok(root)
}

fn computed<T>(used: impl FnOnce(&mut HashMap<Key, DatasetRoot>) -> T) -> T {
    let mut computed = COMPUTED.lock().unwrap_or_else(PoisonError::into_inner);
    used(computed.get_or_insert_default())
}

/// The root over some items, spread over the dataset.
fn spread_root<I>(
    dataset: &dyn Dataset<I>,
    encode: impl Fn(&I, &mut Vec<u8>),
) -> Result<DatasetRoot, DatasetError> {
    let mut hasher = DatasetHasher::default();
    for index in spread(dataset.len()) {
        let mut bytes = Vec::new();
        encode(&dataset.get(index)?, &mut bytes);
        hasher.item(&bytes);
    }
    Ok(hasher.finish())
}

impl Key {
    /// The root in the file. `None` if it is that of other data, or cannot be read.
    fn read(&self) -> Option<DatasetRoot> {
        let kept: Value = serde_json::from_slice(&std::fs::read(&self.file).ok()?).ok()?;
        let is_same =
            kept["items"] == json!(self.items) && kept["spread"] == json!(self.spread.to_string());
        kept["root"].as_str().filter(|_| is_same)?.parse().ok()
    }

    /// Keeps the root in the file. A file that was written in part is not read.
    fn write(&self, root: DatasetRoot) -> std::io::Result<()> {
        let kept = json!({
            "items": self.items,
            "spread": self.spread.to_string(),
            "root": root.to_string(),
        });
        std::fs::write(&self.file, format!("{kept}\n"))
    }
}

fn say(line: &str) {
    // A closed stderr must not end the training.
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Numbers from `first` on. Counts how often one is read.
    struct Counted(u32, AtomicUsize);

    impl Counted {
        fn from(first: u32) -> Self {
            Counted(first, AtomicUsize::new(0))
        }

        fn reads(&self) -> usize {
            self.1.swap(0, Ordering::Relaxed)
        }
    }

    impl Dataset<u32> for Counted {
        fn get(&self, index: usize) -> Result<u32, DatasetError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(self.0 + index as u32)
        }

        fn len(&self) -> usize {
            1000
        }
    }

    fn root(file: &Path, data: &Counted, is_replay: bool) -> DatasetRoot {
        let encode = |item: &u32, out: &mut Vec<u8>| out.extend(item.to_le_bytes());
        kept_root(file, data, &encode, is_replay, || false).unwrap()
    }

    /// As a new process would begin.
    fn forget() {
        computed(HashMap::clear);
    }

    #[test]
    fn a_kept_root_spares_the_reading_but_not_in_a_replay() {
        let place = tempfile::tempdir().unwrap();
        let (file, data) = (place.path().join("root"), Counted::from(0));
        let whole = |reads: usize| reads >= 1000;

        let first = root(&file, &data, false);
        assert!(whole(data.reads()));
        // The same process, also in a replay: it has read the data itself.
        assert_eq!(root(&file, &data, true), first);
        assert!(!whole(data.reads()));
        forget();
        assert_eq!(root(&file, &data, false), first);
        assert!(!whole(data.reads()));
        assert_eq!(root(&file, &data, true), first);
        assert!(whole(data.reads()));

        // Other data, and a file that was made up.
        forget();
        let other = Counted::from(1);
        let second = root(&file, &other, false);
        assert!(whole(other.reads()) && second != first);
        forget();
        let kept = std::fs::read_to_string(&file).unwrap();
        let forged = kept.replace(&second.to_string(), &first.to_string());
        std::fs::write(&file, forged).unwrap();
        assert_eq!(root(&file, &other, false), first);
        assert_eq!(root(&file, &other, true), second);
        forget();
        for damaged in ["", "{", "{\"root\":1}", &kept.replace("1000", "1001")] {
            std::fs::write(&file, damaged).unwrap();
            forget();
            other.reads();
            assert_eq!(root(&file, &other, false), second);
            assert!(whole(other.reads()), "{damaged}");
        }
    }
}
