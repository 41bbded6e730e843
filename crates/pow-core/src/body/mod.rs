//! Block bodies. They contain what a chain says about the training.
//!
//! A body is `version ‖ kind ‖ common fields ‖ fields of the kind ‖ entry count
//! ‖ entries`, in little-endian order. Each value has exactly one byte string.
//! The body's commitment is the tagged hash of two things: all bytes up to and
//! including the entry count, and the root over the entries. So one entry can
//! be proved with O(log n) hashes.

mod common;
mod end;
mod entry;
mod fixed;
mod genesis;
mod genesis_codec;

pub use crate::step::StepNumber;
pub use common::{Common, FORMAT_VERSION, MAX_BODY_LEN, MAX_ENTRIES, UnixMillis};
pub use end::{Ending, Final};
pub use entry::Entry;
pub use fixed::{FixedKind, FixedPart};
pub use genesis::{
    CodeDigests, Environment, Extension, Genesis, InitialState, MAX_EXTENSION, MAX_TEXT, Mode,
    OrderRule, Schedule,
};

use crate::codec::{DecodeError, DecodeErrorKind, Reader, Writer};
use crate::hash::{BodyCommitment, Tag, TreeRoot};
use crate::merkle;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The kind of a body, with the fields of that kind.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyKind {
    /// The run's declaration, in the first block.
    Genesis(Box<Genesis>),
    /// Committed training steps, in order. At least one.
    Steps(Vec<Entry>),
    /// The run's end, in the last block.
    Final(Final),
}

impl BodyKind {
    /// The kind's name, for people.
    pub fn name(&self) -> &'static str {
        match self {
            BodyKind::Genesis(_) => "genesis",
            BodyKind::Steps(_) => "steps",
            BodyKind::Final(_) => "final",
        }
    }
}

/// A block body.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The fields that all bodies have.
    pub common: Common,
    /// The kind, with its fields.
    pub kind: BodyKind,
}

impl Body {
    /// Reads a whole body.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless the bytes are the canonical form of a body, at
    /// most [`MAX_BODY_LEN`] long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Body, DecodeError> {
        let mut reader = Reader::new(bytes);
        if bytes.len() > MAX_BODY_LEN {
            return Err(reader.error(DecodeErrorKind::Value {
                field: "body length",
                found: bytes.len() as u64,
                expected: "at most 16777216",
            }));
        }
        let (common, kind, count) = fixed::read(&mut reader)?;
        // Memory is reserved for no more entries than the bytes can hold, whatever `count` says.
        let possible = reader.remaining() / Entry::MIN_LEN;
        let kind = match kind {
            FixedKind::Genesis(mut genesis) => {
                for _ in 0..count {
                    genesis.extensions.push(Extension::read(&mut reader)?);
                }
                BodyKind::Genesis(genesis)
            }
            FixedKind::Steps => {
                let mut entries = Vec::with_capacity(possible.min(count as usize));
                for _ in 0..count {
                    entries.push(Entry::read(&mut reader)?);
                }
                BodyKind::Steps(entries)
            }
            FixedKind::Final(end) => BodyKind::Final(end),
        };
        reader.finish()?;
        Ok(Body { common, kind })
    }

    /// The body's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mut out, entries) = self.parts();
        for entry in &entries {
            out.raw(entry);
        }
        out.finish()
    }

    /// The commitment that the block's coinbase contains.
    pub fn commitment(&self) -> BodyCommitment {
        let (fixed, entries) = self.parts();
        fixed::commitment(&fixed.finish(), merkle::root(leaves(&entries)))
    }

    /// The body without its entries.
    pub fn fixed_part(&self) -> FixedPart {
        let (fixed, entries) = self.parts();
        let kind = match &self.kind {
            BodyKind::Genesis(genesis) => FixedKind::Genesis(Box::new(Genesis {
                extensions: Vec::new(),
                ..Genesis::clone(genesis)
            })),
            BodyKind::Steps(_) => FixedKind::Steps,
            BodyKind::Final(end) => FixedKind::Final(*end),
        };
        FixedPart::new(fixed.finish(), self.common, kind, entries.len() as u32)
    }

    /// Root of the tree over the entries.
    pub fn entries_root(&self) -> TreeRoot {
        merkle::root(self.entry_leaves())
    }

    /// The leaves of the tree over the entries, in order: one for each entry.
    pub fn entry_leaves(&self) -> Vec<[u8; 32]> {
        leaves(&self.parts().1).collect()
    }

    /// Like [`commitment`](Self::commitment), for a body that was read from
    /// `bytes`. A body has only one byte string, so it need not be encoded
    /// again.
    pub(crate) fn commitment_of(&self, bytes: &[u8]) -> BodyCommitment {
        let BodyKind::Steps(entries) = &self.kind else {
            return self.commitment();
        };
        let entries_len: usize = entries.iter().map(Entry::byte_len).sum();
        let (fixed, mut rest) = bytes.split_at(bytes.len() - entries_len);
        let root = merkle::root(entries.iter().map(|entry| {
            let (entry, after) = rest.split_at(entry.byte_len());
            rest = after;
            Tag::Entry.hash(entry)
        }));
        fixed::commitment(fixed, root)
    }

    /// The bytes up to and including the entry count, and the bytes of each
    /// entry.
    fn parts(&self) -> (Writer, Vec<Vec<u8>>) {
        let mut out = Writer::new();
        out.u16(FORMAT_VERSION);
        out.u8(match self.kind {
            BodyKind::Genesis(_) => 0,
            BodyKind::Steps(_) => 1,
            BodyKind::Final(_) => 2,
        });
        out.u32(self.common.height.get())
            .u64(self.common.start.0)
            .u64(self.common.parent_found.0)
            .raw(&self.common.previous_blocks.0);
        let entries: Vec<Vec<u8>> = match &self.kind {
            BodyKind::Genesis(genesis) => {
                genesis.write_fixed(&mut out);
                genesis.extensions.iter().map(Extension::to_bytes).collect()
            }
            BodyKind::Steps(entries) => entries.iter().map(Entry::to_bytes).collect(),
            BodyKind::Final(end) => {
                end.write_fixed(&mut out);
                Vec::new()
            }
        };
        out.u32(entries.len() as u32);
        (out, entries)
    }
}

fn leaves(entries: &[Vec<u8>]) -> impl Iterator<Item = [u8; 32]> + '_ {
    entries.iter().map(|entry| Tag::Entry.hash(entry))
}
