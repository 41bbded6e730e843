//! Chains and blocks that hold every rule.

use crate::body::{Body, Common, Entry, Final, Genesis, UnixMillis};
use crate::coinbase::Height;
use crate::difficulty::{DifficultyError, MiningClock};
use crate::hash::BlockHash;
use crate::header::Header;
use crate::target::{CompactTarget, Work};

/// A chain whose blocks hold every rule. It may be unfinished: see
/// [`VerifiedChain::end`].
///
/// Only a [`ChainVerifier`](super::ChainVerifier) makes this value. Nobody can
/// make it from unchecked blocks, or change it afterwards:
///
/// ```
/// # use pow_core::chain::{ChainVerifier, VerifiedChain};
/// # fn work(block: &[u8], body: &[u8]) -> Option<()> {
/// let mut verifier = ChainVerifier::new(None);
/// verifier.push(block, body).ok()?;
/// let chain: &VerifiedChain = verifier.chain()?;
/// let work = chain.work();
/// # Some(())
/// # }
/// ```
///
/// ```compile_fail,E0616
/// # use pow_core::chain::VerifiedChain;
/// fn forged(mut chain: VerifiedChain) -> VerifiedChain {
///     chain.end = None;
///     chain
/// }
/// ```
///
/// ```compile_fail,E0451
/// # use pow_core::chain::VerifiedChain;
/// fn forged(chain: VerifiedChain) -> VerifiedChain {
///     VerifiedChain { end: None, ..chain }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    pub(super) genesis_hash: BlockHash,
    pub(super) genesis: Genesis,
    pub(super) started: UnixMillis,
    pub(super) head: Header,
    pub(super) head_hash: BlockHash,
    pub(super) common: Common,
    /// Mining time of all blocks before the last one, in milliseconds.
    pub(super) mined: u128,
    pub(super) work: Work,
    pub(super) last_entry: Option<Entry>,
    pub(super) end: Option<Final>,
}

/// A block that holds every rule at its place in its chain. Only
/// [`ChainVerifier::push`](super::ChainVerifier::push) makes this value.
#[derive(Clone, Debug)]
pub struct VerifiedBlock {
    pub(super) hash: BlockHash,
    pub(super) header: Header,
    pub(super) body: Body,
    pub(super) work: Work,
}

impl VerifiedChain {
    /// Hash of the genesis block. It identifies the chain.
    pub fn genesis_hash(&self) -> BlockHash {
        self.genesis_hash
    }

    /// What genesis declares.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// When mining of the genesis block started, by the recorder's clock.
    pub fn started(&self) -> UnixMillis {
        self.started
    }

    /// Header of the last block.
    pub fn head(&self) -> &Header {
        &self.head
    }

    /// Hash of the last block.
    pub fn head_hash(&self) -> BlockHash {
        self.head_hash
    }

    /// Height of the last block. It is one less than the number of blocks.
    pub fn height(&self) -> Height {
        self.common.height
    }

    /// When mining of the last block started.
    pub fn last_start(&self) -> UnixMillis {
        self.common.start
    }

    /// The target that the next block must have, if the last block of this
    /// chain was found at `found`. The next block's body must contain the same
    /// time.
    ///
    /// # Errors
    ///
    /// Never for a verified chain, because genesis with a malformed target
    /// breaks a rule.
    pub fn required(
        &self,
        found: UnixMillis,
        is_final: bool,
    ) -> Result<CompactTarget, DifficultyError> {
        let clock = MiningClock {
            spent: self.mined_until(found),
            blocks: self.common.height.get(),
        };
        Ok(self.genesis.difficulty.required(clock, is_final)?)
    }

    /// Mining time of all blocks, if the last block was found at `found`. In
    /// milliseconds.
    pub(super) fn mined_until(&self, found: UnixMillis) -> u128 {
        // There are fewer than 2^31 blocks, of less than 2^64 ms each.
        self.mined + u128::from(found.0.saturating_sub(self.common.start.0))
    }

    /// The expected number of hashes for all blocks.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The last committed entry, if any.
    pub fn last_entry(&self) -> Option<&Entry> {
        self.last_entry.as_ref()
    }

    /// How the run ended. `None` if the chain is unfinished, or if its end was
    /// cut off.
    pub fn end(&self) -> Option<&Final> {
        self.end.as_ref()
    }
}

impl VerifiedBlock {
    /// The block's hash.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// The block's header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The block's body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The expected number of hashes for this block.
    pub fn work(&self) -> Work {
        self.work
    }
}
