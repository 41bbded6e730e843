//! The index of a model of several files.
//!
//! One JSON object whose field `weight_map` is an object of texts: the file of each tensor.
//! Other fields, such as `metadata`, are free. Names that occur twice in one of these two
//! objects are refused, because readers differ on which value they keep.

mod free;

use crate::published::error::IndexError;
use crate::tensors::names::Names;
use free::Free;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The longest index that is read, in bytes: that of the longest header.
pub(super) const MAX_INDEX_LEN: u64 = 100_000_000;

/// The file of each tensor.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Names of the files, in the order of their first tensors.
    pub files: Vec<String>,
    /// Where each tensor is.
    pub tensors: BTreeMap<Box<str>, Placed>,
}

/// Where the index puts a tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// Its file's place in `files`.
    pub file: u32,
    /// Whether the file was read and has it.
    pub is_found: bool,
}

impl Index {
    /// Reads the bytes of an index.
    pub(super) fn read(json: &[u8]) -> Result<Self, IndexError> {
        let malformed = |error: serde_json::Error| IndexError::Malformed(error.to_string());
        let mut json = serde_json::Deserializer::from_slice(json);
        let index = serde::Deserializer::deserialize_map(&mut json, Whole).map_err(malformed)?;
        json.end().map_err(malformed)?;
        for (tensor, file) in &index.tensors {
            let file = &index.files[file.file as usize];
            if !is_plain(file) {
                return Err(IndexError::FileName {
                    tensor: tensor.to_string(),
                    file: file.clone(),
                });
            }
        }
        Ok(index)
    }
}

/// Whether this is the name of a file, on any system, and no path to one.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', ':', '\0'])
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Index;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the field weight_map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Index, A::Error> {
        let mut names = Names::default();
        let mut index = None;
        while let Some(name) = map.next_key::<String>()? {
            if !names.push(&name) {
                return Err(A::Error::custom("too many names"));
            }
            if name == "weight_map" {
                index = Some(map.next_value_seed(WeightMap)?);
            } else {
                map.next_value::<Free>()?;
            }
        }
        if let Some(name) = names.twice() {
            return Err(twice(&name));
        }
        index.ok_or_else(|| A::Error::missing_field("weight_map"))
    }
}

struct WeightMap;

impl<'de> DeserializeSeed<'de> for WeightMap {
    type Value = Index;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Index, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WeightMap {
    type Value = Index;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that gives the file of each tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Index, A::Error> {
        let mut index = Index::default();
        let mut places = BTreeMap::new();
        while let Some((tensor, file)) = map.next_entry::<String, String>()? {
            let next = places.len() as u32;
            let file = *places.entry(file).or_insert_with_key(|file| {
                index.files.push(file.clone());
                next
            });
            if index.tensors.contains_key(&tensor[..]) {
                return Err(twice(&tensor));
            }
            let is_found = false;
            index
                .tensors
                .insert(tensor.into(), Placed { file, is_found });
        }
        Ok(index)
    }
}

fn twice<E: Error>(name: &str) -> E {
    E::custom(format!("two values have the name {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        Index::read(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn files_are_listed_once_and_other_fields_are_free() {
        let index = br#" {"metadata": {"total_size": 1.5}, "x": [null],
            "weight_map": {"b": "2.safetensors", "a": "1.safetensors", "c": "2.safetensors"}} "#;
        let index = Index::read(index).unwrap();
        assert_eq!(index.files, ["2.safetensors", "1.safetensors"]);
        let tensors: Vec<(&str, u32)> = index.tensors.iter().map(|(t, f)| (&**t, f.file)).collect();
        assert_eq!(tensors, [("a", 1), ("b", 0), ("c", 0)]);
        assert!(
            Index::read(br#"{"weight_map":{}}"#)
                .unwrap()
                .files
                .is_empty()
        );
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (json, words) in [
            ("", "EOF"),
            ("[]", "invalid type: sequence"),
            ("{}", "missing field `weight_map`"),
            (r#"{"weight_map":[]}"#, "invalid type: sequence"),
            (r#"{"weight_map":null}"#, "invalid type: null"),
            (r#"{"weight_map":{"a":1}}"#, "invalid type: integer"),
            (r#"{"weight_map":{}} x"#, "trailing characters"),
            (
                r#"{"weight_map":{},"weight_map":{}}"#,
                "name \"weight_map\"",
            ),
            (r#"{"weight_map":{},"x":1,"\u0078":1}"#, "name \"x\""),
            (r#"{"weight_map":{},"x":1e999}"#, "number out of range"),
            (r#"{"weight_map":{"a":"f","\u0061":"f"}}"#, "name \"a\""),
        ] {
            assert!(refused(json).contains(words), "{json}: {}", refused(json));
        }
    }

    /// What is free takes no stack, however deep it goes.
    #[test]
    fn free_values_have_a_depth() {
        let index = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            let json =
                format!(r#"{{"weight_map":{{}},"x":{open}{{"a":[null,true,-1,"b"]}}{close}}}"#);
            Index::read(json.as_bytes())
                .map(drop)
                .map_err(|error| error.to_string())
        };
        assert_eq!(index(124), Ok(()));
        for depth in [125, 1_000_000] {
            let words = index(depth).unwrap_err();
            assert!(words.contains("recursion limit"), "{words}");
        }
    }

    #[test]
    fn a_file_that_is_not_beside_the_index_is_refused() {
        for file in [
            "", ".", "..", "../x", "a/b", "/x", "..\\\\x", "C:x", "x\\u0000", "a/../b",
        ] {
            let words = refused(&format!(r#"{{"weight_map":{{"w":"{file}"}}}}"#));
            assert!(words.starts_with("the file of tensor w is "), "{words}");
        }
    }
}
