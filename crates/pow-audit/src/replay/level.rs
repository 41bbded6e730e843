//! REPLAY and DETECTION: what a report is worth beside the chain.

use super::challenge::Challenge;
use super::detection::{Detection, Fraction};
use super::fit::misfit;
use super::machine::Machine;
use super::outcome::Outcome;
use super::report::{ReplayReport, ReportError, SegmentResult};
use super::segments::{SegmentCollector, Segments};
use crate::AuditOptions;
use crate::report::{Level, LevelReport, Verdict};
use crate::walk::{BlockRow, WalkEnd};
use crate::words::counted;
use pow_core::challenge::{ChallengeSource, SegmentCount};
use pow_core::hash::BlockHash;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a replay report comes to.
#[derive(Debug)]
pub(crate) struct ReplayVerdict {
    pub(crate) replay: LevelReport,
    pub(crate) detection: LevelReport,
    /// What stays open.
    pub(crate) not_shown: Vec<String>,
}

/// Collects what a report is compared with, block by block.
#[derive(Debug)]
pub(crate) struct ReplayCheck {
    report: Option<(PathBuf, ReplayReport)>,
    head: Option<BlockHash>,
    collector: SegmentCollector,
}

impl ReplayCheck {
    /// Reads the report, if there is one.
    pub(crate) fn open(options: &AuditOptions) -> Result<Self, ReportError> {
        let report = match &options.replay_report {
            Some(path) => Some((path.clone(), ReplayReport::read(path)?)),
            None => None,
        };
        Ok(ReplayCheck {
            report,
            head: options.head,
            collector: SegmentCollector::default(),
        })
    }

    pub(crate) fn block(&mut self, row: &BlockRow<'_>) {
        if self.report.is_some() {
            self.collector.block(row);
        }
    }

    pub(crate) fn finish(self, end: &WalkEnd) -> ReplayVerdict {
        let Some((path, report)) = self.report else {
            return ReplayVerdict::none();
        };
        let segments = self.collector.finish(end);
        let segments = segments.filter(|_| end.failure.is_none());
        ReplayVerdict::of(&path, &report, segments.as_ref(), self.head)
    }
}

impl ReplayVerdict {
    /// Without a report.
    fn none() -> Self {
        ReplayVerdict {
            replay: not_checked(
                Level::Replay,
                "no step was executed again, or no report on it was given (--replay-report)",
            ),
            detection: not_checked(
                Level::Detection,
                "without a replay there is nothing to state",
            ),
            not_shown: not_shown(None),
        }
    }

    /// With the report from `path`. `segments` are those of the good blocks;
    /// absent if the chain does not hold. `head` is the hash that the verifier
    /// pins.
    fn of(
        path: &Path,
        report: &ReplayReport,
        segments: Option<&Segments>,
        head: Option<BlockHash>,
    ) -> Self {
        let nothing = |replay| ReplayVerdict {
            replay,
            detection: not_checked(Level::Detection, "nothing to state: see REPLAY"),
            not_shown: not_shown(None),
        };
        let Some(segments) = segments else {
            let line = "the chain does not hold, so there is nothing to compare the report with";
            return nothing(not_checked(Level::Replay, line));
        };
        if let Some(reason) = misfit(report, segments) {
            let line = format!("{} is no report on this chain: {reason}", path.display());
            return nothing(LevelReport::new(Level::Replay, Verdict::Fails, line));
        }
        let replay = replay_level(path, report, segments);
        if !is_bit_exact(report) {
            return nothing(replay);
        }
        let standing = Standing {
            path: path.to_owned(),
            report,
            segments,
            // A pin that is not the head's fails CHAIN.
            is_pinned: head == Some(report.chain().head),
        };
        ReplayVerdict {
            replay,
            detection: standing.detection_level(),
            not_shown: not_shown(Some(&standing)),
        }
    }
}

fn not_checked(level: Level, line: &str) -> LevelReport {
    LevelReport::new(level, Verdict::NotChecked, line)
}

/// Whether the whole challenge was executed, and all of it bit for bit.
fn is_bit_exact(report: &ReplayReport) -> bool {
    report.shard().of() == 1
        && !report.results().is_empty()
        && count(report, |outcome| {
            matches!(outcome, Outcome::BitExact { .. })
        }) == report.results().len() as u64
}

fn count(report: &ReplayReport, is: impl Fn(&Outcome) -> bool) -> u64 {
    let results = report.results().iter();
    results.filter(|result| is(&result.outcome)).count() as u64
}

fn replay_level(path: &Path, report: &ReplayReport, segments: &Segments) -> LevelReport {
    let verdict = verdict(report, segments);
    let exact = count(report, |outcome| {
        matches!(outcome, Outcome::BitExact { .. })
    });
    let mut level = LevelReport::new(
        Level::Replay,
        verdict,
        format!(
            "according to {}: {exact} of {} bit-exact, of {} in the chain",
            path.display(),
            counted(report.results().len() as u64, "segment", "segments"),
            segments.count()
        ),
    );
    level = level.line(challenge_line(report.challenge()));
    if report.shard().of() > 1 {
        level = level.line(format!(
            "only part {} of the challenge: `pow merge` puts the parts together",
            report.shard()
        ));
    }
    if let Some(steps) = segments.uncovered() {
        level = level.line(format!(
            "the steps after {}, up to {}, belong to no segment: the last entry, hence the artifact, was not reached",
            steps.start, steps.end
        ));
    }
    for line in outcome_lines(report) {
        level = level.line(line);
    }
    for line in machine_lines(report) {
        level = level.line(line);
    }
    level
}

fn verdict(report: &ReplayReport, segments: &Segments) -> Verdict {
    let any = |is: fn(&Outcome) -> bool| report.results().iter().any(|r| is(&r.outcome));
    if any(Outcome::is_failure) {
        Verdict::Fails
    } else if any(|outcome| matches!(outcome, Outcome::NotComparable { .. })) {
        Verdict::NotComparable
    } else if is_bit_exact(report) && segments.uncovered().is_none() {
        Verdict::Holds
    } else if any(|outcome| !matches!(outcome, Outcome::Refused { .. })) {
        Verdict::Partly
    } else {
        // Nothing at all was executed.
        Verdict::NotChecked
    }
}

fn challenge_line(challenge: &Challenge) -> String {
    let source = match challenge.source() {
        ChallengeSource::Head => "from the head alone",
        ChallengeSource::Verifier(_) => "from a verifier's value",
        ChallengeSource::Beacon(_) => {
            "from a beacon's value, which was not compared with the beacon"
        }
    };
    format!(
        "challenge {source}: {} picked of {}, and {} always checked",
        challenge.picks(),
        challenge.remaining(),
        challenge.always().len()
    )
}

/// A level has no more lines than this on single segments.
const MAX_LINES: usize = 8;

/// The segments that are not bit-exact, those that speak against the run first.
fn outcome_lines(report: &ReplayReport) -> Vec<String> {
    let mut others: Vec<&SegmentResult> = report
        .results()
        .iter()
        .filter(|result| !matches!(result.outcome, Outcome::BitExact { .. }))
        .collect();
    others.sort_by_key(|result| !result.outcome.is_failure());
    let mut lines: Vec<String> = others
        .iter()
        .take(MAX_LINES)
        .map(|r| outcome_line(r))
        .collect();
    if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        lines.push(format!("and {more} more that are not bit-exact"));
    }
    lines
}

fn outcome_line(result: &SegmentResult) -> String {
    let segment = result.segment;
    let which = |end: &super::SegmentEnd| match end {
        super::SegmentEnd::Start => segment.from_step,
        super::SegmentEnd::End => segment.to_step,
    };
    let words = match &result.outcome {
        Outcome::BitExact { entries } => format!("bit-exact in {entries} entries"),
        Outcome::Differs {
            step,
            field,
            found,
            expected,
        } => format!(
            "step {step} DIFFERS: its {} is {found}, the chain says {expected}",
            field.name()
        ),
        Outcome::CheckpointAbsent { which: end } => {
            format!("the checkpoint of step {} is ABSENT", which(end))
        }
        Outcome::CheckpointDamaged { which: end, why } => {
            format!("the checkpoint of step {} is DAMAGED: {why}", which(end))
        }
        Outcome::NotComparable { why } => format!("not comparable: {why}"),
        Outcome::Tolerance {
            metric,
            threshold,
            distance,
        } => format!(
            "{metric} is {distance}, {} the threshold {threshold}: weaker than bit-exact, and no proof of anything by itself",
            if distance <= threshold {
                "within"
            } else {
                "beyond"
            }
        ),
        Outcome::Refused { why } => format!("not executed: {why}"),
    };
    format!(
        "segment {} (steps {} to {}, block {}): {words}",
        segment.index,
        segment.from_step,
        segment.to_step,
        segment.block.get()
    )
}

/// Who replayed, beside who recorded.
fn machine_lines(report: &ReplayReport) -> Vec<String> {
    let machines: BTreeSet<&Machine> = report.results().iter().map(|r| &r.machine).collect();
    let recorded = report.recorded();
    let hash = |machine: &Machine| {
        let digest = machine.executable.map(|digest| digest.to_string());
        digest.unwrap_or_else(|| "unknown".into())
    };
    let mut lines = Vec::new();
    for machine in machines {
        lines.push(match machine.has_executable_of(recorded) {
            Some(true) => format!("executed by {}, as genesis says", hash(machine)),
            Some(false) => format!(
                "executed by {}: MISMATCH, genesis says {}",
                hash(machine),
                hash(recorded)
            ),
            None => format!(
                "executed by {}; genesis says {}: NOT COMPARED",
                hash(machine),
                hash(recorded)
            ),
        });
        let differing = differing_fields(machine, recorded);
        lines.push(if differing.is_empty() {
            "in the environment that genesis names".into()
        } else {
            format!(
                "in another environment than genesis: {}",
                differing.join("; ")
            )
        });
    }
    lines
}

fn differing_fields(machine: &Machine, recorded: &Machine) -> Vec<String> {
    let (here, there) = (&machine.environment, &recorded.environment);
    let threads = [here, there].map(|environment| environment.threads.to_string());
    [
        ("burn", &here.burn, &there.burn),
        ("backend", &here.backend, &there.backend),
        ("device", &here.device, &there.device),
        ("cpu", &here.cpu, &there.cpu),
        ("threads", &threads[0], &threads[1]),
    ]
    .into_iter()
    .filter(|(_, here, there)| here != there)
    .map(|(name, here, there)| format!("{name} {here:?}, genesis {there:?}"))
    .collect()
}

/// A challenge all of which is bit-exact.
#[derive(Debug)]
struct Standing<'a> {
    path: PathBuf,
    report: &'a ReplayReport,
    segments: &'a Segments,
    is_pinned: bool,
}

impl Standing<'_> {
    /// Segments that were not executed.
    fn left(&self) -> SegmentCount {
        SegmentCount(self.segments.count().0 - self.report.results().len() as u64)
    }

    /// Whether any step was not executed.
    fn leaves_steps(&self) -> bool {
        self.left().0 > 0 || self.segments.uncovered().is_some()
    }

    fn needs_pin(&self) -> bool {
        let source = self.report.challenge().source();
        !self.is_pinned && *source != ChallengeSource::Head && self.left().0 > 0
    }

    fn detection_level(&self) -> LevelReport {
        let level = |verdict, line: String| LevelReport::new(Level::Detection, verdict, line);
        if self.left().0 == 0 {
            let line = "every segment was executed, so that nothing was left to chance";
            return level(Verdict::Holds, line.into());
        }
        if self.needs_pin() {
            let line = "the head is not pinned (--head), so the chain may have been made to suit the challenge's value";
            return level(Verdict::NotChecked, line.into());
        }
        let challenge = self.report.challenge();
        let detection = Detection::new(challenge.remaining(), challenge.picks());
        let share = challenge
            .goal()
            .map_or(Fraction::TENTH, |goal| goal.fraction);
        let bad = share.of(challenge.remaining());
        if *challenge.source() == ChallengeSource::Head {
            return self.forging_level(detection, bad);
        }
        level(
            Verdict::Holds,
            format!(
                "{} bad of the {} segments that may be picked are found with probability {}",
                bad,
                challenge.remaining(),
                probability(detection, bad)
            ),
        )
        .line(format!(
            "a single bad one with probability {}/{} = {:.3}",
            challenge.picks(),
            challenge.remaining(),
            detection.caught_single()
        ))
        .line("this holds if the value did not exist before the pinned head was known, which is not checked here")
    }

    /// Of a challenge that its own maker could have mined for.
    fn forging_level(&self, detection: Detection, bad: SegmentCount) -> LevelReport {
        let work = self.segments.chain().head().bits.decode();
        let work = work.map_or(pow_core::target::Work::ZERO, |target| target.work());
        let cost = |bad| match detection.forging_cost(bad, work) {
            Some(cost) => cost.to_string(),
            None => "cannot be missed".into(),
        };
        LevelReport::new(
            Level::Detection,
            Verdict::Partly,
            format!(
                "anybody can compute this challenge; to mine last blocks until it misses {} bad of {} segments takes {}",
                bad,
                detection.remaining(),
                cost(bad)
            ),
        )
        .line(format!("to miss a single bad one takes {}", cost(SegmentCount(1))))
        .line("that is the work of the last block, so many times; no other block has to be mined again")
    }
}

/// The probability that one of `bad` segments is found.
fn probability(detection: Detection, bad: SegmentCount) -> String {
    let log2_miss = detection.ln_miss(bad) / std::f64::consts::LN_2;
    match log2_miss {
        certain if certain == f64::NEG_INFINITY => "1".into(),
        small if small < -9.0 => format!("1 - 2^{small:.1}"),
        _ => format!("{:.3}", detection.caught(bad)),
    }
}

/// What remains open whatever the levels say.
fn not_shown(standing: Option<&Standing<'_>>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut code = Some("that the committed code is what ran");
    match standing {
        None => {
            lines.push("that the training happened: only a replay of the steps shows that".into())
        }
        Some(standing) => {
            lines.push(format!(
                "that {} is true: it is the word of whoever made it",
                standing.path.display()
            ));
            if standing.left().0 > 0 {
                lines.push(format!(
                    "that the {} not executed again follow from code and data",
                    counted(standing.left().0, "segment", "segments")
                ));
            }
            if let Some(steps) = standing.segments.uncovered() {
                lines.push(format!(
                    "that the steps after {}, up to {}, follow from code and data",
                    steps.start, steps.end
                ));
            }
            if standing.needs_pin() {
                lines.push("how likely bad segments would have been found: the head was not pinned before the challenge's value existed".into());
            }
            if !standing.segments.chain().genesis().initial.regenerable {
                lines
                    .push("where the initial state came from: seed and code do not give it".into());
            }
            let recorded = standing.report.recorded();
            let results = standing.report.results();
            if results
                .iter()
                .all(|r| r.machine.has_executable_of(recorded) == Some(true))
            {
                code = standing.leaves_steps().then_some(
                    "that the committed code is what ran, where it was not executed again",
                );
            }
        }
    }
    lines.extend(
        [
            "when it happened: clocks are self-reported, and a whole chain can be mined afterwards",
            "how many other runs were made and discarded",
            "how seed and data were chosen",
            "who owns the model or the data",
            "whether the data are good",
        ]
        .into_iter()
        .chain(code)
        .chain(["a fault that the program and its replay would share"])
        .map(String::from),
    );
    lines
}
