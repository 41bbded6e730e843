//! What must hold for any bytes at all: one property for each reader of bytes
//! from strangers. The targets in `fuzz/` feed them with what libFuzzer makes
//! up, and the tests of this package with the committed corpora.
//!
//! A property takes bytes and panics if it does not hold. Nearly all compare the
//! reader with a second one, written from `docs/format.md` or by others.

mod block;
mod body;
mod chain_file;
mod checkpoint;
mod compact;
mod envelope;
mod header;
mod headers;
mod json;
mod memory;
mod ots;
mod proof;
mod published;
mod receipt;
mod record;
mod report;
mod rules;
mod seeds;
mod session;
mod signature;
mod steps;
mod tensors;
mod tsr;

pub use block::block;
pub use body::body;
pub use chain_file::chain_file;
pub use checkpoint::checkpoint;
pub use compact::compact;
pub use envelope::envelope;
pub use header::{coinbase, header};
pub use headers::headers;
pub use memory::{Meter, measure_with};
pub use ots::ots;
pub use proof::proof;
pub use published::{lay_out, published, root_of};
pub use receipt::receipt;
pub use record::record;
pub use report::report;
pub use seeds::{Seed, seeds};
pub use signature::signature;
pub use steps::steps;
pub use tensors::tensors;
pub use tsr::tsr;

/// A property and the name of its fuzz target and corpus.
pub type Property = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Property; 19] = [
    ("block", block),
    ("body", body),
    ("chain_file", chain_file),
    ("checkpoint", checkpoint),
    ("coinbase", coinbase),
    ("envelope", envelope),
    ("compact", compact),
    ("header", header),
    ("headers", headers),
    ("ots", ots),
    ("proof", proof),
    ("published", published),
    ("receipt", receipt),
    ("record", record),
    ("report", report),
    ("signature", signature),
    ("steps", steps),
    ("tensors", tensors),
    ("tsr", tsr),
];
