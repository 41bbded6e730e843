//! Proof-of-work chain for training runs: the block format, difficulty,
//! commitments, verification and the nonce-search contract.
//!
//! The crate is `no_std` with `alloc`. It does no I/O, reads no clock, starts
//! no thread, uses no floating point and contains no `unsafe`.
//!
//! Three rules hold everywhere:
//!
//! * **Parsing is total.** Any byte string yields a value or a typed error that
//!   says where it went wrong; nothing is allocated from an unchecked length.
//! * **Parse, don't validate.** The `Verified*` types come only out of
//!   [`chain::ChainVerifier`], the `Proved*` types only out of
//!   [`proof::Proof`]'s verification.
//! * **Every hit is rehashed.** A [`search::Hit`] can only be made by
//!   [`search::Job::check`], whichever engine proposed the nonce.
//!
//! The byte-exact format is described in `docs/format.md`.
#![no_std]
#![deny(clippy::float_arithmetic)]

extern crate alloc;

pub mod block;
pub mod body;
pub mod chain;
pub mod challenge;
pub mod codec;
pub mod coinbase;
pub mod difficulty;
pub mod hash;
pub mod header;
pub mod merkle;
pub mod order;
pub mod proof;
pub mod search;
pub mod state;
mod step;
pub mod target;
pub mod tensor;
