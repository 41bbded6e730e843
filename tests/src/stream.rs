//! A long chain, made block by block and kept nowhere.

use crate::fixture::{BEGAN, bare_genesis, mine};
use crate::model::mix;
use pow_core::block::Template;
use pow_core::body::{
    Body, BodyKind, Common, Ending, Entry, Final, Genesis, Mode, StepNumber, UnixMillis,
};
use pow_core::chain::block_leaf;
use pow_core::coinbase::Height;
use pow_core::difficulty::{Asert, Difficulty, Millis, MiningClock, Policy};
use pow_core::hash::{BatchDigest, BlockHash, ParameterRoot, RestRoot};
use pow_core::header::HeaderTime;
use pow_core::merkle::Frontier;
use pow_core::target::{CompactTarget, MAX_TARGET};

/// Mining time that a block should take, in milliseconds.
const SPACING: u64 = 1000;

/// What came out of the stream: a serialised block and its body.
pub type BlockAndBody = (Vec<u8>, Vec<u8>);

/// Valid blocks without an end: genesis, then one committed step in each. The
/// target follows the mining clock, near the easiest there is: the time that a
/// block takes grows with its work, as a miner's does.
pub struct Stream {
    difficulty: Difficulty,
    previous_blocks: Frontier,
    prev: BlockHash,
    /// When the next block's mining begins.
    start: UnixMillis,
    /// When the block before it was found.
    found: UnixMillis,
    /// Mining time of all blocks so far.
    spent: u64,
    last: Entry,
}

impl Default for Stream {
    fn default() -> Self {
        Stream {
            difficulty: Difficulty {
                policy: Policy::Asert(Asert {
                    reference: MAX_TARGET,
                    spacing: Millis(SPACING),
                    half_life: Millis(60 * SPACING),
                }),
                floor: MAX_TARGET,
                final_bits: MAX_TARGET,
            },
            previous_blocks: Frontier::new(),
            prev: BlockHash::ZERO,
            start: BEGAN,
            found: BEGAN,
            spent: 0,
            last: entry(0),
        }
    }
}

impl Stream {
    /// The final block, after at least genesis and one step.
    pub fn finish(mut self) -> BlockAndBody {
        let end = Final {
            steps: self.last.step,
            ending: Ending::Completed,
            state: self.last.state_root(),
            artifact: self.last.parameters,
        };
        self.seal(BodyKind::Final(end))
    }

    fn seal(&mut self, kind: BodyKind) -> BlockAndBody {
        let height = Height::new(self.previous_blocks.count() as u32).unwrap();
        let body = Body {
            common: Common {
                height,
                start: self.start,
                parent_found: self.found,
                previous_blocks: self.previous_blocks.root(),
            },
            kind,
        };
        let bits = self.bits(height, matches!(body.kind, BodyKind::Final(_)));
        let block = mine(&Template {
            height,
            prev: self.prev,
            time: HeaderTime((self.start.0 / 1000) as u32),
            bits,
            commitment: body.commitment(),
        });
        self.prev = block.header.hash();
        self.previous_blocks.push(block_leaf(self.prev));

        let took = mining_time(height, bits);
        self.spent += took;
        self.found = UnixMillis(self.start.0 + took);
        // Now and then the miner waits for the training.
        let idle = mix(u64::from(height.get())) % 3;
        self.start = UnixMillis(self.found.0 + idle);
        (block.to_bytes(), body.to_bytes())
    }

    fn bits(&self, height: Height, is_final: bool) -> CompactTarget {
        match height.get().checked_sub(1) {
            None => self.difficulty.of_genesis(),
            Some(blocks) => {
                let clock = MiningClock {
                    spent: self.spent.into(),
                    blocks,
                };
                self.difficulty.required(clock, is_final).unwrap()
            }
        }
    }

    fn genesis(&self) -> Genesis {
        let mut genesis = bare_genesis("stream", entry(0).state_root().unwrap(), self.difficulty);
        genesis.initial.regenerable = false;
        genesis.mode = Mode::Gate;
        genesis
    }
}

impl Iterator for Stream {
    type Item = BlockAndBody;

    fn next(&mut self) -> Option<BlockAndBody> {
        let kind = match self.previous_blocks.count() {
            0 => BodyKind::Genesis(Box::new(self.genesis())),
            height => {
                self.last = entry(height - 1);
                BodyKind::Steps(vec![self.last])
            }
        };
        Some(self.seal(kind))
    }
}

fn entry(step: u64) -> Entry {
    let mut parameters = [0; 32];
    parameters[..8].copy_from_slice(&mix(step).to_le_bytes());
    Entry {
        step: StepNumber(step),
        parameters: ParameterRoot(parameters),
        batch: (step > 0).then_some(BatchDigest([0xba; 32])),
        loss: (step > 0).then_some(1.0f64.to_bits()),
        learning_rate: (step > 0).then_some(0.5f64.to_bits()),
        rest: (step == 0).then_some(RestRoot([0xee; 32])),
    }
}

/// What a hash takes of the mining clock, in milliseconds: the easiest target's
/// two would be faster than the spacing, so the target settles a little above.
const HASH: u64 = 300;

/// Between nothing and twice what the target asks for.
fn mining_time(height: Height, bits: CompactTarget) -> u64 {
    let hashes = bits.decode().unwrap().work().saturating_u128() as u64;
    mix(!u64::from(height.get())) % (2 * HASH * hashes)
}
