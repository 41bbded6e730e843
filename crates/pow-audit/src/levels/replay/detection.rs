//! DETECTION, and what no level shows.

use crate::display::counted;
use crate::replay::{Detection, Fraction, MachinePart, ReplayReport, Segments};
use crate::report::verdict::Verdict;
use crate::report::{DISCARDED_RUNS, Level, LevelReport};
use pow_core::challenge::{ChallengeSource, SegmentCount};
use std::path::PathBuf;

/// A challenge that was executed whole, with every segment bit-exact.
#[derive(Debug)]
pub(super) struct BitExactReplay<'a> {
    pub(super) path: PathBuf,
    pub(super) report: &'a ReplayReport,
    pub(super) segments: &'a Segments,
    /// Whether the verifier pins the head.
    pub(super) is_pinned: bool,
    /// What of the first state came from which step of another run.
    pub(super) traced: Option<&'a str>,
}

impl BitExactReplay<'_> {
    /// The number of segments that were not executed.
    fn not_executed(&self) -> SegmentCount {
        SegmentCount(self.segments.count().0 - self.report.results().len() as u64)
    }

    fn needs_pin(&self) -> bool {
        let source = self.report.challenge().source();
        !self.is_pinned && *source != ChallengeSource::Head && self.not_executed().0 > 0
    }

    pub(super) fn detection_level(&self) -> LevelReport {
        let mut level = self.by_chance();
        if !self.segments.chain().genesis().initial.regenerable {
            // The model may have been trained before the run, outside of any record.
            if level.verdict == Verdict::Holds {
                level.verdict = Verdict::Partly;
            }
            level = level.line(match self.traced {
                Some(traced) => format!(
                    "ORIGIN traces {traced}, whose training was not executed here"
                ),
                None => "taken on trust: the weights, the optimizer's state and the positions of the first checkpoint, which genesis does not say that seed and code give".into(),
            });
        }
        level
    }

    /// How likely a bad segment would have been found.
    fn by_chance(&self) -> LevelReport {
        let level = |verdict, line: String| LevelReport::new(Level::Detection, verdict, line);
        if self.not_executed().0 == 0 {
            let line = "every segment was executed, so nothing was left to chance";
            return level(Verdict::Holds, line.into());
        }
        if self.report.challenge().picks().0 == 0 {
            let line = "no segment was picked at random, so a bad one was found only if it was among those always checked";
            return level(Verdict::NotChecked, line.into());
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
                "if {} of the {} segments that may be picked are bad, one of them is found with probability {}",
                bad,
                challenge.remaining(),
                probability(detection, bad)
            ),
        )
        .line(format!(
            "a single bad one is found with probability {}/{} = {:.3}",
            challenge.picks(),
            challenge.remaining(),
            detection.caught_single()
        ))
        .line("this holds if you drew the value, or the beacon gave it, after you knew the pinned head: that is not checked here")
    }

    /// The verdict on a challenge from the head alone. The miner of the head could have
    /// chosen it.
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
                "anybody can compute this challenge; mining last blocks until it misses {} bad of {} segments takes {}",
                bad,
                detection.remaining(),
                cost(bad)
            ),
        )
        .line(format!("missing a single bad one takes {}", cost(SegmentCount(1))))
        .line("only the last block has to be mined that often, and no other block again")
    }
}

/// The probability that at least one of `bad` segments is found.
fn probability(detection: Detection, bad: SegmentCount) -> String {
    let log2_miss = detection.ln_miss(bad) / std::f64::consts::LN_2;
    match log2_miss {
        certain if certain == f64::NEG_INFINITY => "1".into(),
        small if small < -9.0 => format!("1 - 2^{small:.1}"),
        _ => format!("{:.3}", detection.caught(bad)),
    }
}

/// What no level shows.
pub(super) fn not_shown(exact: Option<&BitExactReplay<'_>>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut code = Some("that the committed code is what ran");
    match exact {
        None => {
            lines.push("that the training happened: only a replay of the steps shows that".into())
        }
        Some(exact) => {
            lines.push(format!(
                "that {} is true: it is only the claim of whoever made it",
                exact.path.display()
            ));
            if exact.not_executed().0 > 0 {
                lines.push(format!(
                    "that the {} not executed again follow from code and data",
                    counted(exact.not_executed().0, "segment", "segments")
                ));
            }
            if exact.needs_pin() {
                lines.push("how likely bad segments would have been found: the head was not pinned before the challenge's value existed".into());
            }
            if !exact.segments.chain().genesis().initial.regenerable && exact.traced.is_none() {
                lines.push(
                    "where the initial state came from: it does not follow from seed and code"
                        .into(),
                );
            }
            let recorded = exact.report.recorded();
            let results = exact.report.results();
            if results
                .iter()
                .all(|r| r.machine.agrees_with(recorded, MachinePart::Executable) == Some(true))
            {
                code = (exact.not_executed().0 > 0).then_some(
                    "that the committed code is what ran, where it was not executed again",
                );
            }
        }
    }
    lines.extend(
        [
            "when it happened: clocks are self-reported, and a whole chain can be mined afterwards",
            DISCARDED_RUNS,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_near_one_is_told_by_what_is_missing() {
        for (remaining, picks, bad, text) in [
            (10, 4, 3, "0.833"),
            (10, 8, 3, "1"),
            // A miss of 1/512 and one of 1/1024.
            (512, 1, 511, "0.998"),
            (1024, 1, 1023, "1 - 2^-10.0"),
        ] {
            let detection = Detection::new(SegmentCount(remaining), SegmentCount(picks));
            assert_eq!(probability(detection, SegmentCount(bad)), text);
        }
    }
}
