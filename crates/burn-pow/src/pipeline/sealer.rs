//! Sealing: a thread collects entries in bodies, mines their blocks and appends them
//! to the chain file. This thread owns the chain's clock.

use super::status::{Sealed, Status};
use crate::config::PowConfig;
use crate::error::PowError;
use crate::resume::directory::say_weaknesses;
use crate::resume::point::ResumePoint;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use pow_core::block::Template;
use pow_core::body::{Body, BodyKind, Common, Entry, Final, Genesis, MAX_ENTRIES, Mode};
use pow_core::chain::{ChainVerifier, VerifiedChain};
use pow_core::coinbase::Height;
use pow_core::difficulty::Difficulty;
use pow_core::hash::{BlockHash, StateRoot};
use pow_ledger::{ChainWriter, RunWriter};
use pow_mine::{BlockStart, ChainClock, MineError, Miner};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What the committing thread sends to be sealed.
pub(super) enum ToSeal {
    Genesis(Box<Genesis>),
    Entry(CommittedEntry),
    Final(Final),
}

/// An entry, and the checkpoint that is removed after the entry is sealed.
pub(super) struct CommittedEntry {
    pub(super) entry: Entry,
    pub(super) expired: Option<StateRoot>,
}

/// Before a search that is expected to take longer than this, all blocks are synced.
/// An unsynced block must not wait for a long search.
const QUICK: Duration = Duration::from_millis(10);

pub(super) struct Sealer {
    chain: ChainWriter,
    files: Arc<RunWriter>,
    miner: Miner,
    difficulty: Difficulty,
    mode: Mode,
    status: Arc<Status>,
    verifier: ChainVerifier,
    /// When blocks are started and found. A resumed run does not know when its last
    /// block was found, and takes the time at which that block was started.
    clock: ChainClock,
}

impl Sealer {
    /// The sealer of a new run, or of a run that is resumed at `point`.
    pub(super) fn new(
        config: &PowConfig,
        files: Arc<RunWriter>,
        chain: ChainWriter,
        miner: Miner,
        status: Arc<Status>,
        point: Option<&ResumePoint>,
    ) -> Result<Self, PowError> {
        let verifier = match point {
            Some(point) => point.verifier.clone(),
            None => ChainVerifier::new(None),
        };
        Ok(Sealer {
            chain,
            files,
            miner,
            difficulty: config.difficulty()?,
            mode: config.mode,
            status,
            clock: ChainClock::new(verifier.chain().map(VerifiedChain::last_start)),
            verifier,
        })
    }

    /// Seals everything that is sent, until the committing thread closes the channel
    /// or the search is cancelled. Then syncs.
    pub(super) fn run(mut self, inbox: &Receiver<ToSeal>) -> Result<(), PowError> {
        self.report();
        match self.seal_all(inbox) {
            Err(PowError::Mine(error)) if matches!(*error, MineError::Cancelled) => {}
            sealed => sealed?,
        }
        self.sync()
    }

    fn seal_all(&mut self, inbox: &Receiver<ToSeal>) -> Result<(), PowError> {
        let mut not_an_entry = None;
        loop {
            let next = match not_an_entry.take() {
                Some(next) => next,
                None => match self.receive(inbox)? {
                    Some(next) => next,
                    None => break,
                },
            };
            match next {
                ToSeal::Genesis(genesis) => self.seal(BodyKind::Genesis(genesis))?,
                ToSeal::Final(end) => self.seal(BodyKind::Final(end))?,
                ToSeal::Entry(first) => {
                    let mut entries = vec![first];
                    not_an_entry = self.gather(&mut entries, inbox);
                    self.seal_entries(&entries)?;
                }
            }
        }
        Ok(())
    }

    /// Waits for something to seal, and syncs when a sync is due. `None` if the
    /// channel is closed.
    fn receive(&mut self, inbox: &Receiver<ToSeal>) -> Result<Option<ToSeal>, PowError> {
        loop {
            let Some(due) = self.chain.sync_due_in() else {
                return Ok(inbox.recv().ok());
            };
            match inbox.recv_timeout(due) {
                Ok(next) => return Ok(Some(next)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => self.sync()?,
            }
        }
    }

    /// Adds the entries that were queued while the last block was mined. Returns what
    /// follows them in the queue, if it is not an entry.
    fn gather(
        &self,
        entries: &mut Vec<CommittedEntry>,
        inbox: &Receiver<ToSeal>,
    ) -> Option<ToSeal> {
        let most = match self.mode {
            Mode::Gate => 1,
            Mode::Pipelined => MAX_ENTRIES as usize,
        };
        while entries.len() < most {
            match inbox.try_recv() {
                Ok(ToSeal::Entry(entry)) => entries.push(entry),
                other => return other.ok(),
            }
        }
        None
    }

    fn seal_entries(&mut self, entries: &[CommittedEntry]) -> Result<(), PowError> {
        self.seal(BodyKind::Steps(entries.iter().map(|e| e.entry).collect()))?;
        if let Some(chain) = self.verifier.chain() {
            let hash = chain.head_hash();
            let checkpoints = entries.iter().filter(|e| e.entry.rest.is_some());
            self.status
                .add_keys(checkpoints.map(|e| (e.entry.step, hash)));
        }
        self.status
            .queued
            .fetch_sub(entries.len() as u64, Ordering::Relaxed);
        let mut expired = entries.iter().filter_map(|entry| entry.expired).peekable();
        if expired.peek().is_some() {
            // A power cut must not take the block with the newer checkpoints after the older
            // ones were removed.
            self.sync()?;
        }
        for root in expired {
            self.files.remove_checkpoint(root)?;
            say_weaknesses(&self.files);
        }
        Ok(())
    }

    /// Mines a block, verifies it like anybody else would, appends it and reports it.
    fn seal(&mut self, kind: BodyKind) -> Result<(), PowError> {
        if self.expected_search(matches!(kind, BodyKind::Final(_))) > QUICK {
            self.sync()?;
        }
        let (times, body, template) = self.freeze(kind)?;
        let (miner, clocks) = (&mut self.miner, &self.status.clocks);
        let mined = clocks
            .mine
            .time(|| miner.mine(&template, &self.status.cancel));
        self.status.note_engines(&self.miner);
        let mined = mined?;
        self.clock.found(times, mined.time());
        let (block, body) = (mined.block().to_bytes(), body.to_bytes());
        let began = Instant::now();
        self.verifier.push(&block, &body)?;
        self.chain.append(&block, &body)?;
        // A block is reported only if others can read it.
        self.chain.check_place()?;
        self.status.clocks.append.add(began.elapsed());
        self.report();
        Ok(())
    }

    /// Syncs the blocks that are not synced yet.
    fn sync(&mut self) -> Result<(), PowError> {
        let began = Instant::now();
        let is_due = self.chain.sync_due_in().is_some();
        self.chain.sync()?;
        if is_due {
            self.status.clocks.sync.add(began.elapsed());
        }
        Ok(())
    }

    /// The block's times, its final body, and the block without its nonce.
    fn freeze(&self, kind: BodyKind) -> Result<(BlockStart, Body, Template), PowError> {
        let times = self.clock.start();
        let is_final = matches!(kind, BodyKind::Final(_));
        let refused = |error: &dyn std::fmt::Display| PowError::Config(error.to_string());
        let (height, prev, bits) = match self.verifier.chain() {
            None => {
                let bits = self.difficulty.of_genesis();
                (Height::GENESIS, BlockHash::ZERO, bits)
            }
            Some(chain) => {
                let height = chain.height().next().map_err(|error| refused(&error))?;
                let bits = chain.required(times.parent_found, is_final);
                let bits = bits.map_err(|error| refused(&error))?;
                (height, chain.head_hash(), bits)
            }
        };
        let body = Body {
            common: Common {
                height,
                start: times.start,
                parent_found: times.parent_found,
                previous_blocks: self.verifier.previous_blocks(),
            },
            kind,
        };
        let template = Template {
            height,
            prev,
            time: times.header,
            bits,
            commitment: body.commitment(),
        };
        Ok((times, body, template))
    }

    fn report(&self) {
        let Some(chain) = self.verifier.chain() else {
            return;
        };
        let height = u64::from(chain.height().get());
        self.status.height.store(height, Ordering::Relaxed);
        let rate = self.miner.stats().rate();
        self.status.hash_rate.store(rate, Ordering::Relaxed);
        self.status.sealed(Sealed {
            genesis: chain.genesis_hash(),
            head: chain.head_hash(),
            height: chain.height(),
            step: chain.last_entry().map(|entry| entry.step),
            is_final: chain.end().is_some(),
        });
    }

    /// How long the next block will take to mine on average, at the hash rate so far.
    /// Before the first block this is unknown, so it is the longest time.
    fn expected_search(&self, is_final: bool) -> Duration {
        let bits = (self.verifier.chain()).and_then(|chain| {
            let found = self.clock.last_found()?;
            chain.required(found, is_final).ok()
        });
        let Some(target) = bits.and_then(|bits| bits.decode().ok()) else {
            return Duration::MAX;
        };
        let micros = target.work().saturating_u128().saturating_mul(1_000_000);
        let rate = u128::from(self.miner.stats().rate());
        let micros = micros
            .checked_div(rate)
            .and_then(|micros| u64::try_from(micros).ok());
        micros.map_or(Duration::MAX, Duration::from_micros)
    }
}
