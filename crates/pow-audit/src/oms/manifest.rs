//! The list of a model's files, as OMS writes it.

use super::error::OmsError;
use crate::anchor::sha256;
use crate::envelope::{Digests, Payload, Subject};
use crate::hex::{from_hex, to_hex};
use crate::json::Object;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroU64;

/// The type of the predicate.
pub const OMS: &str = "https://model_signing/signature/v1.0";

/// The only hash that is supported.
const SHA256: &str = "sha256";

/// How files are cut into what is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Files,
    /// Pieces of so many bytes.
    Shards(NonZeroU64),
}

/// The list of a model's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The name of the model.
    pub(super) name: String,
    /// SHA-256 by the names of files or shards.
    pub(super) digests: BTreeMap<String, String>,
    pub(super) method: Method,
    /// What was left out, as paths within the model.
    pub(super) ignored: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Predicate {
    resources: Vec<Object<Resource>>,
    serialization: Object<Serialization>,
}

#[derive(Serialize, Deserialize)]
struct Resource {
    name: String,
    digest: String,
    algorithm: String,
}

#[derive(Serialize, Deserialize)]
struct Serialization {
    method: String,
    hash_type: String,
    #[serde(
        default,
        deserialize_with = "whole_number",
        skip_serializing_if = "Option::is_none"
    )]
    shard_size: Option<NonZeroU64>,
    allow_symlinks: bool,
    #[serde(default)]
    ignore_paths: Vec<String>,
}

/// Reads a number of bytes, which the reference implementation writes as 7.0.
fn whole_number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<NonZeroU64>, D::Error> {
    /// Up to here, each whole number is one of a double, and differs from its neighbours.
    const MOST: f64 = (1_u64 << 53) as f64;
    let number = f64::deserialize(d)?;
    let is_whole = number.fract() == 0.0 && (1.0..MOST).contains(&number);
    match is_whole.then_some(number as u64).and_then(NonZeroU64::new) {
        Some(len) => Ok(Some(len)),
        None => Err(D::Error::custom(
            "expected a positive whole number of bytes",
        )),
    }
}

impl Manifest {
    /// The statement.
    pub(super) fn to_payload(&self) -> Result<Payload, OmsError> {
        let resources = self.digests.iter().map(|(name, digest)| {
            Object(Resource {
                name: name.clone(),
                digest: digest.clone(),
                algorithm: SHA256.into(),
            })
        });
        let (method, shard_size) = match self.method {
            Method::Files => ("files", None),
            Method::Shards(len) => ("shards", Some(len)),
        };
        let predicate = Predicate {
            resources: resources.collect(),
            serialization: Object(Serialization {
                method: method.into(),
                hash_type: SHA256.into(),
                shard_size,
                allow_symlinks: false,
                ignore_paths: self.ignored.clone(),
            }),
        };
        let subject = Subject {
            name: Some(self.name.clone()),
            digest: Digests::from([(SHA256.into(), root(self.digests.values())?)]),
        };
        Ok(Payload::of(vec![subject], OMS, &predicate)?)
    }

    /// Reads a statement.
    pub(super) fn of_payload(payload: &Payload) -> Result<Self, OmsError> {
        let Predicate {
            resources,
            serialization: Object(how),
        } = payload.predicate(OMS)?;
        let unsupported = |found: String, expected| Err(OmsError::Hashed { found, expected });
        let method = match (&how.method[..], how.shard_size) {
            ("files", None) => Method::Files,
            ("shards", Some(len)) => Method::Shards(len),
            ("files", Some(_)) | ("shards", None) => {
                return Err(OmsError::Contradiction("the method and the shard size"));
            }
            _ => return unsupported(how.method, "by \"files\" or \"shards\""),
        };
        if how.hash_type != SHA256 {
            return unsupported(how.hash_type, "SHA-256");
        }
        let named = root(resources.iter().map(|Object(one)| &one.digest))?;
        let mut digests = BTreeMap::new();
        // The reference implementation writes the length of the pieces here as well.
        let of_pieces = match method {
            Method::Files => None,
            Method::Shards(len) => Some(format!("{SHA256}-sharded-{len}")),
        };
        for Object(one) in resources {
            if one.algorithm != SHA256 && of_pieces.as_ref() != Some(&one.algorithm) {
                return unsupported(one.algorithm, "SHA-256");
            }
            if digests.contains_key(&one.name) {
                return Err(OmsError::Twice(one.name));
            }
            digests.insert(one.name, one.digest);
        }
        if digests.is_empty() {
            return Err(OmsError::NoResources);
        }
        let [subject] = payload.subjects() else {
            return Err(OmsError::Contradiction("a model is one subject"));
        };
        if subject.digest.get(SHA256) != Some(&named) {
            return Err(OmsError::Contradiction(
                "the digest of its subject is not that of its files",
            ));
        }
        Ok(Manifest {
            name: subject.name.clone().unwrap_or_default(),
            digests,
            method,
            ignored: how.ignore_paths,
        })
    }
}

/// The SHA-256 of the digests, one after another.
fn root<'a>(digests: impl Iterator<Item = &'a String>) -> Result<String, OmsError> {
    let mut bytes = Vec::new();
    for digest in digests {
        match from_hex(digest) {
            Ok(digest) if digest.len() == 32 => bytes.extend(digest),
            _ => return Err(OmsError::Contradiction("a digest is none of SHA-256")),
        }
    }
    Ok(to_hex(&sha256(&bytes)))
}
