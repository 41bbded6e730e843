//! JSON as it is in the text. An object keeps its names in order, and those that
//! occur twice. A number is kept if it is a `u64`.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value.
pub(super) enum Json {
    Null,
    Text(String),
    Number(u64),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// A boolean, or a number that is no `u64`.
    Other,
}

impl Json {
    /// The value of a whole text.
    pub(super) fn read(text: &[u8]) -> Option<Json> {
        serde_json::from_slice(text).ok()
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Json::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn numbers(&self) -> Option<Vec<u64>> {
        match self {
            Json::List(list) => list.iter().map(Json::number).collect(),
            _ => None,
        }
    }

    /// The values of an object that has exactly these names, each once, in any
    /// order.
    pub(super) fn fields<const N: usize>(&self, names: [&str; N]) -> Option<[&Json; N]> {
        self.fields_of(names, []).map(|(values, [])| values)
    }

    /// As [`fields`](Self::fields), with other names that may be there, once.
    pub(super) fn fields_of<const N: usize, const M: usize>(
        &self,
        required: [&str; N],
        optional: [&str; M],
    ) -> Option<([&Json; N], [Option<&Json>; M])> {
        let Json::Object(pairs) = self else {
            return None;
        };
        let value = |name| {
            let pair = pairs.iter().find(|(other, _)| other == name);
            pair.map(|(_, value)| value)
        };
        let (required, optional) = (required.map(value), optional.map(value));
        let there = required.iter().chain(&optional).flatten().count();
        let all = there == pairs.len() && required.iter().all(Option::is_some);
        all.then(|| (required.map(Option::unwrap), optional))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Json::Object(pairs))
    }
}
