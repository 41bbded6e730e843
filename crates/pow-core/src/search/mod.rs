//! The contract of nonce search, which every engine keeps, and a simple
//! reference engine.
//!
//! A [`Job`] is an 80-byte header, a target and a range of nonces. An
//! [`Engine`] returns the hits in search order, and how far it searched. An
//! engine only proposes nonces. Only [`Job::check`], which hashes the whole
//! header again, turns a nonce into a [`Hit`].

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
