//! SIGNATURE: which of the named keys stand for this chain, and up to which block.

use crate::display::counted;
use crate::options::AuditOptions;
use crate::report::signature::{NamedKeyReport, SignatureReport, SignatureState, SignaturesReport};
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::signature::{
    CheckError, Signature, SignatureFault, SignerKey, Statement, StoredSignature, StoredSignatures,
};
use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use std::collections::BTreeMap;

/// Reads the signatures, and finds the blocks that they cover.
#[derive(Debug)]
pub(crate) struct SignatureCheck {
    stored: StoredSignatures,
    /// The blocks of this chain at the heights that statements name.
    blocks: BTreeMap<Height, Option<BlockHash>>,
}

/// The chain that is signed.
pub(crate) struct SignedChain {
    /// The hash of its genesis block.
    pub(crate) genesis: BlockHash,
    /// The height of the last good block.
    pub(crate) head: Height,
    /// Whether it breaks behind the last good block.
    pub(crate) breaks: bool,
    /// Whether only some of its blocks are at hand.
    pub(crate) has_gaps: bool,
}

/// The keys that the verifier named.
#[derive(Clone, Copy)]
pub(crate) struct NamedKeys<'a> {
    pub(crate) signed_by: &'a [SignerKey],
    pub(crate) revoked: &'a [SignerKey],
}

/// What was found out about signatures.
#[derive(Debug)]
pub(crate) struct SignatureVerdict {
    /// Absent if there is nothing to say.
    pub(crate) level: Option<LevelReport>,
    pub(crate) report: Option<SignaturesReport>,
    pub(crate) not_shown: Option<String>,
}

impl SignatureCheck {
    pub(crate) fn open(run: &dyn RunSource) -> Self {
        let stored = StoredSignatures::read(run);
        let mut blocks = BTreeMap::new();
        for signature in &stored.signatures {
            if let Ok((_, Statement::Head { height, .. })) = &signature.read {
                blocks.insert(*height, None);
            }
        }
        SignatureCheck { stored, blocks }
    }

    /// The check of signatures that lie in no run, with the blocks that are at hand.
    pub(crate) fn of(signatures: Vec<StoredSignature>, blocks: &[(Height, BlockHash)]) -> Self {
        let blocks = blocks.iter().map(|(height, hash)| (*height, Some(*hash)));
        SignatureCheck {
            stored: StoredSignatures {
                signatures,
                ..StoredSignatures::default()
            },
            blocks: blocks.collect(),
        }
    }

    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        if self.blocks.is_empty() {
            return;
        }
        if let Some(block) = self.blocks.get_mut(&walked.chain.height()) {
            *block = Some(walked.chain.head_hash());
        }
    }

    pub(crate) fn finish(self, end: &WalkEnd, options: &AuditOptions) -> SignatureVerdict {
        let is_asked = !options.signed_by.is_empty() || options.require.contains(&Level::Signature);
        let Some(chain) = &end.chain else {
            let line = "there is no good block that could be signed";
            let level = LevelReport::new(Level::Signature, Verdict::NotChecked, line);
            return SignatureVerdict {
                level: is_asked.then_some(level),
                report: None,
                not_shown: None,
            };
        };
        let chain = SignedChain {
            genesis: chain.genesis_hash(),
            head: chain.height(),
            breaks: end.failure().is_some(),
            has_gaps: false,
        };
        let keys = NamedKeys {
            signed_by: &options.signed_by,
            revoked: &options.revoked,
        };
        self.judge_all(&chain, keys, is_asked)
    }

    /// The verdict on a chain, by the keys that the verifier named.
    pub(crate) fn judge_all(
        self,
        chain: &SignedChain,
        keys: NamedKeys<'_>,
        is_asked: bool,
    ) -> SignatureVerdict {
        let nothing = self.stored.signatures.is_empty() && self.stored.not_read.is_none();
        if nothing && !is_asked {
            return SignatureVerdict {
                level: None,
                report: None,
                not_shown: None,
            };
        }
        let mut signatures: Vec<Judged> = self
            .stored
            .signatures
            .iter()
            .map(|signature| self.judge(signature, chain, keys))
            .collect();
        name_equivocations(&mut signatures);
        let signed_by = keys.signed_by.iter().map(|key| {
            let by_key = signatures.iter().filter(|judged| judged.counts_by(key));
            NamedKeyReport {
                key: key.to_string(),
                last_block: by_key.filter_map(|judged| judged.report.block).max(),
            }
        });
        let report = SignaturesReport {
            signed_by: signed_by.collect(),
            signatures: signatures.into_iter().map(|judged| judged.report).collect(),
        };
        let counts = report.signed_by.iter().any(|key| key.last_block.is_some());
        SignatureVerdict {
            level: Some(level(
                &report,
                chain,
                self.stored.not_read,
                self.stored.could_not_read,
            )),
            report: Some(report),
            not_shown: counts.then(|| {
                "who holds the keys that signed, and when they did: a signature has no date".into()
            }),
        }
    }

    fn judge(
        &self,
        signature: &StoredSignature,
        chain: &SignedChain,
        keys: NamedKeys<'_>,
    ) -> Judged {
        let (key, found) = match &signature.read {
            Err(fault) => (None, Found::not(fault.state, fault.words.clone())),
            Ok((made, statement)) => (
                Some(made.made_by()),
                self.find(made, statement, chain, keys),
            ),
        };
        Judged {
            report: SignatureReport {
                file: signature.file.path().display().to_string(),
                key,
                block: found.block,
                state: found.state,
                line: found.words,
            },
            key: found.key,
            conflict: found.conflict,
        }
    }

    fn find(
        &self,
        made: &Signature,
        statement: &Statement,
        chain: &SignedChain,
        keys: NamedKeys<'_>,
    ) -> Found {
        let by = made.made_by();
        let named = keys.signed_by.iter().find(|key| made.claims(key));
        let Some(key) = named.cloned().or_else(|| made.key()) else {
            let words = format!("not checked: by {by}, which you did not name (--signed-by)");
            return Found::not(SignatureState::NotNamed, words);
        };
        if let Err(error) = made.check(&key, statement) {
            let state = match &error {
                CheckError::NotAllowed { .. } => SignatureState::NotAllowed,
                CheckError::WrongNamespace { .. } => SignatureState::WrongNamespace,
                _ => SignatureState::Wrong,
            };
            let words = match state {
                SignatureState::WrongNamespace => format!("WRONG NAMESPACE: {error}"),
                SignatureState::NotAllowed => format!("does not count: {error}"),
                _ => format!("{error}: {by}"),
            };
            return Found::not(state, words);
        }
        if keys.revoked.contains(&key) {
            let words = format!("does not count: by {by}, which you call revoked (--revoked)");
            return Found::not(SignatureState::Revoked, words);
        }
        let block = match self.place(statement, chain) {
            Ok(block) => block,
            Err(fault) => {
                let conflict = match (fault.state, statement) {
                    (SignatureState::OtherChain, Statement::Head { height, .. }) => {
                        Some(height.get())
                    }
                    _ => None,
                };
                return Found {
                    key: Some(key),
                    conflict,
                    ..Found::not(fault.state, format!("{}, by {by}", fault.words))
                };
            }
        };
        let covers = match statement {
            Statement::Genesis { .. } => "the genesis block".to_owned(),
            _ => blocks_to(block),
        };
        let (state, words) = match named {
            Some(_) => (SignatureState::Counts, format!("{covers}: by {by}")),
            None => (
                SignatureState::NotNamed,
                format!("{covers}: by {by}, which you did not name (--signed-by)"),
            ),
        };
        Found {
            state,
            key: Some(key),
            block: Some(block),
            conflict: None,
            words,
        }
    }

    /// The last block of this chain that a statement covers.
    fn place(&self, statement: &Statement, chain: &SignedChain) -> Result<u32, SignatureFault> {
        let fault = |state, words| Err(SignatureFault { state, words });
        if statement.genesis() != chain.genesis {
            let genesis = statement.genesis();
            let words = format!("FOREIGN: over the run with the genesis block {genesis}");
            return fault(SignatureState::Foreign, words);
        }
        let (height, hash) = match statement {
            Statement::Genesis { .. } => return Ok(0),
            Statement::Head { height, hash, .. } => (*height, *hash),
            Statement::ReplayReport { .. } => {
                let words = "FOREIGN: over a replay report, which does not lie in a run";
                return fault(SignatureState::Foreign, words.into());
            }
        };
        match self.blocks.get(&height).copied().flatten() {
            Some(here) if here == hash => Ok(height.get()),
            Some(here) => {
                let words = format!(
                    "ANOTHER CHAIN: over block {height} of this run with the hash {hash}, where this chain has {here}"
                );
                fault(SignatureState::OtherChain, words)
            }
            // A chain that breaks may have had the block behind the break.
            None if chain.breaks => {
                let words = format!("not checked: over block {height}, behind the last good one");
                fault(SignatureState::NotRead, words)
            }
            None if chain.has_gaps && height < chain.head => {
                let words = format!("not checked: over block {height}, which is not at hand");
                fault(SignatureState::NotRead, words)
            }
            None => {
                let words = format!(
                    "AHEAD: over block {height} of this run, and this chain ends at block {}: it is an older copy, or was cut",
                    chain.head
                );
                fault(SignatureState::Ahead, words)
            }
        }
    }
}

struct Judged {
    report: SignatureReport,
    /// The key that made it, if it is right.
    key: Option<SignerKey>,
    /// The height of a block of another chain that it is over.
    conflict: Option<u32>,
}

impl Judged {
    fn counts_by(&self, key: &SignerKey) -> bool {
        self.report.state == SignatureState::Counts && self.key.as_ref() == Some(key)
    }
}

/// What was found out about one signature.
struct Found {
    state: SignatureState,
    key: Option<SignerKey>,
    block: Option<u32>,
    conflict: Option<u32>,
    words: String,
}

impl Found {
    fn not(state: SignatureState, words: String) -> Self {
        Found {
            state,
            key: None,
            block: None,
            conflict: None,
            words,
        }
    }
}

/// Finds the keys that stand for this chain and for another one. Two heads of which one
/// may extend the other are no equivocation.
fn name_equivocations(signatures: &mut [Judged]) {
    for index in 0..signatures.len() {
        let Some((other, key)) = signatures[index]
            .conflict
            .zip(signatures[index].key.clone())
        else {
            continue;
        };
        let same = signatures
            .iter()
            .filter(|judged| judged.key.as_ref() == Some(&key));
        let last = same.filter_map(|judged| judged.report.block).max();
        if let Some(last) = last.filter(|last| *last >= other) {
            let report = &mut signatures[index].report;
            report.state = SignatureState::Equivocation;
            report.line = format!(
                "EQUIVOCATION: its key stands for this chain up to block {last}, too. {}",
                report.line
            );
        }
    }
}

fn level(
    report: &SignaturesReport,
    chain: &SignedChain,
    not_read: Option<String>,
    could_not_read: bool,
) -> LevelReport {
    let (head, is_broken) = (chain.head.get(), chain.breaks);
    let fault = report
        .signatures
        .iter()
        .find(|found| found.state.is_fault());
    let missing = report.signed_by.iter().find(|key| key.last_block.is_none());
    let behind = report.signed_by.iter().min_by_key(|key| key.last_block);
    let (verdict, line) = if let Some(fault) = fault {
        (Verdict::Fails, with_file(fault))
    } else if report.signed_by.is_empty() {
        let line = "you named no key whose signature counts (--signed-by)";
        (Verdict::NotChecked, line.into())
    } else if let Some(key) = missing {
        match could_not_read {
            true => (
                Verdict::NotChecked,
                format!(
                    "could not check: not signed by {}, as far as could be read",
                    key.key
                ),
            ),
            false => (Verdict::Fails, format!("NOT SIGNED by {}", key.key)),
        }
    } else {
        match behind.and_then(|key| Some((key, key.last_block?))) {
            Some((_, last)) if last >= head && is_broken => (
                Verdict::Partly,
                "signed up to the last good block; the chain does not hold behind it".into(),
            ),
            Some((_, last)) if last >= head => {
                let keys = counted(report.signed_by.len() as u64, "named key", "named keys");
                (
                    Verdict::Holds,
                    format!("signed by {keys}, up to the last block"),
                )
            }
            Some((key, last)) => (
                Verdict::Partly,
                format!(
                    "{} signed {} only, and not the {} behind",
                    key.key,
                    blocks_to(last),
                    counted(u64::from(head - last), "block", "blocks")
                ),
            ),
            None => (Verdict::NotChecked, "no key was named".into()),
        }
    };
    let mut level = LevelReport::new(Level::Signature, verdict, line);
    // What is wrong is first, then what counts.
    let mut rest: Vec<&SignatureReport> = report.signatures.iter().collect();
    rest.retain(|found| fault.is_none_or(|fault| !std::ptr::eq(fault, *found)));
    rest.sort_by_key(|found| {
        (
            !found.state.is_fault(),
            found.state != SignatureState::Counts,
        )
    });
    for found in rest {
        level = level.line(with_file(found));
    }
    if let Some(words) = not_read {
        level = level.line(words);
    }
    level.could_not_check = could_not_read && verdict == Verdict::NotChecked;
    level
}

fn with_file(found: &SignatureReport) -> String {
    format!("{}: {}", found.file, found.line)
}

fn blocks_to(last: u32) -> String {
    match last {
        0 => "block 0".into(),
        last => format!("blocks 0 to {last}"),
    }
}
