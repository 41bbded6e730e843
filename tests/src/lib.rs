//! What the tests of several packages share: a small run, recorded without
//! Burn, the means to damage it, and the properties that are fuzzed.

// Whoever calls this is a test, for which a panic is the way to fail.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "used by tests only, where a panic is a failure"
)]

pub mod anchors;
pub mod attack_file;
pub mod audits;
pub mod chain_file;
pub mod commands;
pub mod envelopes;
pub mod extensions;
pub mod fixture;
pub mod lineage;
pub mod long_run;
pub mod model;
pub mod oracle;
pub mod properties;
pub mod seal;
pub mod signatures;
pub mod stream;
pub mod tmpfs;
pub mod tokens;
