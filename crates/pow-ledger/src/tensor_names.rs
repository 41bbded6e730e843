//! The names in a safetensors header, which must differ.

use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Fails if two tensors of the header have one name. The `safetensors` crate
/// keeps the last of them and other readers may keep the first, so that one
/// file would be two models.
pub(crate) fn check_names_differ(header: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice(header).map(|DistinctNames| ())
}

struct DistinctNames;

impl<'de> Deserialize<'de> for DistinctNames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = DistinctNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DistinctNames, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, _>()? {
            if let Some(twice) = names.replace(name) {
                return Err(A::Error::custom(format!(
                    "two tensors are called {twice:?}"
                )));
            }
        }
        Ok(DistinctNames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_refused_however_they_are_written() {
        assert!(check_names_differ(br#"{"a":{},"b":[1,{"a":0}]}"#).is_ok());
        let error = check_names_differ(br#"{"a":{},"\u0061":{}}"#).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("two tensors are called \"a\""), "{text}");
    }
}
