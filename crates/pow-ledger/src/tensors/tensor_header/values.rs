//! The values in a tensor file's header: free text, element types and dims.

use super::ElementType;
use crate::tensors::names::{Names, reserve};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Free text. `null` is allowed and means no text.
pub(super) struct Metadata;

impl<'de> DeserializeSeed<'de> for Metadata {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Metadata {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some((name, _)) = map.next_entry::<String, String>()? {
            if !names.push(&name) {
                return Err(A::Error::custom("too many names"));
            }
        }
        match names.twice() {
            None => Ok(()),
            Some(name) => Err(twice(&name)),
        }
    }
}

/// An element type: its name, or an object of its name and null. Version 1 is frozen with
/// both. A name that is none of those taken is kept for the error.
pub(super) struct DTypeName<D>(PhantomData<D>);

impl<D> DTypeName<D> {
    pub(super) fn new() -> Self {
        DTypeName(PhantomData)
    }
}

impl<'de, D: ElementType> DeserializeSeed<'de> for DTypeName<D> {
    type Value = Result<D, String>;

    fn deserialize<T: serde::Deserializer<'de>>(
        self,
        deserializer: T,
    ) -> Result<Self::Value, T::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, D: ElementType> Visitor<'de> for DTypeName<D> {
    type Value = Result<D, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an element type")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(D::of_name(name).ok_or_else(|| name.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((name, ())) = map.next_entry::<String, ()>()? else {
            return Err(A::Error::custom("an element type without a name"));
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("an element type with two names"));
        }
        self.visit_str(&name)
    }
}

/// The dims of a tensor.
pub(super) struct Dims;

impl<'de> DeserializeSeed<'de> for Dims {
    type Value = Box<[u64]>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Dims {
    type Value = Box<[u64]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of dims")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut dims = Vec::new();
        while let Some(dim) = seq.next_element()? {
            reserve(&mut dims);
            dims.push(dim);
        }
        Ok(dims.into_boxed_slice())
    }
}

/// The error that a name is there twice.
pub(super) fn twice<E: Error>(name: &str) -> E {
    E::custom(format!("two values have the name {name:?}"))
}
