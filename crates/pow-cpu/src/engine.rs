//! The engine.

use crate::kernel::Kernel;
use crate::pool::{Pool, Priority, Threads};
use crate::shared_search::{SharedSearch, ThreadResult};
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};
use std::sync::Arc;

/// Searches on CPU cores. Its threads wait between searches, and end when the
/// engine is dropped.
#[derive(Debug)]
pub struct CpuEngine {
    kernel: Kernel,
    pool: Pool,
}

impl CpuEngine {
    /// Starts the threads. If the system refuses to start one, the engine works
    /// with fewer threads. [`Engine::name`] shows how many it has.
    pub fn new(kernel: Kernel, threads: Threads, priority: Priority) -> Self {
        CpuEngine {
            kernel,
            pool: Pool::new(threads, priority),
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
        let search = Arc::new(SharedSearch::new(self.kernel, *job, limit, cancel.clone()));
        let mut result = ThreadResult::default();
        // Most jobs of low difficulty end here, before another thread could
        // wake up.
        search.work_one(&mut result);
        if !search.is_finished() {
            result = self
                .pool
                .work(&search, result)
                .ok_or_else(|| EngineError::Device {
                    engine: self.name(),
                    message: String::from("a search thread ended during the search"),
                })?;
        }
        search.found(result).map_err(|nonce| EngineError::FalseHit {
            engine: self.name(),
            nonce: nonce.0,
        })
    }
}
