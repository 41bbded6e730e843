//! Makes blocks that an honest writer never makes, and mines them.

use pow_core::block::Template;
use pow_core::body::{
    Body, BodyKind, Common, Ending, Entry, Final, Genesis, StepNumber, UnixMillis,
};
use pow_core::chain::{ChainError, ChainVerifier, VerifiedChain};
use pow_core::coinbase::{Coinbase, ExtraNonce, Height};
use pow_core::difficulty::Difficulty;
use pow_core::hash::{BlockHash, ParameterRoot, RestRoot};
use pow_core::header::{Header, HeaderTime};
use pow_core::state::state_root;
use pow_core::target::{CompactTarget, MAX_TARGET};
use pow_tests::fixture::{bare_genesis, nonce};

/// A chain that grows block by block.
pub struct Forge {
    verifier: ChainVerifier,
}

/// How a block differs from what it should be.
#[derive(Clone, Copy)]
pub struct Edit {
    /// Before the coinbase commits to the body.
    pub common: fn(&mut Common),
    /// Before the header takes in its id.
    pub coinbase: fn(&mut Coinbase),
    /// Last, before it is mined.
    pub header: fn(&mut Header),
    /// Whether the nonce meets the target, or just does not.
    pub mined: bool,
}

impl Default for Edit {
    fn default() -> Self {
        Edit {
            common: |_| {},
            coinbase: |_| {},
            header: |_| {},
            mined: true,
        }
    }
}

impl Forge {
    pub fn new(pinned: Option<BlockHash>) -> Self {
        Forge {
            verifier: ChainVerifier::new(pinned),
        }
    }

    /// The chain so far.
    pub fn chain(&self) -> &VerifiedChain {
        self.verifier.chain().unwrap()
    }

    /// The hash of the genesis block.
    pub fn genesis_hash(&self) -> BlockHash {
        self.chain().genesis_hash()
    }

    /// Makes, edits and mines the next block, and pushes it.
    pub fn push(&mut self, kind: BodyKind, edit: Edit) -> Result<(), ChainError> {
        let (height, prev) = match self.verifier.chain() {
            Some(chain) => (chain.height().next().unwrap(), chain.head_hash()),
            None => (Height::GENESIS, BlockHash::ZERO),
        };
        let start = UnixMillis(1_700_000_000_000 + 10_000 * u64::from(height.get()));
        let mut body = Body {
            common: Common {
                height,
                start,
                parent_found: start,
                previous_blocks: self.verifier.previous_blocks(),
            },
            kind,
        };
        (edit.common)(&mut body.common);
        let template = Template {
            height,
            prev,
            time: HeaderTime((start.0 / 1000) as u32),
            bits: MAX_TARGET,
            commitment: body.commitment(),
        };
        let mut block = template.block(ExtraNonce::default());
        (edit.coinbase)(&mut block.coinbase);
        block.header.tx_root = block.coinbase.txid();
        (edit.header)(&mut block.header);
        block.header.nonce = nonce(block.header, edit.mined);
        self.verifier
            .push(&block.to_bytes(), &body.to_bytes())
            .map(|_| ())
    }
}

/// A genesis that plans four steps and a checkpoint at every second.
pub fn genesis() -> Genesis {
    let root = entry(0).state_root().unwrap();
    let mut genesis = bare_genesis("rules", root, Difficulty::fixed(MAX_TARGET));
    genesis.schedule.planned = Some(4);
    genesis.schedule.checkpoint_every = 2;
    genesis
}

/// The entry of a step, with a checkpoint at every second.
pub fn entry(step: u64) -> Entry {
    Entry {
        step: StepNumber(step),
        parameters: ParameterRoot([step as u8; 32]),
        batch: None,
        loss: None,
        learning_rate: (step > 0).then_some(0),
        rest: step.is_multiple_of(2).then_some(RestRoot([0xee; 32])),
    }
}

/// The end after a step.
pub fn end(step: u64) -> Final {
    let last = entry(step);
    Final {
        steps: last.step,
        ending: Ending::Stopped,
        state: last.rest.map(|rest| state_root(last.parameters, rest)),
        artifact: last.parameters,
    }
}

pub fn steps(entries: impl IntoIterator<Item = u64>) -> BodyKind {
    BodyKind::Steps(entries.into_iter().map(entry).collect())
}

/// Half of the easiest target: a harder one.
pub const HARDER: CompactTarget = CompactTarget(0x203f_ffff);
