//! Published models beside a plain reading of them.

use super::json::Json;
use super::memory::metered;
use super::tensors::{Element, Plain, named, read, root};
use crate::oracle::take;
use pow_audit::published::{Fingerprint, Workers, fingerprint, fingerprint_stream};
use pow_core::draft::ModelRoot;
use pow_core::hash::PlainSha2;
use pow_ledger::published::{INDEX_FILE, MODEL_FILE, PublishedError, PublishedModel};
use std::num::NonZeroUsize;
use std::path::Path;

const SHARDS: [&str; 2] = ["a.safetensors", "b.safetensors"];

/// The element types that only the draft has, by safetensors' documentation.
const DRAFT: [Element; 9] = [
    Element::draft("F4", 4),
    Element::draft("F6_E2M3", 6),
    Element::draft("F6_E3M2", 6),
    Element::draft("F8_E5M2", 8),
    Element::draft("F8_E4M3", 8),
    Element::draft("F8_E8M0", 8),
    Element::draft("F8_E4M3FNUZ", 8),
    Element::draft("F8_E5M2FNUZ", 8),
    Element::draft("C64", 64),
];

const WORKERS: Workers<'_> = Workers {
    hasher: &PlainSha2,
    threads: NonZeroUsize::MIN,
    progress: &|_| {},
};

/// Two `u16` lengths, then an index, and the files a.safetensors and b.safetensors. If the
/// first length is 0xffff, all other bytes are one model.safetensors.
pub fn published(data: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let files = lay_out(dir.path(), data);
    let ours = metered(data.len(), || root_of(dir.path()));
    let plain = match &files[..] {
        [(_, content)] => read(content, named_or_draft),
        files => shards(files),
    };
    let expected = plain.as_deref().map(shown);
    let found = ours.as_ref().ok().map(|found| found.root.to_string());
    assert_eq!(found, expected, "{ours:?}");
    if let [(name, content)] = &files[..] {
        let stream = metered(content.len(), || {
            fingerprint_stream(*content, Path::new(name), &WORKERS)
        });
        assert_eq!(stream.ok(), ours.as_ref().ok().cloned());
    }
    if let Ok(ours) = ours {
        let v1_only = ours
            .tensors
            .iter()
            .all(|tensor| named(tensor.dtype.name()).is_some());
        assert_eq!(matches!(ours.root, ModelRoot::V1(_)), v1_only);
    }
}

/// The files of an input of this property, written to a directory.
///
/// # Panics
///
/// If they cannot be written.
pub fn lay_out<'a>(dir: &Path, mut data: &'a [u8]) -> Vec<(&'static str, &'a [u8])> {
    let lens: [[u8; 2]; 2] = [take(&mut data), take(&mut data)];
    let [index_len, first_len] = lens.map(u16::from_le_bytes);
    let files = if index_len == u16::MAX {
        vec![(MODEL_FILE, data)]
    } else {
        let (index, rest) = data.split_at(data.len().min(index_len.into()));
        let (first, second) = rest.split_at(rest.len().min(first_len.into()));
        vec![(INDEX_FILE, index), (SHARDS[0], first), (SHARDS[1], second)]
    };
    for (name, content) in &files {
        std::fs::write(dir.join(name), content).unwrap();
    }
    files
}

/// The fingerprint of the model in a directory.
///
/// # Errors
///
/// [`PublishedError`] if it is malformed.
pub fn root_of(dir: &Path) -> Result<Fingerprint, PublishedError> {
    Ok(fingerprint(&PublishedModel::open(dir)?, &WORKERS)?)
}

fn named_or_draft(name: &str) -> Option<Element> {
    let mut draft = DRAFT.iter();
    named(name).or_else(|| draft.find(|element| element.name == name).cloned())
}

/// The root as it is printed.
fn shown(tensors: &[Plain<'_>]) -> String {
    let draft = tensors.iter().any(|tensor| tensor.dtype.is_draft);
    let prefix = if draft { "v2-draft:" } else { "" };
    format!("{prefix}{}", crate::oracle::hex(&root(tensors)))
}

/// The tensors of the files that the index names, by the rules of
/// scripts/param_root.py.
fn shards<'a>(files: &[(&str, &'a [u8])]) -> Option<Vec<Plain<'a>>> {
    let Json::Object(index) = Json::read(files[0].1)? else {
        return None;
    };
    let distinct = |pairs: &[(String, Json)]| {
        let mut names: Vec<&String> = pairs.iter().map(|(name, _)| name).collect();
        names.sort();
        names.windows(2).all(|pair| pair[0] != pair[1])
    };
    let map = index.iter().find(|(name, _)| name == "weight_map");
    let (_, Json::Object(map)) = map? else {
        return None;
    };
    if !distinct(&index) || !distinct(map) {
        return None;
    }
    let mut tensors = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (_, file) in map {
        let file = file.text()?;
        if seen.contains(&file) {
            continue;
        }
        seen.push(file);
        let (_, content) = files.iter().find(|(name, _)| *name == file)?;
        for tensor in read(content, named_or_draft)? {
            let placed = map.iter().find(|(name, _)| *name == tensor.path);
            if placed.and_then(|(_, place)| place.text()) != Some(file) {
                return None;
            }
            tensors.push(tensor);
        }
    }
    (tensors.len() == map.len()).then_some(tensors)
}
