//! The program `pow`, run as a user runs it.
#![allow(clippy::unwrap_used, reason = "also in functions that tests share")]

mod anchors;
mod attacks;
mod bad_input;
mod bench;
mod commitments;
mod declaration;
mod envelopes;
mod export;
mod fingerprint;
#[cfg(unix)]
mod hostile;
mod inspect;
mod lineage;
mod live;
#[cfg(target_os = "linux")]
mod memory;
mod mine;
#[cfg(unix)]
mod names;
mod overwrite;
mod pages;
mod program;
mod prove;
mod receipts;
mod replay;
mod signatures;
#[cfg(unix)]
mod special;
mod usage;
mod verify;
