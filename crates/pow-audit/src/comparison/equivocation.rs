//! Keys that stand for two chains of one run.

use super::chains::BlocksAt;
use crate::signature::{SignerKey, Statement, StoredSignatures};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use serde::Serialize;

/// Two heads of one run, signed by one key, of which none extends the other.
#[derive(Clone, Debug, Serialize)]
pub struct Equivocation {
    /// The fingerprint of an SSH key, or the number of a minisign key.
    pub key: String,
    /// The head with the smaller height.
    pub first: SignedHead,
    /// The other head.
    pub second: SignedHead,
}

/// A head that somebody signed.
#[derive(Clone, Debug, Serialize)]
pub struct SignedHead {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: String,
    /// The run in which the signature lies: `A` or `B`.
    pub run: &'static str,
    /// The signature's path there.
    pub file: String,
}

/// A head in one of the runs, with a signature that is right.
#[derive(Clone, Debug)]
pub(super) struct FoundHead {
    key: SignerKey,
    genesis: BlockHash,
    pub(super) height: Height,
    hash: BlockHash,
    run: &'static str,
    file: String,
}

/// The heads of both runs whose signatures are right, in the order of their heights. A
/// signature that is not right says nothing about its key.
pub(super) fn signed_heads(stored: &[StoredSignatures; 2], keys: &[SignerKey]) -> Vec<FoundHead> {
    let mut heads = Vec::new();
    for (run, stored) in ["A", "B"].into_iter().zip(stored) {
        for signature in &stored.signatures {
            let Ok((made, statement)) = &signature.read else {
                continue;
            };
            let Statement::Head {
                genesis,
                height,
                hash,
            } = *statement
            else {
                continue;
            };
            let named = keys.iter().find(|key| made.claims(key)).cloned();
            let Some(key) = named.or_else(|| made.key()) else {
                continue;
            };
            if made.check(&key, statement).is_ok() {
                heads.push(FoundHead {
                    key,
                    genesis,
                    height,
                    hash,
                    run,
                    file: signature.file.path().display().to_string(),
                });
            }
        }
    }
    heads.sort_by_key(|head| head.height);
    heads
}

/// The first equivocation of each key. `blocks` are those of both chains.
pub(super) fn find(heads: &[FoundHead], blocks: &[BlocksAt; 2]) -> Vec<Equivocation> {
    let mut found: Vec<(&SignerKey, Equivocation)> = Vec::new();
    for (index, second) in heads.iter().enumerate() {
        if found.iter().any(|(key, _)| **key == second.key) {
            continue;
        }
        let mut earlier = heads[..index].iter();
        if let Some(first) = earlier.find(|first| contradict(first, second, blocks)) {
            let equivocation = Equivocation {
                key: second.key.to_string(),
                first: first.named(),
                second: second.named(),
            };
            found.push((&second.key, equivocation));
        }
    }
    found
        .into_iter()
        .map(|(_, equivocation)| equivocation)
        .collect()
}

/// Whether one key signed both, and neither extends the other. `first` has the smaller
/// height. A block commits to all before it, so a chain with `second` shows which block it
/// has at the height of `first`.
fn contradict(first: &FoundHead, second: &FoundHead, blocks: &[BlocksAt; 2]) -> bool {
    if first.key != second.key || first.genesis != second.genesis {
        return false;
    }
    if first.height == second.height {
        return first.hash != second.hash;
    }
    blocks.iter().any(|chain| {
        let has_second = chain.get(&second.height) == Some(&second.hash);
        let other = chain
            .get(&first.height)
            .is_some_and(|hash| *hash != first.hash);
        has_second && other
    })
}

impl FoundHead {
    fn named(&self) -> SignedHead {
        SignedHead {
            height: self.height.get(),
            hash: self.hash.to_string(),
            run: self.run,
            file: self.file.clone(),
        }
    }
}
