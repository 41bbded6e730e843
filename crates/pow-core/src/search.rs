//! The nonce-search contract that every engine keeps, and its readable scalar
//! reference.
//!
//! A [`Job`] is an 80-byte header, a target and a range of nonces. An
//! [`Engine`] answers with the hits in search order and how far it got. An
//! engine proposes nonces; only [`Job::check`], which rehashes the whole
//! header, turns a nonce into a [`Hit`].

mod cancel;
mod engine;
mod job;
mod range;
mod reference;

pub use cancel::CancelToken;
pub use engine::{Engine, EngineError, Found, HitLimit};
pub use job::{Hit, Job};
pub use range::{NonceRange, NonceRangeError};
pub use reference::Reference;
