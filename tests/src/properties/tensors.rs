//! safetensors files beside a plain reading of them.

use super::json::Json;
use super::memory::metered;
use crate::model::DTYPES;
use crate::oracle::{tagged, tagged_draft, tree_root};
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
    let plain = read(data, named);
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
                dtype: named_v1(&tensor.dtype).unwrap(),
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
    pub path: String,
    pub dtype: Element,
    dims: Vec<u64>,
    data: &'a [u8],
}

/// An element type.
#[derive(Clone)]
pub(super) struct Element {
    pub name: &'static str,
    /// Its size in bits, if it is one of the draft only. Otherwise in bytes.
    size: u64,
    pub is_draft: bool,
}

impl Element {
    pub(super) const fn draft(name: &'static str, bits: u64) -> Self {
        Element {
            name,
            size: bits,
            is_draft: true,
        }
    }

    fn byte_len(&self, dims: &[u64]) -> Option<u64> {
        let mut dims = dims.iter();
        let len = dims.try_fold(self.size, |len, dim| len.checked_mul(*dim))?;
        match self.is_draft {
            false => Some(len),
            true => (len % 8 == 0).then_some(len / 8),
        }
    }
}

/// Reads a file by the rules of scripts/param_root.py; `None` where it is
/// malformed. `named` has the element types.
pub(super) fn read(data: &[u8], named: fn(&str) -> Option<Element>) -> Option<Vec<Plain<'_>>> {
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
        let (tensor, range) = tensor(name, info, data, named)?;
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

fn tensor<'a>(
    name: &str,
    info: &Json,
    data: &'a [u8],
    named: fn(&str) -> Option<Element>,
) -> Option<(Plain<'a>, (usize, usize))> {
    let [dtype, dims, offsets] = info.fields(["dtype", "shape", "data_offsets"])?;
    let dtype = named(dtype.text()?)?;
    let dims = dims.numbers()?;
    let offsets = offsets.numbers()?;
    let [begin, end] = offsets[..] else {
        return None;
    };
    let len = dtype.byte_len(&dims)?;
    if end.checked_sub(begin) != Some(len) {
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

/// The types of version 1.
pub(super) fn named(name: &str) -> Option<Element> {
    let dtype = DTYPES.into_iter().find(|dtype| dtype.name() == name)?;
    Some(Element {
        name: dtype.name(),
        size: dtype.size(),
        is_draft: false,
    })
}

fn named_v1(element: &Element) -> Option<DType> {
    let mut dtypes = DTYPES.into_iter();
    dtypes.find(|dtype| dtype.name() == element.name)
}

/// The root by `docs/format.md`. One tensor of the draft makes it a root of the draft.
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
            leaf.extend(text(tensor.dtype.name));
            leaf.extend((tensor.dims.len() as u32).to_le_bytes());
            leaf.extend(tensor.dims.iter().flat_map(|dim| dim.to_le_bytes()));
            leaf.extend((tensor.data.len() as u64).to_le_bytes());
            leaf.extend(tree_root(&chunks));
            let leaf = match tensor.dtype.is_draft {
                false => tagged("tensor", &leaf),
                true => tagged_draft("tensor", &leaf),
            };
            (&tensor.path[..], leaf)
        })
        .collect();
    leaves.sort_unstable_by_key(|(path, _)| path.as_bytes());
    let leaves: Vec<[u8; 32]> = leaves.into_iter().map(|(_, leaf)| leaf).collect();
    let count = (leaves.len() as u64).to_le_bytes();
    let set = [&count[..], &tree_root(&leaves)].concat();
    match tensors.iter().any(|tensor| tensor.dtype.is_draft) {
        false => tagged("tensors", &set),
        true => tagged_draft("tensors", &set),
    }
}
