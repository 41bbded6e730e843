//! A proof-of-work chain for training runs: block format, commitments,
//! difficulty, the rules that a valid chain holds, and the contract of engines
//! that search nonces.
//!
//! **Invariant.** The crate is `no_std` with `alloc`. It uses no I/O, clock,
//! thread, floating point or `unsafe`.
//!
//! Three more invariants hold everywhere:
//!
//! * **Parsing is total.** Any byte string gives a value, or a typed error with
//!   the byte where reading failed. Memory is never reserved for a length that
//!   was not checked.
//! * **Parse, don't validate.** Only [`chain::ChainVerifier`] makes `Verified*`
//!   values, and only the verification of a [`proof::Proof`] makes `Proved*`
//!   values.
//! * **Every hit is rehashed.** Only [`search::Job::check`] makes a
//!   [`search::Hit`], whichever engine proposed the nonce.
//!
//! `docs/format.md` describes the format, byte by byte.
//!
//! # Modules
//!
//! | | |
//! |---|---|
//! | a block, as in Bitcoin | [`header`], [`coinbase`], [`block`](mod@block), [`target`] |
//! | a block's body: what a run says | [`body`], [`extension`], [`state`], [`order`], [`tensor`] |
//! | the rules | [`chain`], [`difficulty`] |
//! | checks by others | [`proof`], [`challenge`] |
//! | mining | [`search`] |
//! | no part of version 1 | [`draft`] |
//! | used by all of these | [`codec`], [`hash`], [`merkle`] |
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
pub mod draft;
pub mod extension;
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

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
