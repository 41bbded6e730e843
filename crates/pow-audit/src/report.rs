//! Levels, verdicts, and the lines that need nothing but the walk.

use crate::AuditOptions;
use crate::display::{counted, utc};
use crate::walk::WalkEnd;
use pow_core::chain::VerifiedChain;
use pow_core::hash::BlockHash;
use serde::Serialize;
use std::path::Path;
use std::str::FromStr;

/// One kind of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Level {
    /// Linkage, commitments, work, difficulty, clock, planned length.
    Chain,
    /// The chain ends with a final block and nothing follows it.
    Finished,
    /// How much work the chain holds.
    Work,
    /// When the chain was made.
    Time,
    /// Dataset and order.
    Data,
    /// Checkpoint files and config.json.
    State,
    /// Re-execution of segments.
    Replay,
    /// How likely replay would have found a bad segment.
    Detection,
    /// The weights file is the final block's.
    Artifact,
}

/// All levels, in the report's order.
const LEVELS: [(Level, &str); 9] = [
    (Level::Chain, "chain"),
    (Level::Finished, "finished"),
    (Level::Work, "work"),
    (Level::Time, "time"),
    (Level::Data, "data"),
    (Level::State, "state"),
    (Level::Replay, "replay"),
    (Level::Detection, "detection"),
    (Level::Artifact, "artifact"),
];

impl Level {
    /// The level's name, as `--require` takes it.
    pub fn name(self) -> &'static str {
        LEVELS
            .iter()
            .find(|level| level.0 == self)
            .map_or("", |level| level.1)
    }
}

/// A name that is no level's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no level is called {0:?}; there are chain, finished, work, time, data, state, replay, detection, artifact"
)]
pub struct ParseLevelError(pub String);

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(name: &str) -> Result<Self, ParseLevelError> {
        LEVELS
            .iter()
            .find(|level| level.1 == name)
            .map(|level| level.0)
            .ok_or_else(|| ParseLevelError(name.into()))
    }
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Checked whole, and it holds.
    Holds,
    /// Only part of the level could be checked; that part holds.
    Partly,
    /// Checked, and it does not hold.
    Fails,
    /// Checked in an environment that may give other bits than the one that
    /// recorded the run, and it did: neither held nor failed.
    NotComparable,
    /// Not checked; nothing is claimed.
    NotChecked,
}

/// One level's verdict and the reasons.
#[derive(Clone, Debug, Serialize)]
pub struct LevelReport {
    /// Which level.
    pub level: Level,
    /// Its verdict.
    pub verdict: Verdict,
    /// Whether the whole report depends on it.
    pub required: bool,
    /// What was found, most important first.
    pub lines: Vec<String>,
}

impl LevelReport {
    pub(crate) fn new(level: Level, verdict: Verdict, line: impl Into<String>) -> Self {
        LevelReport {
            level,
            verdict,
            required: false,
            lines: vec![line.into()],
        }
    }

    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }
}

/// The chain in figures; hashes as hex.
#[derive(Clone, Debug, Serialize)]
pub struct ChainSummary {
    /// Run name, from genesis.
    pub name: String,
    /// Hash of the genesis block.
    pub genesis: String,
    /// Hash of the last good block.
    pub head: String,
    /// Height of the last good block.
    pub height: u32,
    /// Last committed step.
    pub step: Option<u64>,
    /// Expected hashes, a decimal number.
    pub work: String,
    /// How the run ended, if it did.
    pub ending: Option<&'static str>,
}

/// The outcome of an audit.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Always `burn-pow/verify/v0`.
    pub schema: &'static str,
    /// The run directory, or the chain file if only that was given.
    pub run: String,
    /// The outcome in a few words.
    pub headline: String,
    /// Whether every required level holds.
    pub holds: bool,
    /// The chain's figures, if it has a good genesis block.
    pub chain: Option<ChainSummary>,
    /// The levels.
    pub levels: Vec<LevelReport>,
    /// What no level of this report shows.
    pub not_shown: Vec<String>,
}

impl Report {
    pub(crate) fn new(
        subject: &Path,
        options: &AuditOptions,
        end: WalkEnd,
        levels: Vec<LevelReport>,
        not_shown: Vec<String>,
    ) -> Report {
        let unmet: Vec<&str> = levels
            .iter()
            .filter(|level| level.required && level.verdict != Verdict::Holds)
            .map(|level| level.level.name())
            .collect();
        // A level that was checked and fails condemns the run, required or not.
        // (That a run goes on is said in a word of its own.)
        let failed = levels
            .iter()
            .filter(|level| !(level.level == Level::Finished && end.is_unfinished()))
            .any(|level| level.verdict == Verdict::Fails);
        let mut headline = if end.no_block_yet {
            "NO BLOCK YET".to_owned()
        } else if let [first, ..] = unmet[..] {
            format!("DOES NOT HOLD ({first})")
        } else if failed {
            "THE REQUIRED LEVELS HOLD, OTHERS FAIL".to_owned()
        } else if options.head.is_some() {
            "CONSISTENT WITH THE PINNED HEAD, UNANCHORED IN TIME".to_owned()
        } else if options.genesis.is_some() {
            "CONSISTENT WITH THE PINNED GENESIS, UNANCHORED IN TIME".to_owned()
        } else {
            "CONSISTENT, UNANCHORED".to_owned()
        };
        if unmet.is_empty() && end.is_unfinished() {
            headline.push_str(", UNFINISHED");
        }
        Report {
            schema: "burn-pow/verify/v0",
            run: subject.display().to_string(),
            headline,
            holds: unmet.is_empty(),
            chain: end.chain.as_ref().map(summary),
            levels,
            not_shown,
        }
    }

    /// Whether every required level holds.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// The report of one level.
    pub fn level(&self, level: Level) -> Option<&LevelReport> {
        self.levels.iter().find(|report| report.level == level)
    }
}

fn summary(chain: &VerifiedChain) -> ChainSummary {
    ChainSummary {
        name: chain.genesis().name.clone(),
        genesis: chain.genesis_hash().to_string(),
        head: chain.head_hash().to_string(),
        height: chain.height().get(),
        step: chain.last_entry().map(|entry| entry.step.0),
        work: chain.work().to_string(),
        ending: chain.end().map(|end| end.ending.name()),
    }
}

pub(crate) fn chain_level(end: &WalkEnd, head: Option<BlockHash>) -> LevelReport {
    if let Some(failure) = end.failure.as_ref().filter(|_| end.no_block_yet) {
        return LevelReport::new(Level::Chain, Verdict::NotChecked, failure.clone());
    }
    if let Some(failure) = &end.failure {
        return LevelReport::new(Level::Chain, Verdict::Fails, failure.clone()).line(
            match end.blocks {
                1 => "the block before it holds every rule".into(),
                blocks => format!("{blocks} blocks before it hold every rule"),
            },
        );
    }
    if let (Some(pinned), Some(chain)) = (head, &end.chain)
        && chain.head_hash() != pinned
    {
        let found = chain.head_hash();
        let line = format!("the last block is {found}, the pinned head {pinned}");
        return LevelReport::new(Level::Chain, Verdict::Fails, line);
    }
    let planned = end
        .chain
        .as_ref()
        .and_then(|chain| chain.genesis().schedule.planned);
    let planned = planned.map_or("an unknown number of steps".into(), steps);
    let level = LevelReport::new(
        Level::Chain,
        Verdict::Holds,
        format!(
            "{}, {}; links, commitments, work, difficulty and clock hold; {planned} planned",
            counted(end.blocks, "block", "blocks"),
            counted(end.entries, "entry", "entries")
        ),
    );
    match end.torn {
        Some(torn) => level.line(format!(
            "byte {}: the file ends inside a record ({} bytes of it); the writer was killed or is at work, or the file was cut",
            torn.offset, torn.len
        )),
        None => level,
    }
}

pub(crate) fn finished_level(end: &WalkEnd) -> LevelReport {
    let level = |verdict, line: String| LevelReport::new(Level::Finished, verdict, line);
    let Some(chain) = &end.chain else {
        return level(Verdict::NotChecked, "no genesis block".into());
    };
    match (chain.end(), end.torn, &end.failure) {
        (Some(last), None, None) => level(
            Verdict::Holds,
            format!("{} after {}", last.ending.name(), steps(last.steps.0)),
        ),
        (Some(_), Some(torn), None) => level(
            Verdict::Fails,
            format!("byte {}: bytes follow the final block", torn.offset),
        ),
        (Some(_), _, Some(failure)) => level(
            Verdict::Fails,
            format!("something follows the final block: {failure}"),
        ),
        (None, _, Some(_)) => level(
            Verdict::NotChecked,
            format!("the chain breaks after block {}", chain.height()),
        ),
        (None, _, None) => level(
            Verdict::Fails,
            format!(
                "no final block after block {}: the run goes on, was killed, or its end was cut off",
                chain.height()
            ),
        ),
    }
}

fn steps(count: u64) -> String {
    counted(count, "step", "steps")
}

/// Hashes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashRate(pub u64);

/// Rates that costs are stated at, and what searches so fast: reference points,
/// not measured here.
pub const RATES: [(&str, HashRate); 3] = [
    ("a CPU core at 30 MH/s", HashRate(30_000_000)),
    ("a large GPU at 7 GH/s", HashRate(7_000_000_000)),
    ("an ASIC at 200 TH/s", HashRate(200_000_000_000_000)),
];

pub(crate) fn work_level(end: &WalkEnd) -> LevelReport {
    let Some(chain) = &end.chain else {
        return LevelReport::new(Level::Work, Verdict::NotChecked, "no genesis block");
    };
    let work = chain.work().saturating_u128();
    let costs: Vec<String> = RATES
        .iter()
        .map(|(name, rate)| {
            let millis = work.saturating_mul(1000) / u128::from(rate.0);
            format!("{} on {name}", duration(millis))
        })
        .collect();
    LevelReport::new(
        Level::Work,
        Verdict::Holds,
        format!("{} expected hashes: {}", chain.work(), costs.join(", ")),
    )
    .line("the rates are reference points, not measured here")
}

/// A time in words; one of some billion years and more is not told apart.
pub(crate) fn duration(millis: u128) -> String {
    match millis {
        0 => "under 1 ms".into(),
        1..10_000 => format!("{millis} ms"),
        10_000..7_200_000 => format!("{} s", millis / 1000),
        7_200_000..172_800_000 => format!("{} h", millis / 3_600_000),
        172_800_000..100_000_000_000_000_000_000 => format!("{} d", millis / 86_400_000),
        _ => "over 3 billion years".into(),
    }
}

pub(crate) fn time_level(end: &WalkEnd) -> LevelReport {
    let level = LevelReport::new(
        Level::Time,
        Verdict::NotChecked,
        "UNANCHORED: the chain may have been made at any time",
    );
    match &end.chain {
        Some(chain) => level.line(format!(
            "self-reported: began at {}, last block at {} (UTC)",
            utc(chain.started()),
            utc(chain.last_start())
        )),
        None => level,
    }
}
