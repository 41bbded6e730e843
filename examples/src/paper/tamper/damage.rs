//! Random changes of each kind.

use super::forge::{self, Effort};
use super::kind::{TAMPER_KINDS, TamperKind};
use super::tampered_run::{ARTIFACT, CHAIN, CONFIG, ChainBlock, Changes, TamperedRun};
use anyhow::Context;
use fastrand::Rng;
use pow_core::body::{BodyKind, Ending, Entry};
use pow_core::state::state_root;
use pow_ledger::TensorFile;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A change to the run.
pub(super) struct Tampering {
    pub(super) detail: String,
    pub(super) files: Changes,
}

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";

/// Draws a change. The same run, kind and trial give the same change.
pub(super) fn tamper(
    run: &mut TamperedRun,
    kind: TamperKind,
    trial: u64,
) -> anyhow::Result<Tampering> {
    // Then no two kinds draw the same numbers.
    let rng = &mut Rng::with_seed(trial * TAMPER_KINDS.len() as u64 + kind as u64);
    match kind {
        TamperKind::Nothing => Ok(Tampering::new("nothing", [])),
        TamperKind::FlipChain => flip(run, CHAIN.into(), rng),
        TamperKind::FlipCheckpoint => flip(run, any_checkpoint(run, rng)?.join(MODEL), rng),
        TamperKind::FlipOptimizer => flip(run, any_checkpoint(run, rng)?.join(OPTIMIZER), rng),
        TamperKind::FlipState => flip(run, any_checkpoint(run, rng)?.join(STATE), rng),
        TamperKind::FlipConfig => flip(run, CONFIG.into(), rng),
        TamperKind::FlipArtifact => flip(run, ARTIFACT.into(), rng),
        TamperKind::CutBytes => {
            let bytes = run.file(CHAIN.as_ref())?;
            let len = rng.usize(0..bytes.len());
            let of = bytes.len();
            Ok(Tampering::chain(
                format!("{len} bytes of {of} kept"),
                bytes[..len].to_vec(),
            ))
        }
        TamperKind::CutBlocks
        | TamperKind::LoseBlock
        | TamperKind::RepeatBlock
        | TamperKind::SwapBlocks => rearrange(run, kind, rng),
        TamperKind::SwapCheckpoints => swap_checkpoints(run, rng),
        TamperKind::RemoveCheckpoint => {
            let dir = any_checkpoint(run, rng)?;
            let files = [MODEL, OPTIMIZER, STATE].map(|name| (dir.join(name), None));
            Ok(Tampering::new(dir.display(), files))
        }
        TamperKind::ReplaceArtifact => {
            let checkpoints = run.checkpoints();
            let (_, entry) = checkpoints[rng.usize(0..checkpoints.len() - 1)];
            let bytes = run.file(&checkpoint(&entry)?.join(MODEL))?.to_vec();
            let detail = format!("by those of step {}", entry.step);
            Ok(Tampering::new(detail, [(ARTIFACT.into(), Some(bytes))]))
        }
        TamperKind::EditEntry
        | TamperKind::EditCommitted
        | TamperKind::EditMined
        | TamperKind::ForgeEntry => edit_entry(run, kind, rng),
        TamperKind::ForgeWeights => forge_weights(run, rng),
        TamperKind::ForgeGenesis => forge_genesis(run, rng),
        TamperKind::ForgeEnd => forge_end(run, rng),
    }
}

impl Tampering {
    fn new(
        detail: impl ToString,
        files: impl IntoIterator<Item = (PathBuf, Option<Vec<u8>>)>,
    ) -> Self {
        Tampering {
            detail: detail.to_string(),
            files: files.into_iter().collect(),
        }
    }

    fn chain(detail: impl ToString, bytes: Vec<u8>) -> Self {
        Tampering::new(detail, [(CHAIN.into(), Some(bytes))])
    }
}

/// The directory of an entry's checkpoint within the run.
fn checkpoint(entry: &Entry) -> anyhow::Result<PathBuf> {
    let root = entry.state_root().context("the step has no checkpoint")?;
    Ok(Path::new("checkpoints").join(root.to_string()))
}

fn any_checkpoint(run: &TamperedRun, rng: &mut Rng) -> anyhow::Result<PathBuf> {
    let checkpoints = run.checkpoints();
    checkpoint(&checkpoints[rng.usize(0..checkpoints.len())].1)
}

fn flip(run: &TamperedRun, path: PathBuf, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let mut bytes = run.file(&path)?.to_vec();
    let (at, bit) = (rng.usize(0..bytes.len()), rng.u32(0..8));
    bytes[at] ^= 1 << bit;
    let detail = format!("bit {bit} of byte {at} of {}", path.display());
    Ok(Tampering::new(detail, [(path, Some(bytes))]))
}

/// Removes, repeats or swaps whole records, each with its own checksums.
fn rearrange(run: &TamperedRun, kind: TamperKind, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let range = |block: &ChainBlock| block.range.clone();
    let mut records: Vec<Range<usize>> = run.blocks().iter().map(range).collect();
    let header = 0..records[0].start;
    let last = records.len() - 1;
    let detail = match kind {
        TamperKind::CutBlocks => {
            let kept = rng.usize(1..=last);
            records.truncate(kept);
            format!("{kept} blocks of {} kept", last + 1)
        }
        TamperKind::LoseBlock => {
            // Removing the last one is `CutBlocks`.
            let lost = rng.usize(0..last);
            records.remove(lost);
            format!("block {lost}")
        }
        TamperKind::RepeatBlock => {
            let at = rng.usize(0..=last);
            records.insert(at, records[at].clone());
            format!("block {at}")
        }
        _ => {
            let first = rng.usize(0..last);
            let second = rng.usize(first + 1..=last);
            records.swap(first, second);
            format!("blocks {first} and {second}")
        }
    };
    let bytes = run.file(CHAIN.as_ref())?;
    let parts = std::iter::once(header).chain(records);
    let parts: Vec<&[u8]> = parts.map(|range| &bytes[range]).collect();
    Ok(Tampering::chain(detail, parts.concat()))
}

fn swap_checkpoints(run: &TamperedRun, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let checkpoints = run.checkpoints();
    let first = rng.usize(0..checkpoints.len() - 1);
    let second = rng.usize(first + 1..checkpoints.len());
    let entries = [checkpoints[first].1, checkpoints[second].1];
    let dirs = [checkpoint(&entries[0])?, checkpoint(&entries[1])?];
    let mut files = Changes::new();
    for name in [MODEL, OPTIMIZER, STATE] {
        for (to, from) in [(0, 1), (1, 0)] {
            let bytes = run.file(&dirs[from].join(name))?.to_vec();
            files.insert(dirs[to].join(name), Some(bytes));
        }
    }
    let detail = format!("those of steps {} and {}", entries[0].step, entries[1].step);
    Ok(Tampering { detail, files })
}

fn edit_entry(run: &mut TamperedRun, kind: TamperKind, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let mut bodies = forge::bodies(run);
    let (at, detail) = forge::edit(&mut bodies, rng)?;
    let (again, effort) = match kind {
        TamperKind::EditEntry => (0..0, Effort::Commitments),
        TamperKind::EditCommitted => (at..at + 1, Effort::Commitments),
        TamperKind::EditMined => (at..at + 1, Effort::Work),
        _ => {
            forge::settle_end(&mut bodies)?;
            (at..bodies.len(), Effort::Work)
        }
    };
    let bytes = forge::chain(run, bodies, again, effort)?;
    Ok(Tampering::chain(detail, bytes))
}

/// Changes a number in the final weights. The optimizer's state stays as it was,
/// because no rule connects it with the weights.
fn forge_weights(run: &mut TamperedRun, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let checkpoints = run.checkpoints();
    let (at, entry) = *checkpoints.last().context("the run has no checkpoint")?;
    let dir = checkpoint(&entry)?;
    let mut model = run.file(&dir.join(MODEL))?.to_vec();
    // The file holds the length of its header, the header, and the elements.
    let (length, _) = model
        .split_first_chunk()
        .context("the weights file has no header")?;
    let elements = 8 + usize::try_from(u64::from_le_bytes(*length))?;
    let (byte, bit) = (rng.usize(elements..model.len()), rng.u32(0..8));
    model[byte] ^= 1 << bit;
    let forged = run.workshop().join("forged.safetensors");
    fs::write(&forged, &model)?;
    let parameters = TensorFile::open(&forged)?.root()?;
    fs::remove_file(&forged)?;

    let mut bodies = forge::bodies(run);
    let BodyKind::Steps(entries) = &mut bodies[at].kind else {
        anyhow::bail!("block {at} holds no entries");
    };
    let entries = entries.iter_mut().find(|found| found.step == entry.step);
    entries
        .context("the block lacks the entry of the checkpoint")?
        .parameters = parameters;
    forge::settle_end(&mut bodies)?;
    let blocks = bodies.len();
    let bytes = forge::chain(run, bodies, at..blocks, Effort::Work)?;

    let rest = entry.rest.context("the step has no checkpoint")?;
    let moved = Path::new("checkpoints").join(state_root(parameters, rest).to_string());
    let mut files = Changes::from([
        (CHAIN.into(), Some(bytes)),
        (ARTIFACT.into(), Some(model.clone())),
        (moved.join(MODEL), Some(model)),
        (dir.join(MODEL), None),
    ]);
    for name in [OPTIMIZER, STATE] {
        let bytes = run.file(&dir.join(name))?.to_vec();
        files.insert(moved.join(name), Some(bytes));
        files.insert(dir.join(name), None);
    }
    let detail = format!("bit {bit} of byte {byte}, step {}", entry.step);
    Ok(Tampering { detail, files })
}

fn forge_genesis(run: &mut TamperedRun, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let mut bodies = forge::bodies(run);
    let BodyKind::Genesis(genesis) = &mut bodies[0].kind else {
        anyhow::bail!("the first block is not a genesis block");
    };
    let revision = format!("{:016x}", rng.u64(..));
    genesis.code.revision = Some(revision.clone());
    let blocks = bodies.len();
    let bytes = forge::chain(run, bodies, 0..blocks, Effort::Work)?;
    Ok(Tampering::chain(format!("revision {revision}"), bytes))
}

fn forge_end(run: &mut TamperedRun, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let checkpoints = run.checkpoints();
    // The first checkpoint is that of step 0. The last is followed by the honest
    // end.
    let (at, entry) = checkpoints[rng.usize(1..checkpoints.len() - 1)];
    let artifact = run.file(&checkpoint(&entry)?.join(MODEL))?.to_vec();
    let mut bodies = forge::bodies(run);
    let mut end = bodies.pop().context("the chain has no block")?;
    let next = bodies
        .get(at + 1)
        .context("no block follows that of the checkpoint")?;
    end.common = next.common;
    if let BodyKind::Final(end) = &mut end.kind {
        end.ending = Ending::Stopped;
    }
    bodies.truncate(at + 1);
    bodies.push(end);
    forge::settle_end(&mut bodies)?;
    let bytes = forge::chain(run, bodies, at + 1..at + 2, Effort::Work)?;
    let detail = format!("after step {}", entry.step);
    let files = [(CHAIN, bytes), (ARTIFACT, artifact)];
    let files = files.map(|(path, bytes)| (path.into(), Some(bytes)));
    Ok(Tampering::new(detail, files))
}
