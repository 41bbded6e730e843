//! What a vector's run shows, in the form of its `expected.json`.

use pow_audit::replay::{Amount, Challenge, Segments};
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, AuditReport, Verdict, audit};
use pow_core::body::BodyKind;
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount};
use pow_ledger::RunDir;
use pow_tests::oracle::hex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Every value that must never change. Hashes and roots are hex. Losses and
/// learning rates are the bits of an `f64`, in hex too.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    pub genesis: String,
    pub head: String,
    pub height: u32,
    /// Expected hashes.
    pub work: String,
    pub ending: String,
    /// Root of the final block's artifact.
    pub artifact: String,
    pub blocks: Vec<ObservedBlock>,
    pub entries: Vec<ObservedEntry>,
    /// Verdict of each level, of the run alone.
    pub levels: BTreeMap<String, String>,
    pub levels_with_all_replayed: BTreeMap<String, String>,
    pub levels_with_picks_replayed: BTreeMap<String, String>,
    /// Step of the checkpoint that each segment starts from, and its last step.
    pub segments: Vec<(u64, u64)>,
    /// What the challenge from the head picks if it may pick one segment.
    pub picked_by_head: Vec<u64>,
    /// The same of a verifier with the value `seed`.
    pub picked_by_seed: Vec<u64>,
    pub seed: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedBlock {
    pub hash: String,
    pub bits: String,
    pub entries: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedEntry {
    pub step: u64,
    pub parameters: String,
    pub batch: Option<String>,
    pub loss: Option<String>,
    pub learning_rate: Option<String>,
    pub state: Option<String>,
}

impl Observed {
    /// A step's parameter root.
    pub fn parameters_of(&self, step: u64) -> &str {
        let entry = self.entries.iter().find(|entry| entry.step == step);
        &entry.unwrap().parameters
    }

    /// The steps that have a checkpoint, and its root.
    pub fn checkpoints(&self) -> impl Iterator<Item = (u64, &str)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| Some((entry.step, entry.state.as_deref()?)))
    }
}

/// What a verifier chose: any bytes, but always these.
const SEED: &[u8] = b"burn-pow v1 vectors";

/// Looks at everything but the replay reports, which are copied.
pub fn observe(vector: &Path) -> Observed {
    let run = RunDir::new(vector.join("run"));
    let (mut blocks, mut entries) = (Vec::new(), Vec::new());
    walk(&run, None, &mut |row, _| {
        let steps = match &row.block.body().kind {
            BodyKind::Steps(entries) => &entries[..],
            _ => &[],
        };
        blocks.push(ObservedBlock {
            hash: row.block.hash().to_string(),
            bits: row.block.header().bits.to_string(),
            entries: steps.len() as u64,
        });
        let hex = |bits: u64| format!("{bits:016x}");
        entries.extend(steps.iter().map(|entry| ObservedEntry {
            step: entry.step.0,
            parameters: entry.parameters.to_string(),
            batch: entry.batch.map(|batch| batch.to_string()),
            loss: entry.loss.map(hex),
            learning_rate: entry.learning_rate.map(hex),
            state: entry.state_root().map(|root| root.to_string()),
        }));
    })
    .unwrap();
    let report = audit(&run, &AuditOptions::default(), &mut |_| {}).unwrap();
    let chain = report.chain.as_ref().unwrap();
    let segments = Segments::of(&run, None, &mut |_| {}).unwrap();
    let end = segments.chain().end().copied().unwrap();
    let picked = |source| {
        let one = Amount::Count(SegmentCount(1));
        let challenge = Challenge::draw(&segments, source, one, []).unwrap();
        let picked = challenge.picked().iter();
        picked.map(|segment| segment.0).collect()
    };
    let seed = ChallengeValue::new(SEED.to_vec()).unwrap();
    let with_report = |name: &str| {
        let options = AuditOptions {
            replay_reports: vec![vector.join(name)],
            ..AuditOptions::default()
        };
        levels(&audit(&run, &options, &mut |_| {}).unwrap())
    };
    Observed {
        genesis: chain.genesis.clone(),
        head: chain.head.clone(),
        height: chain.height,
        work: chain.work.clone(),
        ending: chain.ending.unwrap().into(),
        artifact: end.artifact.to_string(),
        blocks,
        entries,
        levels: levels(&report),
        levels_with_all_replayed: with_report("replay-all.json"),
        levels_with_picks_replayed: with_report("replay-picked.json"),
        segments: segments
            .iter()
            .map(|segment| (segment.from_step.0, segment.to_step.0))
            .collect(),
        picked_by_head: picked(ChallengeSource::Head),
        picked_by_seed: picked(ChallengeSource::Verifier(seed)),
        seed: hex(SEED),
    }
}

/// The verdict of each level, by their names.
pub fn levels(report: &AuditReport) -> BTreeMap<String, String> {
    let name = |verdict: Verdict| match verdict {
        Verdict::Holds => "holds",
        Verdict::Partly => "holds in part",
        Verdict::Fails => "fails",
        Verdict::NotComparable => "not comparable",
        Verdict::Unexplained => "unexplained",
        Verdict::NotChecked => "not checked",
    };
    let levels = report.levels.iter();
    levels
        .map(|level| (level.level.name().into(), name(level.verdict).into()))
        .collect()
}
