//! The clock of a chain on machines that sleep, and whose date jumps.

mod chain;
mod simulation;
#[cfg(unix)]
mod suspended;

#[cfg(unix)]
pub use suspended::{CHILD, mine_until_killed};

use pow_core::block::Template;
use pow_core::body::UnixMillis;
use pow_core::coinbase::Height;
use pow_core::difficulty::{Asert, Difficulty, Millis, MiningClock, Policy};
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::search::CancelToken;
use pow_core::target::{CompactTarget, Target};
use pow_mine::{BlockStart, ChainClock, Miner, TimeSource};
use pow_tests::fixture::bits;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[cfg(unix)]
tests! { mod chain, simulation, suspended }
#[cfg(not(unix))]
tests! { mod chain, simulation }

/// Milliseconds of mining that a block should take, and that double the difficulty.
const SPACING: u64 = 5;
const HALF_LIFE: u64 = 150;

/// Clocks that the test sets. Clones are the same clocks.
#[derive(Clone, Debug, Default)]
struct FakeTime(Arc<Mutex<Times>>);

#[derive(Debug, Default)]
struct Times {
    /// Milliseconds since 1970, before it too.
    date: i64,
    monotonic: Duration,
}

impl FakeTime {
    fn at(date: i64) -> Self {
        let time = FakeTime::default();
        time.set().date = date;
        time
    }

    fn set(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap()
    }

    /// Both clocks run.
    fn pass(&self, time: Duration) {
        let mut times = self.set();
        let whole = |time: Duration| time.as_micros() as i64 / 1000;
        times.date += whole(times.monotonic + time) - whole(times.monotonic);
        times.monotonic += time;
    }

    /// Somebody sets the date, or the machine slept without its stopwatch.
    fn jump(&self, millis: i64) {
        self.set().date += millis;
    }
}

impl TimeSource for FakeTime {
    fn date(&self) -> Option<UnixMillis> {
        u64::try_from(self.set().date).ok().map(UnixMillis)
    }

    fn monotonic(&self) -> Duration {
        self.set().monotonic
    }
}

/// A chain of blocks whose bodies nobody looks into, with difficulty that adapts.
struct Recorder {
    miner: Miner,
    clock: ChainClock,
    difficulty: Difficulty,
    /// What a verifier adds up.
    mining: MiningClock,
    height: u32,
    last: Option<BlockStart>,
}

/// A block that was mined.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// The expected number of hashes for its target.
    work: f64,
    hashes: u64,
    times: BlockStart,
}

impl Recorder {
    fn new(miner: Miner, clock: ChainClock, zero_bits: u32) -> Self {
        Recorder {
            miner,
            clock,
            difficulty: Difficulty {
                policy: Policy::Asert(Asert {
                    reference: bits(zero_bits),
                    spacing: Millis(SPACING),
                    half_life: Millis(HALF_LIFE),
                }),
                floor: bits(2),
                final_bits: bits(zero_bits),
            },
            mining: MiningClock {
                spent: 0,
                blocks: 0,
            },
            height: 0,
            last: None,
        }
    }

    /// Mines the next block, as the recorder of a training does.
    fn mine(&mut self) -> Block {
        let times = self.clock.start();
        let mut target = self.difficulty.of_genesis();
        if let Some(last) = self.last {
            // Rule 8, and what rule 11 follows from.
            assert!(last.start <= times.parent_found && times.parent_found <= times.start);
            self.mining.spent += u128::from(times.parent_found.0 - last.start.0);
            self.mining.blocks = self.height - 1;
            target = self.difficulty.required(self.mining, false).unwrap();
        }
        // Rule 9.
        assert_eq!(u64::from(times.header.0), times.start.0 / 1000);
        let template = Template {
            height: Height::new(self.height).unwrap(),
            prev: BlockHash::ZERO,
            time: times.header,
            bits: target,
            commitment: BodyCommitment([0; 32]),
        };
        let mined = self.miner.mine(&template, &CancelToken::new()).unwrap();
        self.clock.found(times, mined.time());
        self.last = Some(times);
        self.height += 1;
        Block {
            work: work(target),
            hashes: mined.hashes(),
            times,
        }
    }

    fn mine_many(&mut self, blocks: usize) -> Vec<Block> {
        (0..blocks).map(|_| self.mine()).collect()
    }
}

fn work(bits: CompactTarget) -> f64 {
    let target: Target = bits.decode().unwrap();
    target.work().saturating_u128() as f64
}

/// The geometric mean of the blocks' work: the difficulty that they were mined at.
fn difficulty(blocks: &[Block]) -> f64 {
    let logs: f64 = blocks.iter().map(|block| block.work.log2()).sum();
    (logs / blocks.len() as f64).exp2()
}
