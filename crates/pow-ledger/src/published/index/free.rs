//! A JSON value that is read and not kept.
//!
//! serde's own type for this has no limit of depth, and takes numbers that others refuse.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Any JSON value.
pub(super) struct Free;

impl<'de> Deserialize<'de> for Free {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Free)
    }
}

impl<'de> Visitor<'de> for Free {
    type Value = Free;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Free, E> {
        Ok(Free)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Free, E> {
        Ok(Free)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Free, E> {
        Ok(Free)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Free, E> {
        Ok(Free)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Free, E> {
        Ok(Free)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Free, E> {
        Ok(Free)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Free, A::Error> {
        while seq.next_element::<Free>()?.is_some() {}
        Ok(Free)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Free, A::Error> {
        while map.next_entry::<String, Free>()?.is_some() {}
        Ok(Free)
    }
}
