//! The tamperings, drawn at random.

use super::forge::{self, Effort};
use super::scene::{ARTIFACT, CHAIN, CONFIG, Changes, Recorded};
use super::{KINDS, Kind, Scene};
use anyhow::Context;
use fastrand::Rng;
use pow_core::body::{BodyKind, Ending, Entry};
use pow_core::state::state_root;
use pow_ledger::TensorFile;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What is to be done to the run.
pub(super) struct Tampering {
    pub(super) detail: String,
    pub(super) files: Changes,
}

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";

/// Draws a tampering; the same for the same run, kind and trial.
pub(super) fn tamper(scene: &mut Scene, kind: Kind, trial: u64) -> anyhow::Result<Tampering> {
    // No two kinds draw the same places.
    let rng = &mut Rng::with_seed(trial * KINDS.len() as u64 + kind as u64);
    match kind {
        Kind::Nothing => Ok(Tampering::new("nothing", [])),
        Kind::FlipChain => flip(scene, CHAIN.into(), rng),
        Kind::FlipCheckpoint => flip(scene, any_checkpoint(scene, rng)?.join(MODEL), rng),
        Kind::FlipOptimizer => flip(scene, any_checkpoint(scene, rng)?.join(OPTIMIZER), rng),
        Kind::FlipState => flip(scene, any_checkpoint(scene, rng)?.join(STATE), rng),
        Kind::FlipConfig => flip(scene, CONFIG.into(), rng),
        Kind::FlipArtifact => flip(scene, ARTIFACT.into(), rng),
        Kind::CutBytes => {
            let bytes = scene.file(CHAIN.as_ref())?;
            let len = rng.usize(0..bytes.len());
            let of = bytes.len();
            Ok(Tampering::chain(
                format!("{len} bytes of {of} kept"),
                bytes[..len].to_vec(),
            ))
        }
        Kind::CutBlocks | Kind::LoseBlock | Kind::RepeatBlock | Kind::SwapBlocks => {
            rearrange(scene, kind, rng)
        }
        Kind::SwapCheckpoints => swap_checkpoints(scene, rng),
        Kind::RemoveCheckpoint => {
            let dir = any_checkpoint(scene, rng)?;
            let files = [MODEL, OPTIMIZER, STATE].map(|name| (dir.join(name), None));
            Ok(Tampering::new(dir.display(), files))
        }
        Kind::ReplaceArtifact => {
            let checkpoints = scene.checkpoints();
            let (_, entry) = checkpoints[rng.usize(0..checkpoints.len() - 1)];
            let bytes = scene.file(&checkpoint(&entry)?.join(MODEL))?.to_vec();
            let detail = format!("by those of step {}", entry.step);
            Ok(Tampering::new(detail, [(ARTIFACT.into(), Some(bytes))]))
        }
        Kind::EditEntry | Kind::EditCommitted | Kind::EditMined | Kind::ForgeEntry => {
            edit_entry(scene, kind, rng)
        }
        Kind::ForgeWeights => forge_weights(scene, rng),
        Kind::ForgeGenesis => forge_genesis(scene, rng),
        Kind::ForgeEnd => forge_end(scene, rng),
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
    let root = entry.state_root().context("a step without a checkpoint")?;
    Ok(Path::new("checkpoints").join(root.to_string()))
}

fn any_checkpoint(scene: &Scene, rng: &mut Rng) -> anyhow::Result<PathBuf> {
    let checkpoints = scene.checkpoints();
    checkpoint(&checkpoints[rng.usize(0..checkpoints.len())].1)
}

fn flip(scene: &Scene, path: PathBuf, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let mut bytes = scene.file(&path)?.to_vec();
    let (at, bit) = (rng.usize(0..bytes.len()), rng.u32(0..8));
    bytes[at] ^= 1 << bit;
    let detail = format!("bit {bit} of byte {at} of {}", path.display());
    Ok(Tampering::new(detail, [(path, Some(bytes))]))
}

/// Whole records, each with its own checksums, in another order.
fn rearrange(scene: &Scene, kind: Kind, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let range = |recorded: &Recorded| recorded.range.clone();
    let mut records: Vec<Range<usize>> = scene.blocks().iter().map(range).collect();
    let header = 0..records[0].start;
    let last = records.len() - 1;
    let detail = match kind {
        Kind::CutBlocks => {
            let kept = rng.usize(1..=last);
            records.truncate(kept);
            format!("{kept} blocks of {} kept", last + 1)
        }
        Kind::LoseBlock => {
            // Without the last it would be cut off.
            let lost = rng.usize(0..last);
            records.remove(lost);
            format!("block {lost}")
        }
        Kind::RepeatBlock => {
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
    let bytes = scene.file(CHAIN.as_ref())?;
    let parts = std::iter::once(header).chain(records);
    let parts: Vec<&[u8]> = parts.map(|range| &bytes[range]).collect();
    Ok(Tampering::chain(detail, parts.concat()))
}

fn swap_checkpoints(scene: &Scene, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let checkpoints = scene.checkpoints();
    let first = rng.usize(0..checkpoints.len() - 1);
    let second = rng.usize(first + 1..checkpoints.len());
    let entries = [checkpoints[first].1, checkpoints[second].1];
    let dirs = [checkpoint(&entries[0])?, checkpoint(&entries[1])?];
    let mut files = Changes::new();
    for name in [MODEL, OPTIMIZER, STATE] {
        for (to, from) in [(0, 1), (1, 0)] {
            let bytes = scene.file(&dirs[from].join(name))?.to_vec();
            files.insert(dirs[to].join(name), Some(bytes));
        }
    }
    let detail = format!("those of steps {} and {}", entries[0].step, entries[1].step);
    Ok(Tampering { detail, files })
}

fn edit_entry(scene: &mut Scene, kind: Kind, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let mut bodies = forge::bodies(scene);
    let (at, detail) = forge::edit(&mut bodies, rng)?;
    let (again, effort) = match kind {
        Kind::EditEntry => (0..0, Effort::Commitments),
        Kind::EditCommitted => (at..at + 1, Effort::Commitments),
        Kind::EditMined => (at..at + 1, Effort::Work),
        _ => {
            forge::settle_end(&mut bodies)?;
            (at..bodies.len(), Effort::Work)
        }
    };
    let bytes = forge::chain(scene, bodies, again, effort)?;
    Ok(Tampering::chain(detail, bytes))
}

/// A number in the final weights is another one. The optimizer's state stays as
/// it was: no rule connects it with the weights.
fn forge_weights(scene: &mut Scene, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let checkpoints = scene.checkpoints();
    let (at, entry) = *checkpoints.last().context("a run without a checkpoint")?;
    let dir = checkpoint(&entry)?;
    let mut model = scene.file(&dir.join(MODEL))?.to_vec();
    // The file is the length of its header, the header, and the elements.
    let (length, _) = model.split_first_chunk().context("a file of no tensors")?;
    let elements = 8 + usize::try_from(u64::from_le_bytes(*length))?;
    let (byte, bit) = (rng.usize(elements..model.len()), rng.u32(0..8));
    model[byte] ^= 1 << bit;
    let forged = scene.workshop().join("forged.safetensors");
    fs::write(&forged, &model)?;
    let parameters = TensorFile::open(&forged)?.root()?;
    fs::remove_file(&forged)?;

    let mut bodies = forge::bodies(scene);
    let BodyKind::Steps(entries) = &mut bodies[at].kind else {
        anyhow::bail!("block {at} holds no entries");
    };
    let entries = entries.iter_mut().find(|found| found.step == entry.step);
    entries.context("the entry is gone")?.parameters = parameters;
    forge::settle_end(&mut bodies)?;
    let blocks = bodies.len();
    let bytes = forge::chain(scene, bodies, at..blocks, Effort::Work)?;

    let rest = entry.rest.context("a step without a checkpoint")?;
    let moved = Path::new("checkpoints").join(state_root(parameters, rest).to_string());
    let mut files = Changes::from([
        (CHAIN.into(), Some(bytes)),
        (ARTIFACT.into(), Some(model.clone())),
        (moved.join(MODEL), Some(model)),
        (dir.join(MODEL), None),
    ]);
    for name in [OPTIMIZER, STATE] {
        let bytes = scene.file(&dir.join(name))?.to_vec();
        files.insert(moved.join(name), Some(bytes));
        files.insert(dir.join(name), None);
    }
    let detail = format!("bit {bit} of byte {byte}, step {}", entry.step);
    Ok(Tampering { detail, files })
}

fn forge_genesis(scene: &mut Scene, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let mut bodies = forge::bodies(scene);
    let BodyKind::Genesis(genesis) = &mut bodies[0].kind else {
        anyhow::bail!("the first block is no genesis");
    };
    let revision = format!("{:016x}", rng.u64(..));
    genesis.code.revision = Some(revision.clone());
    let blocks = bodies.len();
    let bytes = forge::chain(scene, bodies, 0..blocks, Effort::Work)?;
    Ok(Tampering::chain(format!("revision {revision}"), bytes))
}

fn forge_end(scene: &mut Scene, rng: &mut Rng) -> anyhow::Result<Tampering> {
    let checkpoints = scene.checkpoints();
    // The first is of no step, and after the last comes the honest end.
    let (at, entry) = checkpoints[rng.usize(1..checkpoints.len() - 1)];
    let artifact = scene.file(&checkpoint(&entry)?.join(MODEL))?.to_vec();
    let mut bodies = forge::bodies(scene);
    let mut end = bodies.pop().context("a chain of no blocks")?;
    let next = bodies
        .get(at + 1)
        .context("no block after a checkpoint's")?;
    end.common = next.common;
    if let BodyKind::Final(end) = &mut end.kind {
        end.ending = Ending::Stopped;
    }
    bodies.truncate(at + 1);
    bodies.push(end);
    forge::settle_end(&mut bodies)?;
    let bytes = forge::chain(scene, bodies, at + 1..at + 2, Effort::Work)?;
    let detail = format!("after step {}", entry.step);
    let files = [(CHAIN, bytes), (ARTIFACT, artifact)];
    let files = files.map(|(path, bytes)| (path.into(), Some(bytes)));
    Ok(Tampering::new(detail, files))
}
