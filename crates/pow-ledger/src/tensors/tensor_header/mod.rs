//! Reads the header of a safetensors file, in the one way that `docs/format.md`
//! describes.
//!
//! It is read as a stream, and only what is kept takes memory. The `safetensors` crate
//! would build a tree of the whole header. It also keeps the last of two tensors with one
//! name, where other readers keep the first, so one file would be two models. It accepts
//! an array in place of a tensor's object, and ignores fields that it does not know.

mod values;

use crate::tensors::names::reserve;
use pow_core::draft::{AnyDType, AnyTensorInfo};
use pow_core::tensor::{DType, TensorInfo};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use values::{DTypeName, Dims, Metadata, twice};

/// The name under which a header has free text in place of a tensor.
pub(crate) const METADATA: &str = "__metadata__";

/// The element types that a reader takes: those of version 1, or with those of the draft.
pub(crate) trait ElementType: Copy {
    /// What a shape needs that has no length in bytes.
    const NO_LENGTH: &str;

    /// The type with this name in safetensors.
    fn of_name(name: &str) -> Option<Self>;

    /// The number of bytes that the shape needs.
    fn byte_len(self, dims: &[u64]) -> Option<u64>;
}

impl ElementType for DType {
    const NO_LENGTH: &str = "2^64 or more";

    fn of_name(name: &str) -> Option<Self> {
        DType::from_name(name)
    }

    fn byte_len(self, dims: &[u64]) -> Option<u64> {
        AnyDType::V1(self).byte_len(dims)
    }
}

impl ElementType for AnyDType {
    const NO_LENGTH: &str = "2^64 or more, or a part of a byte";

    fn of_name(name: &str) -> Option<Self> {
        AnyDType::from_name(name)
    }

    fn byte_len(self, dims: &[u64]) -> Option<u64> {
        AnyDType::byte_len(self, dims)
    }
}

/// Where a tensor is in a file. `D` is [`DType`] in the files of a run, and [`AnyDType`] in
/// those that others published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor<D = DType> {
    path: Box<str>,
    dtype: D,
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
}

impl StoredTensor<AnyDType> {
    /// Path, dtype and dims.
    pub fn info(&self) -> AnyTensorInfo<'_> {
        AnyTensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }
}

impl<D> StoredTensor<D> {
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
/// The length is absent for a stream, whose end is not known yet.
pub(crate) fn read_header<D: ElementType>(
    header: impl Read,
    data_len: Option<u64>,
) -> Result<Vec<StoredTensor<D>>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(header);
    let visitor = Header {
        data_len,
        dtype: PhantomData,
    };
    let tensors = serde::Deserializer::deserialize_map(&mut json, visitor)?;
    json.end()?;
    Ok(tensors)
}

struct Header<D> {
    data_len: Option<u64>,
    dtype: PhantomData<D>,
}

impl<'de, D: ElementType> Visitor<'de> for Header<D> {
    type Value = Vec<StoredTensor<D>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tensors: Vec<StoredTensor<D>> = Vec::new();
        let mut has_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name != METADATA {
                reserve(&mut tensors);
                let info = Info {
                    name,
                    data_len: self.data_len,
                    dtype: self.dtype,
                };
                tensors.push(map.next_value_seed(info)?);
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
        match self.data_len {
            Some(len) if at != len => Err(Error::custom(format!(
                "the tensors end at byte {at}, but there are {len} bytes of data"
            ))),
            _ => Ok(tensors),
        }
    }
}

struct Info<D> {
    name: String,
    data_len: Option<u64>,
    dtype: PhantomData<D>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Dtype,
    Shape,
    DataOffsets,
}

impl<'de, D: ElementType> DeserializeSeed<'de> for Info<D> {
    type Value = StoredTensor<D>;

    fn deserialize<T: serde::Deserializer<'de>>(
        self,
        deserializer: T,
    ) -> Result<StoredTensor<D>, T::Error> {
        // Only a map: a derived struct would also accept an array.
        deserializer.deserialize_map(self)
    }
}

impl<'de, D: ElementType> Visitor<'de> for Info<D> {
    type Value = StoredTensor<D>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut dtype, mut dims, mut offsets) = (None, None, None);
        while let Some(field) = map.next_key()? {
            let again = match field {
                Field::Dtype => dtype
                    .replace(map.next_value_seed(DTypeName::new())?)
                    .is_some(),
                Field::Shape => dims.replace(map.next_value_seed(Dims)?).is_some(),
                Field::DataOffsets => offsets.replace(map.next_value::<(u64, u64)>()?).is_some(),
            };
            if again {
                let reason = format!("tensor {}: a field is given twice", self.name);
                return Err(A::Error::custom(reason));
            }
        }
        let missing = |field| move || A::Error::missing_field(field);
        let dtype: Result<D, String> = dtype.ok_or_else(missing("dtype"))?;
        let dims: Box<[u64]> = dims.ok_or_else(missing("shape"))?;
        let (begin, end) = offsets.ok_or_else(missing("data_offsets"))?;
        let name = &self.name;
        if let Some(len) = self.data_len
            && end > len
        {
            return Err(A::Error::custom(format!(
                "a tensor ends at byte {end}, but there are {len} bytes of data"
            )));
        }
        let dtype = dtype.map_err(|found| {
            A::Error::custom(format!(
                "tensor {name}: element type {found:?} has no commitment"
            ))
        })?;
        let (len, needed) = (end.checked_sub(begin), dtype.byte_len(&dims));
        if len.is_none() || needed != len {
            return Err(A::Error::custom(format!(
                "tensor {name}: its data are bytes {begin} to {end}, but its shape and dtype need {}",
                needed.map_or_else(|| D::NO_LENGTH.into(), |len| format!("{len} bytes"))
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
