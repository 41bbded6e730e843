//! The report on a receipt: the levels of `pow verify`, and what each is worth without the
//! run.

use super::check::ReceiptOptions;
use crate::display::{counted, printable};
use crate::hex::to_hex;
use crate::levels::{DeclaredVerdict, ReplayVerdict, SignatureVerdict, TimeVerdict};
use crate::report::declared::DeclaredReport;
use crate::report::signature::SignaturesReport;
use crate::report::time::TimeReport;
use crate::report::verdict::Verdict;
use crate::report::{DISCARDED_RUNS, Level, LevelReport, Pin, consistent, signed, write_findings};
use pow_core::body::{FixedKind, Genesis};
use pow_core::proof::ProvedBlock;
use serde::Serialize;
use std::fmt;

/// What a receipt shows.
pub(super) struct Shown {
    /// The SHA-256 of the receipt.
    pub(super) digest: [u8; 32],
    pub(super) genesis: Genesis,
    pub(super) first: ProvedBlock,
    pub(super) head: ProvedBlock,
    pub(super) time: TimeVerdict,
    pub(super) signatures: SignatureVerdict,
    pub(super) declared: DeclaredVerdict,
    pub(super) replay: ReplayVerdict,
    /// Sections that this version does not read.
    pub(super) not_read: Vec<String>,
}

/// The verdict on a receipt.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptReport {
    /// Always `burn-pow/check-receipt/v1`.
    pub schema: &'static str,
    /// The result in a few words.
    pub headline: String,
    /// Whether no level fails, and every required one holds.
    pub holds: bool,
    /// Why it shows nothing, if it is no receipt or its proofs do not hold.
    pub failure: Option<String>,
    /// Facts about the chain.
    pub chain: Option<ReceiptSummary>,
    /// The levels, in the order of [`Level`]'s variants.
    pub levels: Vec<LevelReport>,
    /// When the chain was made.
    pub time: Option<TimeReport>,
    /// Whose keys stand for it. Absent like the level `signature`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<SignaturesReport>,
    /// What was declared before the run, and what was done. Absent like the level `declared`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<DeclaredReport>,
    /// What no level of this report shows.
    pub not_shown: Vec<String>,
}

/// Facts about the chain of a receipt. Hashes are hex digits.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptSummary {
    /// The SHA-256 of the receipt's bytes.
    pub receipt: String,
    /// The run's name, from genesis.
    pub name: String,
    /// Hash of the genesis block.
    pub genesis: String,
    /// Hash of the head.
    pub head: String,
    /// Height of the head.
    pub height: u32,
    /// How the run ended. Absent if the head is no final block.
    pub ending: Option<&'static str>,
    /// Parameter root of the artifact. Absent if the head is no final block.
    pub artifact: Option<String>,
}

const SCHEMA: &str = "burn-pow/check-receipt/v1";

impl ReceiptReport {
    /// Whether no level fails, and every required one holds.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// The report on one level.
    pub fn level(&self, level: Level) -> Option<&LevelReport> {
        self.levels.iter().find(|report| report.level == level)
    }

    pub(super) fn failed(failure: String) -> Self {
        ReceiptReport {
            schema: SCHEMA,
            headline: "DOES NOT HOLD".into(),
            holds: false,
            failure: Some(failure),
            chain: None,
            levels: Vec::new(),
            time: None,
            signatures: None,
            declared: None,
            not_shown: vec!["anything: a receipt that does not hold shows nothing".into()],
        }
    }

    pub(super) fn of(shown: &Shown, options: &ReceiptOptions) -> Self {
        let missing = |level, line: &str| LevelReport::new(level, Verdict::NotChecked, line);
        let run = "checkpoints and config.json are in the run, not in a receipt";
        let mut levels = vec![
            chain_level(shown, options),
            finished_level(shown),
            work_level(shown),
            shown.time.level.clone(),
            missing(
                Level::Data,
                "the order of samples needs the blocks in between",
            ),
            missing(Level::State, run),
            shown.replay.replay.clone(),
            shown.replay.detection.clone(),
            artifact_level(shown, options),
        ];
        levels.extend(shown.signatures.level.clone());
        levels.extend(shown.declared.level.clone());
        for level in &mut levels {
            level.required = options.require.contains(&level.level);
        }
        let fails = |level: &&LevelReport| level.verdict == Verdict::Fails;
        let unmet = |level: &&LevelReport| level.required && level.verdict != Verdict::Holds;
        let fault = levels.iter().find(fails).or(levels.iter().find(unmet));
        // A level that the receipt cannot have is required in vain.
        let mut required = options.require.iter();
        let lacking = required.find(|level| levels.iter().all(|report| report.level != **level));
        let pin = match (options.genesis, options.head) {
            (_, Some(_)) => Pin::Head,
            (Some(_), None) => Pin::Genesis,
            (None, None) => Pin::None,
        };
        let headline = match fault {
            Some(level) => format!("DOES NOT HOLD ({})", level.level.name()),
            None => match lacking {
                Some(level) => format!("DOES NOT HOLD ({})", level.name()),
                None => consistent(pin, &levels) + signed(&levels),
            },
        };
        ReceiptReport {
            schema: SCHEMA,
            headline,
            holds: fault.is_none() && lacking.is_none(),
            failure: None,
            chain: Some(summary(shown)),
            levels,
            time: shown.time.report.clone(),
            signatures: shown.signatures.report.clone(),
            declared: shown.declared.report.clone(),
            not_shown: not_shown(shown, options),
        }
    }
}

fn summary(shown: &Shown) -> ReceiptSummary {
    let last = match shown.head.fixed().kind() {
        FixedKind::Final(last) => Some(last),
        _ => None,
    };
    ReceiptSummary {
        receipt: to_hex(&shown.digest),
        name: shown.genesis.name.clone(),
        genesis: shown.first.hash().to_string(),
        head: shown.head.hash().to_string(),
        height: shown.head.height().get(),
        ending: last.map(|last| last.ending.name()),
        artifact: last.map(|last| last.artifact.to_string()),
    }
}

fn chain_level(shown: &Shown, options: &ReceiptOptions) -> LevelReport {
    let level = |verdict, line: String| LevelReport::new(Level::Chain, verdict, line);
    for (what, block, pinned) in [
        ("the last block", &shown.head, options.head),
        ("genesis", &shown.first, options.genesis),
    ] {
        let found = block.hash();
        if let Some(pinned) = pinned.filter(|pinned| *pinned != found) {
            let line = format!("{what} is {found}, the pinned one {pinned}");
            return level(Verdict::Fails, line);
        }
    }
    let height = shown.head.height().get();
    let line = match height {
        0 => "block 0 meets its own target".into(),
        height => format!(
            "block {height} extends block 0, and both meet their own targets; {} in between {} not in a receipt",
            counted(u64::from(height) - 1, "block", "blocks"),
            if height == 2 { "is" } else { "are" }
        ),
    };
    level(Verdict::Partly, line)
}

fn finished_level(shown: &Shown) -> LevelReport {
    match shown.head.fixed().kind() {
        FixedKind::Final(last) => LevelReport::new(
            Level::Finished,
            Verdict::Holds,
            format!(
                "the head is a final block: {} after {}",
                last.ending.name(),
                counted(last.steps.0, "step", "steps")
            ),
        ),
        _ => LevelReport::new(
            Level::Finished,
            Verdict::NotChecked,
            "the head is no final block: the run went on, or was not finished",
        ),
    }
}

fn work_level(shown: &Shown) -> LevelReport {
    let line = match shown.head.height().get() {
        0 => format!("{} expected hashes for block 0", shown.first.work()),
        height => format!(
            "{} expected hashes for block {height}, {} for block 0; those in between are not in a receipt",
            shown.head.work(),
            shown.first.work()
        ),
    };
    LevelReport::new(Level::Work, Verdict::Partly, line)
}

fn artifact_level(shown: &Shown, options: &ReceiptOptions) -> LevelReport {
    let level = |verdict, line: String| LevelReport::new(Level::Artifact, verdict, line);
    let FixedKind::Final(last) = shown.head.fixed().kind() else {
        return level(Verdict::NotChecked, "there is no final block".into());
    };
    let (step, artifact) = (last.steps, last.artifact);
    match options.model {
        Some(root) if root == artifact => level(
            Verdict::Holds,
            format!("the model given is that of step {step} ({root})"),
        ),
        Some(root) => level(
            Verdict::Fails,
            format!("the model given has root {root}, but the final block says {artifact}"),
        ),
        None => level(
            Verdict::NotChecked,
            format!("the model of step {step} has root {artifact}; give the model with --model"),
        ),
    }
}

fn not_shown(shown: &Shown, options: &ReceiptOptions) -> Vec<String> {
    let mut lines = Vec::new();
    if options.head.is_none() {
        lines.push(format!(
            "that {} is the head of a chain that others know: pin it with --head",
            shown.head.hash()
        ));
    }
    lines.push(
        "that the blocks in between hold the rules, or that there are any: pow verify reads them"
            .into(),
    );
    lines.extend(shown.time.not_shown.clone());
    lines.extend(shown.signatures.not_shown.clone());
    lines.extend(shown.replay.not_shown.clone());
    for section in &shown.not_read {
        lines.push(format!(
            "what is in {section}: this version does not read it"
        ));
    }
    lines.push("that the training happened: only a replay of the steps shows that".into());
    lines.push(DISCARDED_RUNS.into());
    lines.push("who owns the model or the data, and whether the data are good".into());
    shown.declared.change(&mut lines);
    lines
}

impl fmt::Display for ReceiptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(failure) => writeln!(f, "{}: {}", self.headline, printable(failure))?,
            None => writeln!(f, "{}", self.headline)?,
        }
        if let Some(chain) = &self.chain {
            writeln!(f, "  receipt  sha256 {}", chain.receipt)?;
            writeln!(f, "  run      {}", printable(&chain.name))?;
            writeln!(f, "  genesis  {}", chain.genesis)?;
            writeln!(f, "  head     {} (block {})", chain.head, chain.height)?;
            writeln!(f)?;
        }
        write_findings(f, &self.levels, &self.not_shown)
    }
}
