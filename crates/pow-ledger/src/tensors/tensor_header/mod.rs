//! Reads the header of a safetensors file, in the one way that `docs/format.md`
//! describes.
//!
//! It is read as a stream, and only what is kept takes memory. The `safetensors` crate
//! would build a tree of the whole header. It also keeps the last of two tensors with one
//! name, where other readers keep the first, so one file would be two models. It accepts
//! an array in place of a tensor's object, and ignores fields that it does not know.

mod values;

use crate::tensors::names::reserve;
use pow_core::tensor::{DType, TensorInfo};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use std::fmt;
use std::io::Read;
use values::{Dims, ElementType, Metadata, twice};

/// The name under which a header has free text in place of a tensor.
pub(crate) const METADATA: &str = "__metadata__";

/// Where a tensor is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    path: Box<str>,
    dtype: DType,
    dims: Box<[u64]>,
    /// Offset of its first byte in the data, and number of its bytes.
    offset: u64,
    len: u64,
}

impl StoredTensor {
    /// Path, dtype and dims.
    pub fn info(&self) -> TensorInfo<'_> {
        TensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }

    /// Its length in bytes. It matches the shape.
    pub fn byte_len(&self) -> u64 {
        self.len
    }

    /// Offset of its first byte in the data, which follow the header.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }
}

/// Reads a header to its end, and nothing after it. It is an object with distinct names.
/// Each has an object of exactly `dtype`, `shape` and `data_offsets`. Only `__metadata__`
/// has an object of distinct texts instead. The tensors are returned in the order of their
/// data: each begins where the one before ends, and the last ends after `data_len` bytes.
pub(crate) fn read_header(
    header: impl Read,
    data_len: u64,
) -> Result<Vec<StoredTensor>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(header);
    let tensors = serde::Deserializer::deserialize_map(&mut json, Header { data_len })?;
    json.end()?;
    Ok(tensors)
}

struct Header {
    data_len: u64,
}

impl<'de> Visitor<'de> for Header {
    type Value = Vec<StoredTensor>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tensors: Vec<StoredTensor> = Vec::new();
        let mut has_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name != METADATA {
                reserve(&mut tensors);
                let data_len = self.data_len;
                tensors.push(map.next_value_seed(Info { name, data_len })?);
            } else if has_metadata {
                return Err(twice(METADATA));
            } else {
                map.next_value_seed(Metadata)?;
                has_metadata = true;
            }
        }
        tensors.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        if let Some(pair) = tensors.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(twice(&pair[0].path));
        }
        // Empty tensors share an offset, so their paths decide the order.
        tensors
            .sort_unstable_by(|a, b| (a.offset, a.len, &a.path).cmp(&(b.offset, b.len, &b.path)));
        let mut at = 0;
        for tensor in &tensors {
            if tensor.offset != at {
                return Err(Error::custom(format!(
                    "tensor {} begins at byte {} of the data, but the one before it ends at byte {at}",
                    tensor.path, tensor.offset
                )));
            }
            // Its end was checked, so this does not overflow.
            at += tensor.len;
        }
        if at != self.data_len {
            return Err(Error::custom(format!(
                "the tensors end at byte {at}, but there are {} bytes of data",
                self.data_len
            )));
        }
        Ok(tensors)
    }
}

struct Info {
    name: String,
    data_len: u64,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Dtype,
    Shape,
    DataOffsets,
}

impl<'de> DeserializeSeed<'de> for Info {
    type Value = StoredTensor;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<StoredTensor, D::Error> {
        // Only a map: a derived struct would also accept an array.
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Info {
    type Value = StoredTensor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StoredTensor, A::Error> {
        let (mut dtype, mut dims, mut offsets) = (None, None, None);
        while let Some(field) = map.next_key()? {
            let again = match field {
                Field::Dtype => dtype.replace(map.next_value_seed(ElementType)?).is_some(),
                Field::Shape => dims.replace(map.next_value_seed(Dims)?).is_some(),
                Field::DataOffsets => offsets.replace(map.next_value::<(u64, u64)>()?).is_some(),
            };
            if again {
                let reason = format!("tensor {}: a field is given twice", self.name);
                return Err(A::Error::custom(reason));
            }
        }
        let missing = |field| move || A::Error::missing_field(field);
        let dtype: Result<DType, String> = dtype.ok_or_else(missing("dtype"))?;
        let dims: Box<[u64]> = dims.ok_or_else(missing("shape"))?;
        let (begin, end) = offsets.ok_or_else(missing("data_offsets"))?;
        let name = &self.name;
        if end > self.data_len {
            return Err(A::Error::custom(format!(
                "a tensor ends at byte {end}, but there are {} bytes of data",
                self.data_len
            )));
        }
        let dtype = dtype.map_err(|found| {
            A::Error::custom(format!(
                "tensor {name}: element type {found:?} has no commitment"
            ))
        })?;
        let info = TensorInfo {
            path: name,
            dtype,
            dims: &dims,
        };
        let len = end.checked_sub(begin);
        if len.is_none() || info.byte_len() != len {
            return Err(A::Error::custom(format!(
                "tensor {name}: its data are bytes {begin} to {end}, but its shape and dtype need {}",
                info.byte_len()
                    .map_or_else(|| "2^64 or more".into(), |len| format!("{len} bytes"))
            )));
        }
        Ok(StoredTensor {
            path: self.name.into(),
            dtype,
            dims,
            offset: begin,
            len: end - begin,
        })
    }
}

#[cfg(test)]
mod tests;
