//! The verifier: it checks the rules block by block.

use super::decoded::{DecodedBlock, coinbase, header};
use super::entries::EntryRules;
use super::target_cache::TargetCache;
use super::{ChainError, VerifiedBlock, VerifiedChain, Violation};
use crate::body::{Body, BodyKind, Common, Genesis, Mode};
use crate::difficulty::DifficultyError;
use crate::hash::{BlockHash, Tag, TreeRoot, TxRoot, sha256d, sha256d_header};
use crate::header::Header;
use crate::merkle::Frontier;
use crate::target::Work;

/// How many seconds (inclusive) a header's time may be after the body's start.
/// Stratum miners change the header's time.
pub const HEADER_TIME_WINDOW: u64 = 7200;

/// The leaf of a block in the tree over previous blocks.
pub fn block_leaf(hash: BlockHash) -> [u8; 32] {
    Tag::BlockHash.hash(&hash.0)
}

/// Checks a chain block by block.
///
/// ```
/// use pow_core::chain::ChainVerifier;
/// let mut verifier = ChainVerifier::new(None);
/// let error = verifier.push(b"not a block", b"").unwrap_err();
/// assert_eq!(error.height, 0);
/// ```
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    pinned: Option<BlockHash>,
    chain: Option<VerifiedChain>,
    rules: Option<EntryRules>,
    pub(super) previous_blocks: Frontier,
    targets: TargetCache,
}

impl ChainVerifier {
    /// A verifier before the first block. If `pinned` is given, the genesis
    /// block must have this hash. Without it, nobody can tell the original
    /// chain from one that was built again from scratch.
    pub fn new(pinned: Option<BlockHash>) -> Self {
        ChainVerifier {
            pinned,
            chain: None,
            rules: None,
            previous_blocks: Frontier::new(),
            targets: TargetCache::default(),
        }
    }

    /// Checks the next block and its body, and appends them to the chain. An
    /// error leaves the verifier unchanged.
    ///
    /// # Errors
    ///
    /// [`ChainError`], with the height and the first broken rule.
    pub fn push(&mut self, block: &[u8], body: &[u8]) -> Result<VerifiedBlock, ChainError> {
        let hash = BlockHash(sha256d_header(&header(block)));
        let txid = TxRoot(sha256d(coinbase(block)));
        let height = self.next_height();
        let block = DecodedBlock::read(block, body, (hash, txid))
            .and_then(|decoded| self.check(decoded, self.previous_blocks()))
            .map_err(|violation| ChainError { height, violation })?;
        self.previous_blocks.push(block_leaf(block.hash));
        Ok(block)
    }

    /// The chain so far. `None` before the first block.
    pub fn chain(&self) -> Option<&VerifiedChain> {
        self.chain.as_ref()
    }

    /// Root of the tree over all block hashes so far. The next body must
    /// contain it.
    pub fn previous_blocks(&self) -> TreeRoot {
        self.previous_blocks.root()
    }

    pub(super) fn next_height(&self) -> u32 {
        match &self.chain {
            // A chain has fewer than 2^31 blocks (rule 7), so this does not
            // wrap.
            Some(chain) => chain.common.height.get() + 1,
            None => 0,
        }
    }

    /// Checks all rules but the first, and appends the block. `previous_blocks`
    /// is the root that the body must contain. The caller appends the block's
    /// hash to the tree.
    pub(super) fn check(
        &mut self,
        decoded: DecodedBlock,
        previous_blocks: TreeRoot,
    ) -> Result<VerifiedBlock, Violation> {
        self.check_header(&decoded)?;
        self.check_commitments(&decoded, previous_blocks)?;
        self.check_time(&decoded.block.header, &decoded.body.common)?;
        let rules = self.check_kind(&decoded.body)?;
        let work = self.check_work(&decoded)?;
        Ok(self.accept(decoded, work, rules))
    }

    /// Rules 2 to 4.
    fn check_header(&self, decoded: &DecodedBlock) -> Result<(), Violation> {
        let header = &decoded.block.header;
        if !header.version.is_allowed() {
            return Err(Violation::Version(header.version.0));
        }
        let expected = self.chain.as_ref().map_or(BlockHash::ZERO, |c| c.head_hash);
        if header.prev != expected {
            return Err(Violation::Link {
                found: header.prev,
                expected,
            });
        }
        if header.tx_root != decoded.txid {
            return Err(Violation::TxRoot {
                found: header.tx_root,
                expected: decoded.txid,
            });
        }
        Ok(())
    }

    /// Rules 5 to 7.
    fn check_commitments(
        &self,
        decoded: &DecodedBlock,
        previous_blocks: TreeRoot,
    ) -> Result<(), Violation> {
        let coinbase = &decoded.block.coinbase;
        let common = &decoded.body.common;
        if coinbase.commitment != decoded.commitment {
            return Err(Violation::Commitment {
                found: coinbase.commitment,
                expected: decoded.commitment,
            });
        }
        if common.previous_blocks != previous_blocks {
            return Err(Violation::PreviousBlocks {
                found: common.previous_blocks,
                expected: previous_blocks,
            });
        }
        let expected = self.next_height();
        for found in [coinbase.height, common.height] {
            if found.get() != expected {
                return Err(Violation::Height {
                    found: found.get(),
                    expected,
                });
            }
        }
        Ok(())
    }

    /// Rules 8 and 9.
    fn check_time(&self, header: &Header, common: &Common) -> Result<(), Violation> {
        let earliest_found = match &self.chain {
            Some(chain) => chain.common.start,
            None => common.start,
        };
        if common.parent_found < earliest_found || common.start < common.parent_found {
            return Err(Violation::Clock {
                parent_start: earliest_found,
                parent_found: common.parent_found,
                start: common.start,
            });
        }
        let seconds = common.start.0 / 1000;
        let window = seconds..=seconds.saturating_add(HEADER_TIME_WINDOW);
        if !window.contains(&u64::from(header.time.0)) {
            return Err(Violation::HeaderTime {
                found: header.time.0,
                start: common.start,
            });
        }
        Ok(())
    }

    /// Rules 10 and 12 to 19: order of kinds, entries, ending. Returns the
    /// entry rules after this body.
    fn check_kind(&self, body: &Body) -> Result<EntryRules, Violation> {
        if self.chain.as_ref().is_some_and(|chain| chain.end.is_some()) {
            return Err(Violation::AfterFinal);
        }
        match (&self.rules, &body.kind) {
            (None, BodyKind::Genesis(genesis)) => {
                genesis.difficulty.check()?;
                if genesis.mode == Mode::Gate && genesis.schedule.commit_every != 1 {
                    return Err(Violation::GateInterval(genesis.schedule.commit_every));
                }
                Ok(EntryRules::new(genesis))
            }
            (None, _) | (Some(_), BodyKind::Genesis(_)) => {
                Err(Violation::KindOrder(body.kind.name()))
            }
            (Some(rules), BodyKind::Steps(entries)) => rules.after_block(entries),
            (Some(rules), BodyKind::Final(end)) => {
                rules.check_final(end)?;
                Ok(rules.clone())
            }
        }
    }

    /// Rules 11 and 20: the block has the target that genesis demands and meets
    /// it, and genesis is the pinned one.
    fn check_work(&mut self, decoded: &DecodedBlock) -> Result<Work, Violation> {
        let (header, body, hash) = (&decoded.block.header, &decoded.body, decoded.hash);
        let expected = match (&self.chain, &body.kind) {
            (Some(chain), kind) => {
                let is_final = matches!(kind, BodyKind::Final(_));
                chain.required(body.common.parent_found, is_final)?
            }
            (None, BodyKind::Genesis(genesis)) => genesis.difficulty.of_genesis(),
            (None, _) => return Err(Violation::KindOrder(body.kind.name())),
        };
        if header.bits != expected {
            return Err(Violation::Bits {
                found: header.bits,
                expected,
            });
        }
        let (target, work) = self.targets.get(expected).map_err(DifficultyError::from)?;
        if !target.is_met_by(hash) {
            return Err(Violation::Work {
                hash,
                bits: expected,
            });
        }
        match self.pinned {
            Some(expected) if self.chain.is_none() && hash != expected => Err(Violation::Pinned {
                found: hash,
                expected,
            }),
            _ => Ok(work),
        }
    }

    fn accept(&mut self, decoded: DecodedBlock, work: Work, rules: EntryRules) -> VerifiedBlock {
        let (header, body, hash) = (decoded.block.header, decoded.body, decoded.hash);
        match (&mut self.chain, &body.kind) {
            (Some(chain), kind) => {
                chain.mined = chain.mined_until(body.common.parent_found);
                chain.head = header;
                chain.head_hash = hash;
                chain.common = body.common;
                chain.work = chain.work.plus(work);
                chain.last_entry = rules.last().copied();
                if let BodyKind::Final(end) = kind {
                    chain.end = Some(*end);
                }
            }
            (chain, BodyKind::Genesis(genesis)) => {
                *chain = Some(VerifiedChain {
                    genesis_hash: hash,
                    genesis: Genesis::clone(genesis),
                    started: body.common.start,
                    head: header,
                    head_hash: hash,
                    common: body.common,
                    mined: 0,
                    work,
                    last_entry: None,
                    end: None,
                });
            }
            // `check_kind` accepts no other first block.
            (None, _) => {}
        }
        self.rules = Some(rules);
        VerifiedBlock {
            hash,
            header,
            body,
            work,
        }
    }
}
