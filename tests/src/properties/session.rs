//! One chain through the verifier and the rules as the document has them.

use super::memory::metered;
use super::rules::{Good, judge};
use pow_core::body::BodyKind;
use pow_core::chain::{ChainVerifier, Violation, block_leaf};
use pow_core::hash::BlockHash;
use pow_core::merkle;
use pow_core::target::Work;

/// A verifier and its double.
pub(super) struct Session {
    pub(super) verifier: ChainVerifier,
    double: Vec<Good>,
    /// Block and body of what was accepted.
    accepted: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Session {
    pub(super) fn new() -> Self {
        Session {
            verifier: ChainVerifier::new(None),
            double: Vec::new(),
            accepted: Vec::new(),
        }
    }

    /// Both judge a block: they must agree, and the rule that the verifier
    /// names must be among those that are broken.
    pub(super) fn push(&mut self, block: &[u8], body: &[u8]) {
        let broken = judge(&mut self.double, block, body);
        let before = self.verifier.clone();
        let len = block.len() + body.len();
        match metered(len, || self.verifier.push(block, body)) {
            Ok(verified) => {
                assert!(
                    broken.is_empty(),
                    "accepted, yet rules {broken:?} are broken"
                );
                assert_eq!(verified.body().to_bytes(), body);
                assert_eq!(verified.header().to_bytes(), block[..80]);
                self.accepted.push((block.to_vec(), body.to_vec()));
                self.compare_chain();
            }
            Err(error) => {
                let rule = error.violation.rule();
                assert!(broken.contains(&rule), "{error}; broken are {broken:?}");
                assert_eq!(error.height as usize, self.accepted.len());
                // Nothing of the refused block stays behind.
                assert_eq!(state(&self.verifier), state(&before));
            }
        }
    }

    fn compare_chain(&self) {
        let chain = self.verifier.chain().unwrap();
        assert_eq!(chain.height().get() as usize + 1, self.accepted.len());
        let leaves = self
            .double
            .iter()
            .map(|good| block_leaf(BlockHash(good.hash)));
        assert_eq!(self.verifier.previous_blocks(), merkle::root(leaves));
        let last = self.double.last().unwrap();
        assert_eq!(chain.head_hash().0, last.hash);
        assert_eq!(chain.last_start(), last.body.common.start);
        let ended = match last.body.kind {
            BodyKind::Final(end) => Some(end),
            _ => None,
        };
        assert_eq!(chain.end(), ended.as_ref());
    }

    /// A verifier with the chain's genesis as its pin accepts again what was
    /// accepted. A verifier with another pin does not.
    pub(super) fn finish(self) {
        let Some(chain) = self.verifier.chain() else {
            return;
        };
        let mut pinned = ChainVerifier::new(Some(chain.genesis_hash()));
        let mut work = Work::ZERO;
        for (block, body) in &self.accepted {
            work = work.plus(pinned.push(block, body).unwrap().work());
        }
        assert_eq!(chain.work(), work);
        assert_eq!(
            format!("{:?}", pinned.chain()),
            format!("{:?}", Some(chain))
        );

        let (block, body) = &self.accepted[0];
        let mut other = ChainVerifier::new(Some(BlockHash::ZERO));
        let error = other.push(block, body).unwrap_err();
        assert!(matches!(error.violation, Violation::Pinned { .. }));
    }
}

/// All of a verifier except the last target that it decoded. It keeps that
/// target to save time; no answer depends on it.
fn state(verifier: &ChainVerifier) -> String {
    let text = format!("{verifier:?}");
    let (state, _) = text.rsplit_once(", targets: ").expect("the last field");
    state.into()
}
