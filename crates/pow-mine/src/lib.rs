//! Mining: opens an engine by its name, and seals block templates with it.
//!
//! Use this crate for mining; the engine crates are its parts. The choice of
//! engine never changes which blocks are valid. A [`Miner`] counts the time that its
//! searches take, and a [`ChainClock`] makes the times of a chain's blocks from it.
//!
//! ```
//! use pow_core::{block::Template, coinbase::Height, hash::*, header::HeaderTime, target::*};
//! use pow_core::search::CancelToken;
//! use pow_mine::{CpuShare, EngineChoice, Miner, select};
//!
//! let mut miner = Miner::new(select(EngineChoice::Cpu, CpuShare::default())?.engine);
//! let template = Template {
//!     height: Height::GENESIS,
//!     prev: BlockHash::ZERO,
//!     time: HeaderTime(1_700_000_000),
//!     bits: ZeroBits::new(8)?.compact(),
//!     commitment: BodyCommitment([0; 32]),
//! };
//! let mined = miner.mine(&template, &CancelToken::new())?;
//! assert!(mined.hash().to_string().starts_with("00"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bench;
mod clock;
mod coordinator;
mod meter;
mod miner;
mod select;
mod time;
mod worker;

pub use clock::{BlockStart, ChainClock};
pub use coordinator::Coordinator;
pub use miner::{MineError, Mined, Miner, MinerStats};
pub use select::{
    CpuShare, EngineChoice, ParseEngineError, Priority, SelectError, Selected, Threads, select,
};
pub use time::{SystemTimeSource, TimeSource};

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
