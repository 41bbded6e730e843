//! The chain rules, and the verifier. Only the verifier makes `Verified*`
//! values.
//!
//! Each rule has a number. `docs/format.md` and the documentation of
//! [`Violation`] use these numbers. The verifier is a stream: it keeps O(log n)
//! hashes of the chain, and nothing else that grows.

mod batch;
mod decoded;
mod entries;
mod error;
pub mod headers;
mod roots;
mod target_cache;
mod verified;
mod verifier;

pub use batch::PreparedBlocks;
pub use error::{ChainError, Violation};
pub use verified::{VerifiedBlock, VerifiedChain};
pub use verifier::{ChainVerifier, HEADER_TIME_WINDOW, block_leaf};
