//! Sealing a template: search all nonces, change the extranonce, repeat.

use pow_core::block::{Block, Template};
use pow_core::coinbase::ExtraNonce;
use pow_core::hash::BlockHash;
use pow_core::search::{CancelToken, Engine, EngineError, HitLimit, Job, NonceRange};
use pow_core::target::CompactError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Why a template was not sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MineError {
    /// The template's target is malformed.
    #[error(transparent)]
    Target(#[from] CompactError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The search was cancelled.
    #[error("mining was cancelled")]
    Cancelled,
}

/// A block that meets its own target.
#[derive(Clone, Debug)]
pub struct Mined {
    block: Block,
    hash: BlockHash,
    hashes: u64,
}

impl Mined {
    /// The block.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// Its hash.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// The number of header hashes computed for it.
    pub fn hashes(&self) -> u64 {
        self.hashes
    }
}

/// What a miner has done so far. It is shared, so a dashboard can read it.
#[derive(Debug, Default)]
pub struct MinerStats {
    hashes: AtomicU64,
    busy_micros: AtomicU64,
}

impl MinerStats {
    /// The number of header hashes computed.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// The time spent on mining.
    pub fn busy(&self) -> Duration {
        Duration::from_micros(self.busy_micros.load(Ordering::Relaxed))
    }

    /// Hashes per second of mining. 0 before the first search.
    pub fn rate(&self) -> u64 {
        let micros = self.busy().as_micros();
        let rate = (u128::from(self.hashes()) * 1_000_000).checked_div(micros);
        u64::try_from(rate.unwrap_or(0)).unwrap_or(u64::MAX)
    }
}

/// Seals templates with an engine.
pub struct Miner {
    engine: Box<dyn Engine>,
    stats: Arc<MinerStats>,
}

impl Miner {
    /// A miner that searches with `engine`.
    pub fn new(engine: Box<dyn Engine>) -> Self {
        Miner {
            engine,
            stats: Arc::default(),
        }
    }

    /// The engine's name.
    pub fn engine_name(&self) -> String {
        self.engine.name()
    }

    /// The errors of the engine's parts that failed, one for each
    /// ([`Engine::failures`]).
    pub fn failures(&self) -> Vec<EngineError> {
        self.engine.failures()
    }

    /// What this miner has done so far.
    pub fn stats(&self) -> Arc<MinerStats> {
        self.stats.clone()
    }

    /// Searches all nonces of one extranonce after another, until a header
    /// meets the template's target. An engine that searches in order finds the
    /// first such header. A [`Coordinator`](crate::Coordinator) finds any of
    /// them.
    ///
    /// # Errors
    ///
    /// [`MineError`] if the target is malformed, if the engine fails, or if
    /// `cancel` is cancelled first.
    pub fn mine(&mut self, template: &Template, cancel: &CancelToken) -> Result<Mined, MineError> {
        let target = template.bits.decode()?;
        let mut hashes = 0;
        for extranonce in 0u64.. {
            let block = template.block(ExtraNonce::new([0; 4], extranonce));
            let job = Job::new(block.header, target, NonceRange::FULL);
            let began = Instant::now();
            let found = self.engine.search(&job, HitLimit::Any, cancel)?;
            self.count(found.hashes, began);
            hashes += found.hashes;
            if let Some(hit) = found.first_for(&job, self.engine.as_ref())? {
                return Ok(Mined {
                    block: Block {
                        header: *hit.header(),
                        ..block
                    },
                    hash: hit.hash(),
                    hashes,
                });
            }
            if cancel.is_cancelled() {
                break;
            }
        }
        Err(MineError::Cancelled)
    }

    fn count(&self, hashes: u64, began: Instant) {
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.stats.hashes.fetch_add(hashes, Ordering::Relaxed);
        self.stats.busy_micros.fetch_add(micros, Ordering::Relaxed);
    }
}
