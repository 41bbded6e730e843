//! The fixed part of a body: everything except its entries.

use crate::body::{Common, FORMAT_VERSION, Final, Genesis, MAX_ENTRIES, UnixMillis};
use crate::codec::{DecodeError, DecodeErrorKind, Reader};
use crate::coinbase::Height;
use crate::hash::{BodyCommitment, Tag, TreeRoot};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A body up to and including its entry count. The body's commitment follows
/// from it and the root over the entries. So a proof about one entry, or about
/// none, needs only this part of the body.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedPart {
    bytes: Vec<u8>,
    common: Common,
    kind: FixedKind,
    entry_count: u32,
}

/// The kind of a body, with the fields in its fixed part.
#[derive(Clone, Debug, PartialEq)]
pub enum FixedKind {
    /// The run's declaration. The extensions are the body's entries and not in
    /// the fixed part, so [`Genesis::extensions`] is always empty here.
    Genesis(Box<Genesis>),
    /// Committed training steps. They are the body's entries.
    Steps,
    /// The run's end.
    Final(Final),
}

impl FixedKind {
    /// The kind's name, for people.
    pub fn name(&self) -> &'static str {
        match self {
            FixedKind::Genesis(_) => "genesis",
            FixedKind::Steps => "steps",
            FixedKind::Final(_) => "final",
        }
    }
}

impl FixedPart {
    pub(super) fn new(bytes: Vec<u8>, common: Common, kind: FixedKind, entry_count: u32) -> Self {
        FixedPart {
            bytes,
            common,
            kind,
            entry_count,
        }
    }

    /// Reads a whole fixed part.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless the bytes are the canonical form of a fixed part.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (common, kind, entry_count) = read(&mut reader)?;
        reader.finish()?;
        Ok(FixedPart {
            bytes: bytes.to_vec(),
            common,
            kind,
            entry_count,
        })
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The fields that all bodies have.
    pub fn common(&self) -> &Common {
        &self.common
    }

    /// The kind, with its fields.
    pub fn kind(&self) -> &FixedKind {
        &self.kind
    }

    /// The number of entries of the body.
    pub fn entry_count(&self) -> u32 {
        self.entry_count
    }

    /// The body's commitment, given the root over its entries.
    pub fn commitment(&self, entries: TreeRoot) -> BodyCommitment {
        commitment(&self.bytes, entries)
    }
}

/// The commitment to a body, from the bytes of its fixed part and the root over
/// its entries.
pub(super) fn commitment(fixed: &[u8], entries: TreeRoot) -> BodyCommitment {
    BodyCommitment(Tag::Body.hasher().chain(fixed).chain(&entries.0).finish())
}

/// Reads everything up to and including the entry count.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<(Common, FixedKind, u32), DecodeError> {
    let at = reader.clone();
    let version = reader.u16("format version")?;
    if version != FORMAT_VERSION {
        return Err(at.error(DecodeErrorKind::Value {
            field: "format version",
            found: version.into(),
            expected: "1",
        }));
    }
    let kind_at = reader.clone();
    let kind = reader.u8("kind")?;
    let common = read_common(reader)?;
    let (kind, count) = match kind {
        0 => {
            let genesis = Genesis::read_fixed(reader)?;
            let count = read_count(reader, 0, MAX_ENTRIES, "at most 65536")?;
            (FixedKind::Genesis(Box::new(genesis)), count)
        }
        1 => (
            FixedKind::Steps,
            read_count(reader, 1, MAX_ENTRIES, "1 to 65536")?,
        ),
        2 => {
            let end = Final::read_fixed(reader)?;
            (FixedKind::Final(end), read_count(reader, 0, 0, "0")?)
        }
        found => {
            return Err(kind_at.error(DecodeErrorKind::Value {
                field: "kind",
                found: found.into(),
                expected: "0 (genesis), 1 (steps) or 2 (final)",
            }));
        }
    };
    Ok((common, kind, count))
}

fn read_common(reader: &mut Reader<'_>) -> Result<Common, DecodeError> {
    let at = reader.clone();
    let height = reader.u32("height")?;
    let height = Height::new(height).map_err(|_| {
        at.error(DecodeErrorKind::Value {
            field: "height",
            found: height.into(),
            expected: "below 2^31",
        })
    })?;
    Ok(Common {
        height,
        start: UnixMillis(reader.u64("start")?),
        parent_found: UnixMillis(reader.u64("parent found")?),
        previous_blocks: TreeRoot(reader.array("previous blocks")?),
    })
}

/// Reads the entry count and checks that it is `min` to `max`, both inclusive.
fn read_count(
    reader: &mut Reader<'_>,
    min: u32,
    max: u32,
    expected: &'static str,
) -> Result<u32, DecodeError> {
    let at = reader.clone();
    let count = reader.u32("entry count")?;
    if (min..=max).contains(&count) {
        Ok(count)
    } else {
        Err(at.error(DecodeErrorKind::Value {
            field: "entry count",
            found: count.into(),
            expected,
        }))
    }
}
