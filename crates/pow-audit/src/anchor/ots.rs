//! Reading OpenTimestamps proofs.
//!
//! The format is that of
//! [python-opentimestamps](https://github.com/opentimestamps/python-opentimestamps)
//! (`DetachedTimestampFile`). A proof is a tree: operations lead from the digest of a file
//! to messages, and an attestation says what is known about a message. Only the operations
//! that calendars write are followed: append, prepend and SHA-256.

use super::{StampDigest, sha256};

/// The longest proof that is read, in bytes.
pub const MAX_OTS: usize = 64 * 1024;
/// The longest message and operand, in bytes, as in python-opentimestamps.
const MAX_MESSAGE: usize = 4096;
/// The longest payload of an attestation, in bytes, as there.
const MAX_PAYLOAD: usize = 8192;
/// The most attestations of a proof.
const MAX_ATTESTATIONS: usize = 64;
/// The most branches that are open at a time.
const MAX_OPEN: usize = 256;

const MAGIC: &[u8; 31] = b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94";
const BITCOIN: [u8; 8] = [0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01];
const PENDING: [u8; 8] = [0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e];

/// An OpenTimestamps proof over a SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtsProof {
    /// The digest that was stamped.
    pub digest: StampDigest,
    /// What it leads to: 1 to 64 paths, in the file's order.
    pub paths: Vec<OtsPath>,
}

/// A path of a proof, from the digest to an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtsPath {
    /// What the operations make of the digest.
    pub message: Vec<u8>,
    /// What is said about it.
    pub attestation: OtsAttestation,
}

/// What an attestation says about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtsAttestation {
    /// It is the transaction root of the block of Bitcoin's chain at this height.
    Bitcoin(u32),
    /// The calendar at this address promises to put it there. It shows no time.
    Pending(String),
    /// Something that this version does not know, under this tag.
    Unknown([u8; 8]),
}

/// Why bytes are not an OpenTimestamps proof that this version can follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OtsError {
    /// It is too long.
    #[error("{0} bytes, at most {MAX_OTS} are read")]
    TooLong(usize),
    /// It does not begin as a proof does.
    #[error("it does not begin as an OpenTimestamps proof of version 1 does")]
    NotOts,
    /// It was made for another kind of digest.
    #[error("the stamped digest is of kind {0:#04x}, expected SHA-256 (0x08)")]
    DigestKind(u8),
    /// It ends too early.
    #[error("byte {0}: the proof ends inside {1}")]
    CutOff(usize, &'static str),
    /// A number is out of its range.
    #[error("byte {offset}: {what} of {found}, expected {expected}")]
    Number {
        /// Where, in bytes.
        offset: usize,
        /// What the number says.
        what: &'static str,
        /// The number.
        found: u64,
        /// What is allowed.
        expected: &'static str,
    },
    /// An operation that is not followed: weak, or not known.
    #[error("byte {0}: operation {1:#04x} is not followed; append, prepend and SHA-256 are")]
    Operation(usize, u8),
    /// The address of a calendar is no text.
    #[error("byte {0}: the address of a calendar is not text")]
    Address(usize),
    /// There is too much of something.
    #[error("byte {0}: more than {1} {2}")]
    TooMany(usize, usize, &'static str),
    /// Bytes follow the proof.
    #[error("byte {0}: bytes follow the proof")]
    Trailing(usize),
}

impl OtsProof {
    /// Whether bytes begin as a proof does.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads a proof. Time and memory are bounded: at most [`MAX_OTS`] operations over
    /// messages of at most 4,096 bytes.
    ///
    /// # Errors
    ///
    /// [`OtsError`] if it is malformed, too long, or has an operation that is not followed.
    pub fn parse(bytes: &[u8]) -> Result<Self, OtsError> {
        if bytes.len() > MAX_OTS {
            return Err(OtsError::TooLong(bytes.len()));
        }
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len(), "the magic").ok() != Some(MAGIC.as_slice())
            || reader.byte("the version") != Ok(1)
        {
            return Err(OtsError::NotOts);
        }
        let kind = reader.byte("the kind of digest")?;
        if kind != 0x08 {
            return Err(OtsError::DigestKind(kind));
        }
        let start = reader.take(32, "the digest")?;
        let digest = StampDigest(start.try_into().unwrap_or_default());
        let paths = paths(&mut reader, start.to_vec())?;
        match reader.at == bytes.len() {
            true => Ok(OtsProof { digest, paths }),
            false => Err(OtsError::Trailing(reader.at)),
        }
    }

    /// Whether a path leads to Bitcoin's chain. Otherwise it is still to be completed.
    pub fn is_complete(&self) -> bool {
        let mut all = self.paths.iter();
        all.any(|path| matches!(path.attestation, OtsAttestation::Bitcoin(_)))
    }
}

/// Follows the tree. `0xff` before an element says that another branch follows it.
fn paths(reader: &mut Reader<'_>, start: Vec<u8>) -> Result<Vec<OtsPath>, OtsError> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    let mut message = start;
    loop {
        let at = reader.at;
        match reader.byte("an operation")? {
            0xff => {
                if open.len() == MAX_OPEN {
                    return Err(OtsError::TooMany(at, MAX_OPEN, "open branches"));
                }
                open.push(message.clone());
            }
            0x00 => {
                if found.len() == MAX_ATTESTATIONS {
                    return Err(OtsError::TooMany(at, MAX_ATTESTATIONS, "attestations"));
                }
                let attestation = attestation(reader)?;
                found.push(OtsPath {
                    message,
                    attestation,
                });
                match open.pop() {
                    Some(branch) => message = branch,
                    None => return Ok(found),
                }
            }
            0x08 => message = sha256(&message).to_vec(),
            operation @ (0xf0 | 0xf1) => {
                let operand = reader.varbytes("an operand", 1, MAX_MESSAGE)?;
                let parts = match operation {
                    0xf0 => [&message[..], operand],
                    _ => [operand, &message[..]],
                };
                message = parts.concat();
                if message.len() > MAX_MESSAGE {
                    return Err(OtsError::Number {
                        offset: at,
                        what: "a message",
                        found: message.len() as u64,
                        expected: "at most 4096 bytes",
                    });
                }
            }
            other => return Err(OtsError::Operation(at, other)),
        }
    }
}

fn attestation(reader: &mut Reader<'_>) -> Result<OtsAttestation, OtsError> {
    let tag: [u8; 8] = reader
        .take(8, "an attestation")?
        .try_into()
        .unwrap_or_default();
    let payload = reader.varbytes("the payload of an attestation", 0, MAX_PAYLOAD)?;
    let begins = reader.at - payload.len();
    // Offsets count from the start of the file.
    let mut inner = Reader {
        bytes: &reader.bytes[..reader.at],
        at: begins,
    };
    let read = match tag {
        BITCOIN => {
            let height = inner.varuint("the height of a block")?;
            OtsAttestation::Bitcoin(u32::try_from(height).map_err(|_| OtsError::Number {
                offset: begins,
                what: "the height of a block",
                found: height,
                expected: "below 2^32",
            })?)
        }
        PENDING => {
            let address = inner.varbytes("the address of a calendar", 0, 1000)?;
            let address = std::str::from_utf8(address).map_err(|_| OtsError::Address(begins))?;
            OtsAttestation::Pending(address.to_owned())
        }
        _ => return Ok(OtsAttestation::Unknown(tag)),
    };
    match inner.at == reader.at {
        true => Ok(read),
        false => Err(OtsError::Trailing(inner.at)),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], OtsError> {
        let end = self.at.saturating_add(len);
        let taken = self.bytes.get(self.at..end);
        let taken = taken.ok_or(OtsError::CutOff(self.at, what))?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, OtsError> {
        self.take(1, what).map(|byte| byte[0])
    }

    /// A number in LEB128, below 2^63.
    fn varuint(&mut self, what: &'static str) -> Result<u64, OtsError> {
        let offset = self.at;
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte(what)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(OtsError::Number {
            offset,
            what,
            found: u64::MAX,
            expected: "a number below 2^63",
        })
    }

    fn varbytes(
        &mut self,
        what: &'static str,
        least: usize,
        most: usize,
    ) -> Result<&'a [u8], OtsError> {
        let offset = self.at;
        let len = self.varuint(what)?;
        match usize::try_from(len) {
            Ok(len) if (least..=most).contains(&len) => self.take(len, what),
            _ => Err(OtsError::Number {
                offset,
                what,
                found: len,
                expected: "a length within the format's limits",
            }),
        }
    }
}
