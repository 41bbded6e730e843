//! DETECTION, and what stays open.

use crate::display::counted;
use crate::replay::{Detection, Fraction, MachinePart, ReplayReport, Segments};
use crate::report::{Level, LevelReport, Verdict};
use pow_core::challenge::{ChallengeSource, SegmentCount};
use std::path::PathBuf;

/// A challenge all of which is bit-exact.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    pub(super) path: PathBuf,
    pub(super) report: &'a ReplayReport,
    pub(super) segments: &'a Segments,
    /// Whether the verifier pins the head.
    pub(super) is_pinned: bool,
}

impl Standing<'_> {
    /// Segments that were not executed.
    fn left(&self) -> SegmentCount {
        SegmentCount(self.segments.count().0 - self.report.results().len() as u64)
    }

    fn needs_pin(&self) -> bool {
        let source = self.report.challenge().source();
        !self.is_pinned && *source != ChallengeSource::Head && self.left().0 > 0
    }

    pub(super) fn detection_level(&self) -> LevelReport {
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
        .line("this holds if the value is the one that you drew, or saw the beacon give, after the pinned head was known: that is not checked here")
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
pub(super) fn not_shown(standing: Option<&Standing<'_>>) -> Vec<String> {
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
                .all(|r| r.machine.agrees_with(recorded, MachinePart::Executable) == Some(true))
            {
                code = (standing.left().0 > 0).then_some(
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
