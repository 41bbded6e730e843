//! Blocks and commitments in formats that other software reads. `docs/format.md`
//! describes the bytes under *Exports*.
//!
//! Each function takes a [`WalkedBlock`](crate::walk::WalkedBlock), which only a walk
//! through a chain makes. So nothing is exported that was not verified.

mod blk;
mod ots;

pub use blk::{BLK_MAGIC, write_blk};
pub use ots::{OTS_ATTESTATION, OtsSubject, ots_proof};
