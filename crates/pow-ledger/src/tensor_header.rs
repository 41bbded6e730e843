//! Checks that every reader reads a safetensors header the same way, before the
//! `safetensors` crate reads it.
//!
//! If two tensors have one name, that crate keeps the last one. Other readers may keep
//! the first, so one file would be two models. The crate also accepts an array in
//! place of a tensor's object, and ignores fields that it does not know. Its sum of
//! all lengths can overflow, which panics in builds with overflow checks.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// The name under which a header has free text in place of a tensor.
pub(crate) const METADATA: &str = "__metadata__";

/// Checks a header: an object with distinct names. Each name has an object of exactly
/// `dtype`, `shape` and `data_offsets`, whose data end within the `data_len` bytes after
/// the header. Only `__metadata__` has an object of distinct texts instead.
pub(crate) fn check_header(header: &[u8], data_len: u64) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(header);
    serde::Deserializer::deserialize_map(&mut json, Header { data_len })?;
    json.end()
}

struct Header {
    data_len: u64,
}

impl<'de> Visitor<'de> for Header {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                map.next_value_seed(Metadata)?;
            } else {
                map.next_value_seed(Info {
                    data_len: self.data_len,
                })?;
            }
            insert(&mut names, name)?;
        }
        Ok(())
    }
}

fn insert<E: Error>(names: &mut BTreeSet<String>, name: String) -> Result<(), E> {
    match names.replace(name) {
        None => Ok(()),
        Some(twice) => Err(E::custom(format!("two values have the name {twice:?}"))),
    }
}

/// Free text. `null` is allowed and means no text.
struct Metadata;

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
        let mut names = BTreeSet::new();
        while let Some((name, _)) = map.next_entry::<String, String>()? {
            insert(&mut names, name)?;
        }
        Ok(())
    }
}

struct Info {
    data_len: u64,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Dtype,
    Shape,
    DataOffsets,
}

impl<'de> DeserializeSeed<'de> for Info {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Only a map: a derived struct would also accept an array.
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Info {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // The crate checks that all three are there exactly once.
        while let Some(field) = map.next_key()? {
            match field {
                Field::Dtype | Field::Shape => {
                    map.next_value::<IgnoredAny>()?;
                }
                Field::DataOffsets => {
                    let (_, end) = map.next_value::<(u64, u64)>()?;
                    if end > self.data_len {
                        let reason = format!(
                            "a tensor ends at byte {end}, but there are {} bytes of data",
                            self.data_len
                        );
                        return Err(A::Error::custom(reason));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str) -> String {
        check_header(header.as_bytes(), 4)
            .map_or_else(|error| error.to_string(), |()| "good".into())
    }

    fn tensor(name: &str, info: &str) -> String {
        format!(r#""{name}":{info}"#)
    }

    const GOOD: &str = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;

    #[test]
    fn equal_names_are_refused_in_any_spelling() {
        let header = |names: [&str; 2]| {
            let tensors = names.map(|name| tensor(name, GOOD));
            check(&format!("{{{}}}", tensors.join(",")))
        };
        assert_eq!(header(["a", "b"]), "good");
        assert!(header(["a", "\\u0061"]).starts_with("two values have the name \"a\""));
    }

    #[test]
    fn a_tensor_is_an_object_of_three_known_fields() {
        let header = |info: &str| check(&format!("{{{}}}", tensor("a", info)));
        assert_eq!(header(GOOD), "good");
        assert!(header(r#"["F32",[1],[0,4]]"#).starts_with("invalid type: sequence"));
        let extra = GOOD.replace("}", r#","device":"cpu"}"#);
        assert!(header(&extra).starts_with("unknown field `device`"));
        let past = GOOD.replace("[0,4]", "[0,5]");
        assert!(header(&past).starts_with("a tensor ends at byte 5, but there are 4 bytes"));
    }

    #[test]
    fn a_header_is_one_object() {
        for header in ["[]", "{}{}", "", "null"] {
            assert_ne!(check(header), "good", "{header}");
        }
    }
    #[test]
    fn a_value_of_another_type_is_told_what_it_should_be() {
        let cases = [
            ("[]", "expected an object of tensors"),
            (r#"{"__metadata__":[]}"#, "expected an object of texts"),
            (
                r#"{"a":[]}"#,
                "expected an object with dtype, shape and data_offsets",
            ),
        ];
        for (header, words) in cases {
            let found = check(header);
            assert!(found.contains(words), "{found}");
        }
    }

    #[test]
    fn metadata_are_texts_of_different_names_or_nothing() {
        for good in ["null", "{}", r#"{"format":"pt"}"#] {
            assert_eq!(check(&format!(r#"{{"__metadata__":{good}}}"#)), "good");
        }
        for bad in ["[]", r#"{"a":1}"#, r#"{"a":"1","a":"1"}"#] {
            assert_ne!(check(&format!(r#"{{"__metadata__":{bad}}}"#)), "good");
        }
    }
}
