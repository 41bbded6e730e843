//! SHA-256d nonce search on CPU cores, and [`Lanes`], which hash the chunks of
//! tensors several at a time.
//!
//! A range is cut into small batches that the threads take in search order
//! from one counter. A batch that was taken is always finished, so what was
//! searched is a prefix of the range at any time: the first hit is the first
//! in search order, and a cancelled search leaves no gaps.
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

mod batches;
mod job;
mod kernel;
mod lanes;
mod message;
mod pool;
mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "functions for CPU features that not every CPU has"
)]
mod simd;

pub use kernel::{Kernel, KernelError};
pub use lanes::Lanes;
pub use pool::Priority;

use batches::{Batches, Report};
use pool::Pool;
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How many threads search: at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(NonZeroUsize);

impl Threads {
    /// Exactly `count` threads.
    pub fn new(count: NonZeroUsize) -> Self {
        Threads(count)
    }

    /// As many threads as the system says can run at the same time
    /// ([`std::thread::available_parallelism`]), or 1 where it does not say.
    pub fn all() -> Self {
        Threads(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// The number of threads.
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl Default for Threads {
    /// [`Threads::all`].
    fn default() -> Self {
        Threads::all()
    }
}

/// Searches on CPU cores. Its threads wait between searches and end when it is
/// dropped.
#[derive(Debug)]
pub struct CpuEngine {
    kernel: Kernel,
    pool: Pool,
}

impl CpuEngine {
    /// Starts the threads. Where the system refuses to start one, the engine
    /// goes on with those that it has; [`Engine::name`] tells how many.
    pub fn new(kernel: Kernel, threads: Threads, priority: Priority) -> Self {
        CpuEngine {
            kernel,
            pool: Pool::new(threads.0, priority),
        }
    }
}

impl Default for CpuEngine {
    /// An engine on all cores with the fastest kernel.
    fn default() -> Self {
        CpuEngine::new(Kernel::fastest(), Threads::default(), Priority::Normal)
    }
}

impl Engine for CpuEngine {
    fn name(&self) -> String {
        match self.pool.threads() {
            1 => format!("cpu (1 thread, {})", self.kernel),
            threads => format!("cpu ({threads} threads, {})", self.kernel),
        }
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        let batches = Arc::new(Batches::new(self.kernel, *job, limit, cancel.clone()));
        let mut report = Report::default();
        // Most jobs of a small difficulty end here, before a thread could wake.
        batches.work_one(&mut report);
        if !batches.is_finished() {
            report = self
                .pool
                .work(&batches, report)
                .ok_or_else(|| EngineError::Device {
                    engine: self.name(),
                    message: String::from("a search thread ended in the middle of a search"),
                })?;
        }
        batches
            .found(report)
            .map_err(|nonce| EngineError::FalseHit {
                engine: self.name(),
                nonce: nonce.0,
            })
    }
}
