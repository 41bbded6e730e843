//! Blocks and commitments in forms that other people's software reads. The
//! bytes are described in `docs/format.md`, under *Exports*.
//!
//! Each function takes a [`BlockRow`](crate::BlockRow), which only a walk
//! through a run makes: nothing is exported that was not verified.

mod blk;
mod ots;

pub use blk::{BLK_MAGIC, write_blk};
pub use ots::{OTS_ATTESTATION, OtsSubject, ots_proof};
