//! The report on a run: its levels, their verdicts, and how it is printed.

pub(crate) mod declared;
pub(crate) mod hash_rate;
pub(crate) mod signature;
pub(crate) mod time;
pub(crate) mod verdict;

use crate::display::printable;
use crate::lineage::{BaseLink, Link};
use crate::report::declared::DeclaredReport;
use crate::report::signature::SignaturesReport;
use crate::report::time::TimeReport;
use crate::report::verdict::Verdict;
use crate::walk::WalkEnd;
use pow_core::chain::VerifiedChain;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// One kind of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Level {
    /// Links, commitments, work, difficulty, clock and planned length.
    Chain,
    /// Whether the chain ends with a final block and nothing follows it.
    Finished,
    /// How much work the chain holds.
    Work,
    /// When the chain was made.
    Time,
    /// The dataset and the order of its samples.
    Data,
    /// The checkpoint files and config.json.
    State,
    /// Whether executing segments again gave the same bits.
    Replay,
    /// How likely a bad segment would have been found by the replay.
    Detection,
    /// Whether model.safetensors is the model that the final block commits to.
    Artifact,
    /// Whether the run starts in a state of another run, or with the weights of a
    /// published model. A report has this level only if genesis names one or the verifier
    /// asks for it.
    Origin,
    /// Whether keys that the verifier named stand for the chain. A report has this level
    /// only if the run has signatures or the verifier asks for it.
    Signature,
    /// Whether the run is what a declaration made before it says. A report has this level
    /// only if genesis names a declaration or the verifier asks for it.
    Declared,
}

/// All levels, in the report's order.
const LEVELS: [(Level, &str); 12] = [
    (Level::Chain, "chain"),
    (Level::Finished, "finished"),
    (Level::Work, "work"),
    (Level::Time, "time"),
    (Level::Data, "data"),
    (Level::State, "state"),
    (Level::Replay, "replay"),
    (Level::Detection, "detection"),
    (Level::Artifact, "artifact"),
    (Level::Origin, "origin"),
    (Level::Signature, "signature"),
    (Level::Declared, "declared"),
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

/// A name that is not the name of a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no level is called {0:?}; the levels are chain, finished, work, time, data, state, replay, detection, artifact, origin, signature, declared"
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

/// The verdict on one level, and the reasons.
#[derive(Clone, Debug, Serialize)]
pub struct LevelReport {
    /// Which level.
    pub level: Level,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the whole report depends on it.
    pub required: bool,
    /// What was found. The most important line is first.
    pub lines: Vec<String>,
    /// Whether it was not checked because a file that is there could not be read.
    #[serde(skip)]
    pub(crate) could_not_check: bool,
}

impl LevelReport {
    pub(crate) fn new(level: Level, verdict: Verdict, line: impl Into<String>) -> Self {
        LevelReport {
            level,
            verdict,
            required: false,
            lines: vec![line.into()],
            could_not_check: false,
        }
    }

    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }
}

/// Facts about the chain. Hashes are hex digits.
#[derive(Clone, Debug, Serialize)]
pub struct ChainSummary {
    /// The run's name, from genesis.
    pub name: String,
    /// Hash of the genesis block.
    pub genesis: String,
    /// Hash of the last good block.
    pub head: String,
    /// Height of the last good block.
    pub height: u32,
    /// The last committed step.
    pub step: Option<u64>,
    /// Expected number of hashes, in decimal.
    pub work: String,
    /// How the run ended. Absent if it has no final block.
    pub ending: Option<&'static str>,
}

/// Where a run starts, and what was found out about that.
#[derive(Clone, Debug, Serialize)]
pub struct OriginReport {
    /// The link to the parent that genesis names. Absent if it names none.
    pub parent: Option<Link>,
    /// The link from the parent to its own parent, from that one to the next, and so on.
    pub ancestors: Vec<Link>,
    /// The runs that were given as ancestors and are none, each with the reason.
    pub not_ancestors: Vec<String>,
    /// What was found out about the base model. Absent if genesis names none and none was
    /// given.
    pub base_model: Option<BaseLink>,
}

/// The block whose hash the verifier knows from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pin {
    None,
    Genesis,
    /// The last block, and perhaps genesis.
    Head,
}

/// What the checks found.
#[derive(Debug)]
pub(crate) struct Findings {
    /// All levels, in the report's order.
    pub(crate) levels: Vec<LevelReport>,
    /// Where the run starts.
    pub(crate) origin: Option<OriginReport>,
    /// When the chain was made.
    pub(crate) time: Option<TimeReport>,
    /// Whose keys stand for it.
    pub(crate) signatures: Option<SignaturesReport>,
    /// What was declared before.
    pub(crate) declared: Option<DeclaredReport>,
    /// What no level shows.
    pub(crate) not_shown: Vec<String>,
}

/// The result of an audit.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// Always `burn-pow/verify/v0`.
    pub schema: &'static str,
    /// The run directory. If only the chain file was given, that file.
    pub run: String,
    /// The result in a few words.
    pub headline: String,
    /// Whether every required level holds.
    pub holds: bool,
    /// Facts about the chain. Absent if its genesis block is not good.
    pub chain: Option<ChainSummary>,
    /// The levels, in the order of [`Level`]'s variants.
    pub levels: Vec<LevelReport>,
    /// Where the run starts. Absent like the level `origin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginReport>,
    /// When the chain was made. Absent if its genesis block is not good.
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

impl AuditReport {
    /// `replay_given`: whether the verifier named a replay report.
    pub(crate) fn new(
        run: String,
        pin: Pin,
        end: &WalkEnd,
        findings: Findings,
        replay_given: bool,
    ) -> AuditReport {
        let Findings {
            levels,
            origin,
            time,
            signatures,
            declared,
            not_shown,
        } = findings;
        let unmet: Vec<&LevelReport> = levels
            .iter()
            .filter(|level| level.required && level.verdict != Verdict::Holds)
            .collect();
        // A level that could not be checked is no finding, so it is named last.
        let first = unmet
            .iter()
            .find(|level| !level.could_not_check)
            .or(unmet.first());
        // A level that fails changes the headline, even if it is not required. An unfinished
        // run is not a failure here: the headline says UNFINISHED.
        let failed = levels
            .iter()
            .filter(|level| !(level.level == Level::Finished && end.is_unfinished()))
            .any(|level| level.verdict == Verdict::Fails);
        let mut headline = if end.no_block_yet() {
            "NO BLOCK YET".to_owned()
        } else if let Some(first) = first {
            let what = match first.could_not_check {
                true => "COULD NOT CHECK",
                false => "DOES NOT HOLD",
            };
            format!("{what} ({})", first.level.name())
        } else if failed {
            "THE REQUIRED LEVELS HOLD, OTHERS FAIL".to_owned()
        } else {
            consistent(pin, &levels) + signed(&levels)
        };
        let holds = unmet.is_empty();
        if holds && end.is_unfinished() {
            headline.push_str(", UNFINISHED");
        }
        if replay_given && !end.no_block_yet() {
            headline.push_str(weak_replay(&levels));
        }
        AuditReport {
            schema: "burn-pow/verify/v0",
            run,
            headline,
            holds,
            chain: end.chain.as_ref().map(summary),
            levels,
            origin,
            time,
            signatures,
            declared,
            not_shown,
        }
    }

    /// Whether every required level holds.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Whether files that could not be read are all that stands between the run and a
    /// verdict: a required level could not be checked, and every other one holds. Then
    /// nothing is said against the run.
    pub fn could_not_check(&self) -> bool {
        let mut unmet = self
            .levels
            .iter()
            .filter(|level| level.required && level.verdict != Verdict::Holds)
            .peekable();
        unmet.peek().is_some() && unmet.all(|level| level.could_not_check)
    }

    /// The report on one level.
    pub fn level(&self, level: Level) -> Option<&LevelReport> {
        self.levels.iter().find(|report| report.level == level)
    }
}

/// What no chain shows, in the words of NOT SHOWN. A declaration changes the line.
pub(crate) const DISCARDED_RUNS: &str = "how many other runs were made and discarded";

/// What the headline says of a chain that holds: what it is consistent with, and whether
/// its time is anchored.
pub(crate) fn consistent(pin: Pin, levels: &[LevelReport]) -> String {
    let time = levels.iter().find(|level| level.level == Level::Time);
    let anchored = match time.map(|level| level.verdict) {
        Some(Verdict::Holds) => "ANCHORED IN TIME",
        Some(Verdict::Partly) => "ANCHORED IN TIME IN PART",
        _ => "UNANCHORED IN TIME",
    };
    match pin {
        Pin::Head => format!("CONSISTENT WITH THE PINNED HEAD, {anchored}"),
        Pin::Genesis => format!("CONSISTENT WITH THE PINNED GENESIS, {anchored}"),
        Pin::None if anchored == "UNANCHORED IN TIME" => "CONSISTENT, UNANCHORED".into(),
        Pin::None => format!("CONSISTENT, NOT PINNED, {anchored}"),
    }
}

/// What the headline says of the keys that stand for a chain.
pub(crate) fn signed(levels: &[LevelReport]) -> &'static str {
    let signed = levels.iter().find(|level| level.level == Level::Signature);
    match signed.map(|level| level.verdict) {
        Some(Verdict::Holds) => ", SIGNED",
        Some(Verdict::Partly) => ", SIGNED IN PART",
        _ => "",
    }
}

/// What the headline says of a replay that neither holds nor fails: the run must not
/// look better for a machine that it names, or a state that nobody can execute.
fn weak_replay(levels: &[LevelReport]) -> &'static str {
    let replay = levels.iter().find(|level| level.level == Level::Replay);
    match replay.map(|level| level.verdict) {
        Some(Verdict::NotComparable) => ", THE REPLAY IS NOT COMPARABLE",
        Some(Verdict::Unexplained) => ", THE REPLAY DIFFERS",
        Some(Verdict::NotChecked) => ", NOTHING WAS REPLAYED",
        Some(Verdict::Partly) => ", REPLAYED IN PART",
        Some(Verdict::Holds | Verdict::Fails) | None => "",
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

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", printable(&self.run), self.headline)?;
        if let Some(chain) = &self.chain {
            writeln!(f, "  run      {}", printable(&chain.name))?;
            writeln!(f, "  genesis  {}", chain.genesis)?;
            writeln!(f, "  head     {} (block {})", chain.head, chain.height)?;
        }
        writeln!(f)?;
        write_findings(f, &self.levels, &self.not_shown)
    }
}

/// Writes the levels, and what they do not show.
pub(crate) fn write_findings(
    f: &mut fmt::Formatter<'_>,
    levels: &[LevelReport],
    not_shown: &[String],
) -> fmt::Result {
    for level in levels {
        write_level(f, level)?;
    }
    writeln!(f, "NOT SHOWN")?;
    for line in not_shown {
        writeln!(f, "  - {}", printable(line))?;
    }
    Ok(())
}

fn write_level(f: &mut fmt::Formatter<'_>, report: &LevelReport) -> fmt::Result {
    let verdict = report.verdict.words();
    let required = if report.required { "*" } else { " " };
    let name = report.level.name().to_uppercase();
    for (i, line) in report.lines.iter().enumerate() {
        let line = printable(line);
        if i == 0 {
            writeln!(f, "{required}{name:<10} {verdict:<14} {line}")?;
        } else {
            writeln!(f, "{:26} {line}", "")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_printed_level_by_level() {
        let mut chain = LevelReport::new(Level::Chain, Verdict::Holds, "all").line("torn\tend");
        chain.required = true;
        let time = LevelReport::new(Level::Time, Verdict::NotChecked, "UNANCHORED");
        let report = AuditReport {
            schema: "",
            run: "runs/a\nb".into(),
            headline: "CONSISTENT".into(),
            holds: true,
            chain: Some(ChainSummary {
                name: "a\nb".into(),
                genesis: "00".into(),
                head: "11".into(),
                height: 2,
                step: None,
                work: String::new(),
                ending: None,
            }),
            levels: vec![chain, time],
            origin: None,
            time: None,
            signatures: None,
            declared: None,
            not_shown: vec!["who\nowns it".into()],
        };
        let lines = [
            "runs/a\\nb: CONSISTENT",
            "  run      a\\nb",
            "  genesis  00",
            "  head     11 (block 2)",
            "",
            "*CHAIN      holds          all",
            "                           torn\\tend",
            " TIME       not checked    UNANCHORED",
            "NOT SHOWN",
            "  - who\\nowns it",
        ];
        assert_eq!(report.to_string().lines().collect::<Vec<_>>(), lines);
    }
}
