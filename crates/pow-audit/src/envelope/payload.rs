//! The payload of an envelope: an in-toto Statement, and the bytes over it that are signed.

use crate::hex::to_hex;
use crate::json::{Object, from_json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The type of the payload. No other one is read or written.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
pub(super) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The most subjects of a statement.
const MAX_SUBJECTS: usize = 4096;

/// Digests by the names of their algorithms, in lower-case hex digits.
pub type Digests = BTreeMap<String, String>;

/// What a statement is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its digests.
    pub digest: Digests,
}

/// An in-toto Statement of version 1, as the bytes that an envelope holds.
///
/// ```
/// use pow_audit::envelope::Payload;
/// let text = br#"{
///     "_type": "https://in-toto.io/Statement/v1",
///     "subject": [{"name": "model.safetensors", "digest": {"sha256": "ab"}}],
///     "predicateType": "https://example.org/note/v1",
///     "predicate": {}
/// }"#;
/// let payload = Payload::parse(text)?;
/// assert_eq!(payload.predicate_type(), "https://example.org/note/v1");
/// let signed = payload.to_sign();
/// assert!(signed.starts_with(b"DSSEv1 28 application/vnd.in-toto+json "));
/// assert_eq!(Payload::from_signed(&signed)?, payload);
/// # Ok::<(), pow_audit::envelope::PayloadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    bytes: Vec<u8>,
    subjects: Vec<Subject>,
    predicate_type: String,
}

/// Why bytes are no payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Not the bytes that are signed.
    #[error(
        "not the bytes that are signed: they begin with \"DSSEv1 28 application/vnd.in-toto+json\", the length of the statement, and the statement"
    )]
    Signed,
    /// Not the JSON of a statement.
    #[error("malformed statement: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another type or version.
    #[error("a statement of the type {found:?}; expected \"{STATEMENT_TYPE}\"")]
    StatementType {
        /// Its type.
        found: String,
    },
    /// It is about nothing.
    #[error("the statement has no subject")]
    NoSubject,
    /// It is about too much.
    #[error("the statement has {0} subjects; at most {MAX_SUBJECTS} are read")]
    ManySubjects(usize),
    /// A subject that nothing identifies.
    #[error("subject {0} has no digest")]
    NoDigest(usize),
    /// A digest that is none.
    #[error("subject {subject}: the digest {algorithm:?} is not of lower-case hex digits")]
    Digest {
        /// The subject, counted from 0.
        subject: usize,
        /// The name of the algorithm.
        algorithm: String,
    },
    /// Its predicate has another type.
    #[error("a statement of the kind {found:?}; expected {expected:?}")]
    PredicateType {
        /// The type of its predicate.
        found: String,
        /// The one that was asked for.
        expected: &'static str,
    },
}

/// The fields of every statement. What is unknown is ignored, as its specification says.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Object<Subject>>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

#[derive(Serialize)]
struct Written<'a, P> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: &'a [Subject],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: &'a P,
}

#[derive(Deserialize)]
struct Predicate<P> {
    predicate: Object<P>,
}

impl Payload {
    /// Writes a statement, in lines, so that whoever signs it can read it.
    pub(crate) fn of<P: Serialize>(
        subject: Vec<Subject>,
        predicate_type: &'static str,
        predicate: &P,
    ) -> Result<Self, PayloadError> {
        let written = Written {
            kind: STATEMENT_TYPE,
            subject: &subject,
            predicate_type,
            predicate,
        };
        let text = crate::display::printable_json(&serde_json::to_string_pretty(&written)?);
        Ok(Payload {
            bytes: text.into_bytes(),
            subjects: subject,
            predicate_type: predicate_type.into(),
        })
    }

    /// Reads a statement. Its predicate is not looked at, but for keys that stand twice.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if it is no statement of version 1 with at least one subject.
    pub fn parse(bytes: &[u8]) -> Result<Self, PayloadError> {
        let head: Head = from_json(bytes)?;
        if head.kind != STATEMENT_TYPE {
            return Err(PayloadError::StatementType { found: head.kind });
        }
        let subjects: Vec<Subject> = head.subject.into_iter().map(|Object(one)| one).collect();
        match subjects.len() {
            0 => return Err(PayloadError::NoSubject),
            1..=MAX_SUBJECTS => {}
            many => return Err(PayloadError::ManySubjects(many)),
        }
        for (subject, of) in subjects.iter().enumerate() {
            if of.digest.is_empty() {
                return Err(PayloadError::NoDigest(subject));
            }
            if let Some((algorithm, _)) = of.digest.iter().find(|(_, hex)| !is_hex(hex)) {
                let algorithm = algorithm.clone();
                return Err(PayloadError::Digest { subject, algorithm });
            }
        }
        Ok(Payload {
            bytes: bytes.to_vec(),
            subjects,
            predicate_type: head.predicate_type,
        })
    }

    /// The bytes that are signed: DSSE's pre-authentication encoding.
    pub fn to_sign(&self) -> Vec<u8> {
        let mut signed = prefix(self.bytes.len()).into_bytes();
        signed.extend(&self.bytes);
        signed
    }

    /// Reads the bytes that are signed.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if they are not what [`Payload::to_sign`] gives.
    pub fn from_signed(bytes: &[u8]) -> Result<Self, PayloadError> {
        let before = format!("DSSEv1 {} {PAYLOAD_TYPE} ", PAYLOAD_TYPE.len());
        let rest = bytes.strip_prefix(before.as_bytes());
        let space = rest.and_then(|rest| rest.iter().position(|byte| *byte == b' '));
        let (Some(rest), Some(space)) = (rest, space) else {
            return Err(PayloadError::Signed);
        };
        let payload = &rest[space + 1..];
        // The length has one spelling.
        match bytes.strip_suffix(payload) == Some(prefix(payload.len()).as_bytes()) {
            true => Self::parse(payload),
            false => Err(PayloadError::Signed),
        }
    }

    /// The statement's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it is about.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// Whether a file with this SHA-256 is one of its subjects.
    pub fn is_about(&self, sha256: [u8; 32]) -> bool {
        let hex = to_hex(&sha256);
        let mut digests = self.subjects.iter().map(|one| one.digest.get("sha256"));
        digests.any(|digest| digest == Some(&hex))
    }

    /// What kind of statement it is: a URI.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// Its predicate, which must be of this type.
    pub(crate) fn predicate<P: DeserializeOwned>(
        &self,
        expected: &'static str,
    ) -> Result<P, PayloadError> {
        if self.predicate_type != expected {
            return Err(PayloadError::PredicateType {
                found: self.predicate_type.clone(),
                expected,
            });
        }
        let Predicate { predicate } = from_json(&self.bytes)?;
        Ok(predicate.0)
    }
}

fn prefix(len: usize) -> String {
    format!("DSSEv1 {} {PAYLOAD_TYPE} {len} ", PAYLOAD_TYPE.len())
}

fn is_hex(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    !text.is_empty() && text.bytes().all(is_digit)
}
