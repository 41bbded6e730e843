//! The consensus rules, and the verifier that alone makes `Verified*` values.
//!
//! Each rule has a number, used in `docs/format.md` and in [`Violation`]'s
//! documentation. The verifier streams: its memory does not grow with the
//! chain but for O(log n) hashes.

mod decoded;
mod entries;
mod error;
pub mod headers;
mod target_cache;
mod verified;
mod verifier;

pub use error::{ChainError, Violation};
pub use verified::{VerifiedBlock, VerifiedChain};
pub use verifier::{ChainVerifier, HEADER_TIME_WINDOW, block_leaf};
