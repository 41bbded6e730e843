//! Keys that stand for two chains of one run.

use super::ComparisonError;
use super::chains::BlocksAt;
use crate::display::printable;
use crate::signature::{SignerKey, Statement, StoredSignature, StoredSignatures};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use serde::Serialize;
use std::fmt;

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

impl fmt::Display for Equivocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "EQUIVOCATION by {}", printable(&self.key))?;
        for head in [&self.first, &self.second] {
            writeln!(f, "  signed block {} {}", head.height, head.hash)?;
            let place = head.run.map_or(String::new(), |run| format!("in {run}: "));
            writeln!(f, "     {place}{}", printable(&head.file))?;
        }
        Ok(())
    }
}

/// A head that somebody signed.
#[derive(Clone, Debug, Serialize)]
pub struct SignedHead {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: String,
    /// The run in which the signature lies: `A` or `B`. Absent if it lies in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<&'static str>,
    /// The signature's path there, or its name.
    pub file: String,
}

/// A head in one of the runs, with a signature that is right.
#[derive(Clone, Debug)]
pub(super) struct FoundHead {
    key: SignerKey,
    pub(super) genesis: BlockHash,
    pub(super) height: Height,
    pub(super) hash: BlockHash,
    run: Option<&'static str>,
    pub(super) file: String,
}

/// The heads of runs whose signatures are right, in the order of their heights, and why
/// others say nothing. A signature that is not right says nothing about its key.
pub(super) fn signed_heads(
    stored: &[StoredSignatures],
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
                    run: Some(run),
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

/// The first equivocation of each key. `heads` are in the order of their heights, and `blocks`
/// are those of the chains at hand.
pub(super) fn find(heads: &[FoundHead], blocks: &[BlocksAt]) -> Vec<Equivocation> {
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
/// height.
fn contradict(first: &FoundHead, second: &FoundHead, blocks: &[BlocksAt]) -> bool {
    first.key == second.key && first.genesis == second.genesis && part(first, second, blocks)
}

/// Whether two heads of one run are known to be of two chains. `first` has the smaller height.
/// A block commits to all before it, so a chain with `second` shows which block it has at the
/// height of `first`.
pub(super) fn part(first: &FoundHead, second: &FoundHead, blocks: &[BlocksAt]) -> bool {
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
    /// A signed head that lies in no run.
    pub(super) fn loose(
        name: String,
        signature: &StoredSignature,
        keys: &[SignerKey],
    ) -> Result<Self, ComparisonError> {
        match signed_head(signature, keys) {
            Ok(Some((key, genesis, height, hash))) => Ok(FoundHead {
                key,
                genesis,
                height,
                hash,
                run: None,
                file: name,
            }),
            Ok(None) => Err(ComparisonError::Head {
                name,
                why: "its statement is not about a head".into(),
            }),
            Err(why) => Err(ComparisonError::Head { name, why }),
        }
    }

    fn named(&self) -> SignedHead {
        SignedHead {
            height: self.height.get(),
            hash: self.hash.to_string(),
            run: self.run,
            file: self.file.clone(),
        }
    }
}
