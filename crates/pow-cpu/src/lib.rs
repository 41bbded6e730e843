//! SHA-256d nonce search on CPU cores. [`Lanes`] hashes the chunks of tensors,
//! and headers, several at a time.
//!
//! A range is divided into small batches. The threads take them in search order
//! from one counter, and always finish a batch. So at any time the searched
//! nonces are a prefix of the range: the first hit is the first in search
//! order, and a cancelled search leaves no gap.
//!
//! ```
//! use pow_core::header::{Header, Nonce};
//! use pow_core::search::*;
//! use pow_core::target::Target;
//! use pow_cpu::{CpuEngine, Kernel, Priority, Threads};
//!
//! let job = Job::new(
//!     Header::from_bytes(&[0; 80]),
//!     Target::LIMIT,
//!     NonceRange::new(Nonce(0), 5000)?,
//! );
//! let mut engine = CpuEngine::new(Kernel::from_env()?, Threads::all(), Priority::Normal);
//! let found = engine.search(&job, HitLimit::All, &CancelToken::new())?;
//! assert_eq!(found.scanned, 5000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calibration;
mod engine;
mod job;
mod kernel;
mod lanes;
mod message;
mod pool;
mod portable;
mod shared_search;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "functions for CPU features that not every CPU has"
)]
mod simd;

pub use engine::CpuEngine;
pub use kernel::{Kernel, KernelError};
pub use lanes::Lanes;
pub use pool::{Priority, Threads};

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
