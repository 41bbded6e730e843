//! safetensors files beside a plain reading of them.

use super::json::Json;
use super::memory::metered;
use crate::model::DTYPES;
use crate::oracle::{tagged, tree_root};
use pow_core::tensor::{DType, TensorInfo};
use pow_ledger::{Tensor, TensorFile, write_tensors};

/// A safetensors file.
pub fn tensors(data: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    std::fs::write(&path, data).unwrap();
    let ours = metered(data.len(), || {
        TensorFile::open(&path).and_then(|mut file| file.root())
    });
    let plain = read(data);
    let expected = plain.as_deref().map(root);
    assert_eq!(ours.as_ref().ok().map(|root| root.0), expected, "{ours:?}");
    if let Some(plain) = plain {
        survives_writing(&path, &plain, ours.unwrap().0);
    }
}

/// What is read can be written, in another order, and then has the same root.
fn survives_writing(path: &std::path::Path, plain: &[Plain<'_>], expected: [u8; 32]) {
    let mut tensors: Vec<Tensor<'_>> = plain
        .iter()
        .map(|tensor| Tensor {
            info: TensorInfo {
                path: &tensor.path,
                dtype: tensor.dtype,
                dims: &tensor.dims,
            },
            data: tensor.data,
        })
        .collect();
    tensors.reverse();
    write_tensors(path, &tensors).unwrap();
    let root = TensorFile::open(path).unwrap().root().unwrap();
    assert_eq!(root.0, expected);
}

pub(super) struct Plain<'a> {
    path: String,
    dtype: DType,
    dims: Vec<u64>,
    data: &'a [u8],
}

/// Reads a file by the rules of scripts/param_root.py; `None` where it is
/// malformed.
fn read(data: &[u8]) -> Option<Vec<Plain<'_>>> {
    let (len, rest) = data.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (header, data) = rest.split_at_checked(len)?;
    let Json::Object(pairs) = Json::read(header)? else {
        return None;
    };
    let mut tensors = Vec::new();
    let mut ranges = Vec::new();
    for (at, (name, info)) in pairs.iter().enumerate() {
        if pairs[..at].iter().any(|(other, _)| other == name) {
            return None;
        }
        if name == "__metadata__" {
            texts(info)?;
            continue;
        }
        let (tensor, range) = tensor(name, info, data)?;
        tensors.push(tensor);
        ranges.push(range);
    }
    ranges.sort_unstable();
    let end = ranges
        .iter()
        .try_fold(0, |at, (begin, end)| (*begin == at).then_some(*end));
    (end? == data.len()).then_some(tensors)
}

/// Free-text metadata: nothing, or names and texts.
fn texts(metadata: &Json) -> Option<()> {
    let all = match metadata {
        Json::Null => true,
        Json::Object(pairs) => pairs.iter().enumerate().all(|(at, (name, value))| {
            let distinct = pairs[..at].iter().all(|(other, _)| other != name);
            distinct && value.text().is_some()
        }),
        _ => false,
    };
    all.then_some(())
}

fn tensor<'a>(name: &str, info: &Json, data: &'a [u8]) -> Option<(Plain<'a>, (usize, usize))> {
    let [dtype, dims, offsets] = info.fields(["dtype", "shape", "data_offsets"])?;
    let dtype = named(dtype.text()?)?;
    let dims = dims.numbers()?;
    let offsets = offsets.numbers()?;
    let [begin, end] = offsets[..] else {
        return None;
    };
    let len = dims
        .iter()
        .try_fold(dtype.size(), |len, dim| len.checked_mul(*dim));
    if end.checked_sub(begin) != Some(len?) {
        return None;
    }
    let range = (usize::try_from(begin).ok()?, usize::try_from(end).ok()?);
    let tensor = Plain {
        path: name.into(),
        dtype,
        dims,
        data: data.get(range.0..range.1)?,
    };
    Some((tensor, range))
}

pub(super) fn named(name: &str) -> Option<DType> {
    DTYPES.into_iter().find(|dtype| dtype.name() == name)
}

/// The root by `docs/format.md`.
pub(super) fn root(tensors: &[Plain<'_>]) -> [u8; 32] {
    let text = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let mut leaves: Vec<(&str, [u8; 32])> = tensors
        .iter()
        .map(|tensor| {
            let chunks: Vec<[u8; 32]> = tensor
                .data
                .chunks(4096)
                .map(|chunk| tagged("chunk", chunk))
                .collect();
            let mut leaf = text(&tensor.path);
            leaf.extend(text(tensor.dtype.name()));
            leaf.extend((tensor.dims.len() as u32).to_le_bytes());
            leaf.extend(tensor.dims.iter().flat_map(|dim| dim.to_le_bytes()));
            leaf.extend((tensor.data.len() as u64).to_le_bytes());
            leaf.extend(tree_root(&chunks));
            (&tensor.path[..], tagged("tensor", &leaf))
        })
        .collect();
    leaves.sort_unstable_by_key(|(path, _)| path.as_bytes());
    let leaves: Vec<[u8; 32]> = leaves.into_iter().map(|(_, leaf)| leaf).collect();
    let count = (leaves.len() as u64).to_le_bytes();
    tagged("tensors", &[&count[..], &tree_root(&leaves)].concat())
}
