//! The subcommands, one file each.

pub mod add_signature;
pub mod anchor;
#[cfg(feature = "mine")]
pub mod bench;
pub mod challenge;
pub mod check_envelope;
pub mod check_proof;
pub mod check_receipt;
pub mod commit_report;
pub mod compare;
pub mod declare;
pub mod diff;
pub mod envelope;
pub mod export;
pub mod fingerprint;
pub mod inspect;
pub mod lineage;
pub mod manifest;
pub mod merge;
#[cfg(feature = "mine")]
pub mod mine;
pub mod prove;
pub mod receipt;
pub mod sign;
pub mod stamp;
pub mod verify;
