//! Sealing a template: search all nonces, change the extranonce, repeat.

use crate::meter::MiningMeter;
use crate::select::CpuShare;
use crate::time::{SystemTimeSource, TimeSource};
use crate::worker::Worker;
use pow_core::block::{Block, Template};
use pow_core::coinbase::ExtraNonce;
use pow_core::hash::BlockHash;
use pow_core::header::Nonce;
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job, NonceRange};
use pow_core::target::CompactError;
use pow_cpu::{CpuEngine, Kernel};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long one call of an engine may take, about. If the machine sleeps, or an engine
/// is wrong or lost, no more than this is counted wrongly or searched again.
const PIECE: Duration = Duration::from_secs(4);

/// The fewest nonces in such a call.
const SHORTEST: u64 = 1 << 16;

/// All nonces of one extranonce.
const NONCES: u64 = 1 << 32;

/// Why a template was not sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MineError {
    /// The template's target is malformed.
    #[error(transparent)]
    Target(#[from] CompactError),
    /// The engine failed, and there is no other to mine with.
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
    time: Duration,
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

    /// The mining time: what the search took, but at most four times what its hashes
    /// take at the rate of the searches before, and 50 ms. So a process or a machine that
    /// slept during the search did not mine meanwhile. Searches of a wrong or failed
    /// engine do not count.
    pub fn time(&self) -> Duration {
        self.time
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

    /// The time spent on mining, counted as in [`Mined::time`].
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
///
/// - A wrong nonce is [counted](Self::wrong_nonces), and the nonces are searched again.
/// - An engine fails if its device is lost, if it panics, or with its third wrong nonce
///   since its last hit. It is then not used any more, and [named](Self::failures).
/// - Then the CPU mines, if the miner was made with [`or_cpu`](Self::or_cpu).
pub struct Miner {
    worker: Worker,
    /// What is opened when the engine has failed, the next one last.
    spares: Vec<Spare>,
    /// The engines that failed and were replaced.
    replaced: Vec<EngineError>,
    /// The wrong nonces of these.
    wrong_before: u64,
    meter: MiningMeter,
    time: Arc<dyn TimeSource>,
    stats: Arc<MinerStats>,
}

type Spare = Box<dyn FnOnce() -> Box<dyn Engine> + Send>;

impl Miner {
    /// A miner that searches with `engine`.
    pub fn new(engine: Box<dyn Engine>) -> Self {
        Miner {
            worker: Worker::new(engine),
            spares: Vec::new(),
            replaced: Vec::new(),
            wrong_before: 0,
            meter: MiningMeter::default(),
            time: Arc::new(SystemTimeSource),
            stats: Arc::default(),
        }
    }

    /// The same miner, which mines with the CPU when its engine has failed: with the
    /// fastest kernel, and if that fails as well, with the portable one.
    ///
    /// ```
    /// use pow_core::search::*;
    /// use pow_mine::{CpuShare, Miner};
    /// # use pow_core::{block::Template, coinbase::Height, hash::*, header::HeaderTime, target::*};
    /// # let template = Template {
    /// #     height: Height::GENESIS,
    /// #     prev: BlockHash::ZERO,
    /// #     time: HeaderTime(1_700_000_000),
    /// #     bits: ZeroBits::new(8)?.compact(),
    /// #     commitment: BodyCommitment([0; 32]),
    /// # };
    /// /// A GPU that was unplugged.
    /// struct Lost;
    ///
    /// impl Engine for Lost {
    ///     fn name(&self) -> String {
    ///         "gpu".into()
    ///     }
    ///
    ///     fn search(&mut self, _: &Job, _: HitLimit, _: &CancelToken) -> Result<Found, EngineError> {
    ///         Err(EngineError::Device { engine: self.name(), message: "lost".into() })
    ///     }
    /// }
    ///
    /// let mut miner = Miner::new(Box::new(Lost)).or_cpu(CpuShare::default());
    /// miner.mine(&template, &CancelToken::new())?;
    /// assert_eq!(miner.failures()[0].to_string(), "engine gpu: lost");
    /// assert!(miner.engine_name().starts_with("cpu"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn or_cpu(self, share: CpuShare) -> Self {
        let cpu = move |kernel| -> Box<dyn Engine> {
            Box::new(CpuEngine::new(kernel, share.threads, share.priority))
        };
        self.or_one_of(vec![
            Box::new(move || cpu(Kernel::PORTABLE)),
            Box::new(move || cpu(Kernel::from_env().unwrap_or_else(|_| Kernel::fastest()))),
        ])
    }

    /// The same miner, which measures its searches by other clocks.
    pub fn with_time_source(mut self, time: Arc<dyn TimeSource>) -> Self {
        self.time = time;
        self
    }

    /// The name of the engine that mines now.
    pub fn engine_name(&self) -> String {
        self.worker.name()
    }

    /// The errors of all engines that failed, one for each, in the order in which they
    /// were replaced. Of an engine made of several, these are the errors of its parts
    /// ([`Engine::failures`]).
    pub fn failures(&self) -> Vec<EngineError> {
        let mut failures = self.replaced.clone();
        failures.extend(self.worker.failures());
        failures
    }

    /// How many wrong nonces engines proposed. None of them is in a block.
    pub fn wrong_nonces(&self) -> u64 {
        self.wrong_before + self.worker.wrong_nonces()
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
    /// [`MineError`] if the target is malformed, if the engine has failed and nothing
    /// can take its place, or if `cancel` is cancelled first.
    pub fn mine(&mut self, template: &Template, cancel: &CancelToken) -> Result<Mined, MineError> {
        let target = template.bits.decode()?;
        let mut hashes = 0u64;
        let mut time = Duration::ZERO;
        for extranonce in 0u64.. {
            let block = template.block(ExtraNonce::new([0; 4], extranonce));
            let mut next = 0;
            while let Ok(range) = NonceRange::new(Nonce(next as u32), self.piece(next)) {
                let job = Job::new(block.header, target, range);
                let (found, counted) = self.search(&job, cancel)?;
                hashes = hashes.saturating_add(found.hashes);
                time = time.saturating_add(counted);
                next += found.scanned;
                if let Some(hit) = found.hits.first() {
                    return Ok(Mined {
                        block: Block {
                            header: *hit.header(),
                            ..block
                        },
                        hash: hit.hash(),
                        hashes,
                        time,
                    });
                }
                if cancel.is_cancelled() {
                    return Err(MineError::Cancelled);
                }
            }
        }
        Err(MineError::Cancelled)
    }

    /// The number of nonces to search from `next` on. 0 after the last one.
    fn piece(&self, next: u64) -> u64 {
        let len = self.meter.hashes_in(PIECE).max(SHORTEST);
        len.min(NONCES - next)
    }

    /// Searches a job until an engine has a valid answer for it.
    fn search(&mut self, job: &Job, cancel: &CancelToken) -> Result<(Found, Duration), MineError> {
        loop {
            let parts_failed = self.worker.failures().len();
            let began = self.time.monotonic();
            let searched = self.worker.search(job, HitLimit::Any, cancel);
            let passed = self.time.monotonic().saturating_sub(began);
            match searched {
                Ok(found) => {
                    if self.worker.failures().len() > parts_failed {
                        // What is left has another speed.
                        self.meter = MiningMeter::default();
                    }
                    let counted = self.meter.count(found.hashes, passed);
                    self.stats.add(found.hashes, counted);
                    return Ok((found, counted));
                }
                Err(_) if cancel.is_cancelled() => return Err(MineError::Cancelled),
                Err(error) if self.worker.has_failed() => self.replace_or(error)?,
                Err(_) => {}
            }
        }
    }

    /// Opens the next engine in place of the one that failed with this error.
    fn replace_or(&mut self, error: EngineError) -> Result<(), MineError> {
        let Some(open) = self.spares.pop() else {
            return Err(error.into());
        };
        self.replaced.extend(self.worker.failures());
        self.wrong_before += self.worker.wrong_nonces();
        self.worker = Worker::new(open());
        self.meter = MiningMeter::default();
        Ok(())
    }

    /// The same miner, which mines with these when its engine has failed, the last of
    /// them first.
    fn or_one_of(mut self, spares: Vec<Spare>) -> Self {
        self.spares = spares;
        self
    }
}

impl MinerStats {
    fn add(&self, hashes: u64, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.hashes.fetch_add(hashes, Ordering::Relaxed);
        self.busy_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::coinbase::Height;
    use pow_core::hash::BodyCommitment;
    use pow_core::header::HeaderTime;
    use pow_core::search::Reference;
    use pow_core::target::{Target, ZeroBits};

    /// Answers with hits of an easier job.
    struct Wrong;

    impl Engine for Wrong {
        fn name(&self) -> String {
            "wrong".into()
        }

        fn search(
            &mut self,
            job: &Job,
            limit: HitLimit,
            cancel: &CancelToken,
        ) -> Result<Found, EngineError> {
            let easier = Job::new(*job.header(), Target::LIMIT, job.range());
            Reference.search(&easier, limit, cancel)
        }
    }

    #[test]
    fn one_spare_after_another_is_used() {
        let template = Template {
            height: Height::GENESIS,
            prev: BlockHash::ZERO,
            time: HeaderTime(1_700_000_000),
            bits: ZeroBits::new(16).expect("in range").compact(),
            commitment: BodyCommitment([0; 32]),
        };
        let mut miner = Miner::new(Box::new(Wrong)).or_one_of(vec![
            Box::new(|| Box::new(Reference)),
            Box::new(|| Box::new(Wrong)),
        ]);
        for _ in 0..2 {
            let mined = miner.mine(&template, &CancelToken::new());
            assert!(mined.is_ok(), "{mined:?}");
            assert_eq!(miner.engine_name(), "reference");
            assert_eq!((miner.failures().len(), miner.wrong_nonces()), (2, 6));
        }
    }
}
