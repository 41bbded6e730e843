//! Keys that stand for two chains of one run.

use super::chains::BlocksAt;
use crate::signature::{SignerKey, Statement, StoredSignature, StoredSignatures};
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

/// The heads of both runs whose signatures are right, in the order of their heights, and why
/// others say nothing. A signature that is not right says nothing about its key.
pub(super) fn signed_heads(
    stored: &[StoredSignatures; 2],
    keys: &[SignerKey],
) -> (Vec<FoundHead>, Vec<String>) {
    let (mut heads, mut unused) = (Vec::new(), Vec::new());
    for (run, stored) in ["A", "B"].into_iter().zip(stored) {
        for signature in &stored.signatures {
            let file = signature.file.path().display().to_string();
            match signed_head(signature, keys) {
                Ok(Some((key, genesis, height, hash))) => heads.push(FoundHead {
                    key,
                    genesis,
                    height,
                    hash,
                    run,
                    file,
                }),
                Ok(None) => {}
                Err(why) => unused.push(format!("in {run}, {file}: {why}")),
            }
        }
        unused.extend(stored.not_read.iter().map(|why| format!("in {run}: {why}")));
    }
    heads.sort_by_key(|head| head.height);
    (heads, unused)
}

type Head = (SignerKey, BlockHash, Height, BlockHash);

/// The key and the head of a signature. `None` if it is over something else than a head.
fn signed_head(signature: &StoredSignature, keys: &[SignerKey]) -> Result<Option<Head>, String> {
    let (made, statement) = signature
        .read
        .as_ref()
        .map_err(|fault| fault.words.clone())?;
    let Statement::Head {
        genesis,
        height,
        hash,
    } = *statement
    else {
        return Ok(None);
    };
    let named = keys.iter().find(|key| made.claims(key)).cloned();
    let Some(key) = named.or_else(|| made.key()) else {
        let by = made.made_by();
        return Err(format!("by {by}, whose public key was not given (--key)"));
    };
    let checked = made.check(&key, statement);
    checked.map_err(|error| error.to_string())?;
    Ok(Some((key, genesis, height, hash)))
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
