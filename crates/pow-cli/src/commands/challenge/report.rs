//! A challenge as text and as JSON.

use pow_audit::RATES;
use pow_audit::display::{counted, printable};
use pow_audit::hex::to_hex;
use pow_audit::replay::{Challenge, Detection, ForgingCost, Fraction, Reason, Segments};
use pow_core::challenge::{ChallengeSource, SegmentCount, SegmentIndex};
use pow_core::target::Work;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// The challenge to a run, and what executing it would show.
#[derive(Serialize)]
pub struct ChallengeReport {
    schema: &'static str,
    run: String,
    genesis: String,
    head: String,
    height: u32,
    finished: bool,
    source: &'static str,
    value: String,
    fraction: Option<f64>,
    security: Option<u32>,
    segments: u64,
    remaining: u64,
    picks: u64,
    challenged: Vec<ChallengedSegment>,
    steps: u64,
    detection: Vec<DetectionFigure>,
    /// Only for a challenge from the head alone.
    forging: Vec<ForgingFigure>,
    #[serde(skip)]
    costs: Vec<String>,
}

/// A segment to execute.
#[derive(Serialize)]
struct ChallengedSegment {
    segment: u64,
    why: &'static str,
    from_step: u64,
    to_step: u64,
    from_state: String,
    /// Absent if it ends with the last entry and that entry has no checkpoint.
    to_state: Option<String>,
    block: u32,
}

/// The probability that at least one of `bad` bad segments is picked.
#[derive(Serialize)]
struct DetectionFigure {
    bad: u64,
    caught: f64,
    /// Logarithm to base 2 of the probability of a miss. Absent if that probability
    /// is 0.
    log2_missed: Option<f64>,
}

/// The cost of getting a challenge that misses `bad` bad segments.
#[derive(Serialize)]
struct ForgingFigure {
    bad: u64,
    log2_heads: f64,
    log2_hashes: f64,
    cost: Vec<Cost>,
}

#[derive(Serialize)]
struct Cost {
    on: &'static str,
    seconds: f64,
}

impl ChallengeReport {
    pub fn of(run: &Path, segments: &Segments, challenge: &Challenge) -> Self {
        let chain = segments.chain();
        let rows = rows(segments, challenge);
        let detection = Detection::new(challenge.remaining(), challenge.picks());
        let bad = numbers_of_bad(challenge);
        // The chain holds, so its target can be decoded.
        let work = chain.head().bits.decode();
        let work = work.map_or(Work::ZERO, |target| target.work());
        let costs: Vec<(SegmentCount, ForgingCost)> = bad
            .iter()
            .filter(|_| *challenge.source() == ChallengeSource::Head)
            .filter_map(|bad| Some((*bad, detection.forging_cost(*bad, work)?)))
            .collect();
        ChallengeReport {
            schema: "burn-pow/challenge/v0",
            run: run.display().to_string(),
            genesis: chain.genesis_hash().to_string(),
            head: chain.head_hash().to_string(),
            height: chain.height().get(),
            finished: chain.end().is_some(),
            source: challenge.source().name(),
            value: to_hex(challenge.source().value()),
            fraction: challenge.goal().map(|goal| goal.fraction.get()),
            security: challenge.goal().map(|goal| goal.security.0),
            segments: challenge.segments().0,
            remaining: challenge.remaining().0,
            picks: challenge.picks().0,
            steps: rows.iter().map(|row| row.to_step - row.from_step).sum(),
            challenged: rows,
            detection: bad
                .iter()
                .map(|bad| DetectionFigure::of(detection, *bad))
                .collect(),
            forging: costs
                .iter()
                .map(|(bad, cost)| ForgingFigure::of(*bad, *cost))
                .collect(),
            costs: costs
                .iter()
                .map(|(bad, cost)| format!("{:>8} bad     {cost}", bad.0))
                .collect(),
        }
    }
}

fn rows(segments: &Segments, challenge: &Challenge) -> Vec<ChallengedSegment> {
    let why = |index: SegmentIndex| {
        let always = challenge.always();
        match always.binary_search_by_key(&index, |(segment, _)| *segment) {
            Ok(at) => match always[at].1 {
                Reason::First => "first",
                Reason::Last => "last",
                _ => "named",
            },
            Err(_) => "picked",
        }
    };
    let challenged = challenge.challenged().into_iter();
    challenged
        .filter_map(|index| segments.get(index))
        .map(|segment| ChallengedSegment {
            segment: segment.index.0,
            why: why(segment.index),
            from_step: segment.from_step.0,
            to_step: segment.to_step.0,
            from_state: segment.from_state.to_string(),
            to_state: segment.to_state.map(|state| state.to_string()),
            block: segment.block.get(),
        })
        .collect()
}

/// The numbers of bad segments for which figures are printed: one, some shares, and the
/// share that was asked for.
fn numbers_of_bad(challenge: &Challenge) -> Vec<SegmentCount> {
    let remaining = challenge.remaining();
    if remaining.0 == 0 {
        return Vec::new();
    }
    let shares = [Ok(Fraction::TENTH), Fraction::new(0.01), Fraction::new(0.5)];
    let shares = shares.into_iter().flatten();
    let asked = challenge.goal().map(|goal| goal.fraction);
    let mut bad: Vec<SegmentCount> = shares.chain(asked).map(|f| f.of(remaining)).collect();
    bad.push(SegmentCount(1));
    bad.sort_unstable();
    bad.dedup();
    bad
}

impl DetectionFigure {
    fn of(detection: Detection, bad: SegmentCount) -> Self {
        let log2_missed = detection.ln_miss(bad) / std::f64::consts::LN_2;
        DetectionFigure {
            bad: bad.0,
            caught: detection.caught(bad),
            log2_missed: log2_missed.is_finite().then_some(log2_missed),
        }
    }
}

impl ForgingFigure {
    fn of(bad: SegmentCount, cost: ForgingCost) -> Self {
        ForgingFigure {
            bad: bad.0,
            log2_heads: cost.log2_heads,
            log2_hashes: cost.log2_hashes,
            cost: RATES
                .iter()
                .map(|(on, rate)| Cost {
                    on,
                    seconds: cost.seconds(*rate),
                })
                .collect(),
        }
    }
}

impl fmt::Display for ChallengeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", printable(&self.run))?;
        writeln!(f, "  genesis    {}", self.genesis)?;
        let unfinished = if self.finished { "" } else { ", UNFINISHED" };
        writeln!(
            f,
            "  head       {} (block {}{unfinished})",
            self.head, self.height
        )?;
        match self.value.as_str() {
            "" => writeln!(f, "  challenge  from the head alone")?,
            value => writeln!(f, "  challenge  {} {value}", self.source)?,
        }
        writeln!(
            f,
            "  segments   {}: {} picked of {}, {} always checked; {} to execute",
            self.segments,
            self.picks,
            self.remaining,
            self.segments - self.remaining,
            counted(self.steps, "step", "steps")
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "  SEGMENT  STEPS             BLOCK     WHY     ENDS WITH STATE"
        )?;
        for row in &self.challenged {
            let steps = format!("{}-{}", row.from_step, row.to_step);
            writeln!(
                f,
                "  {:<7}  {steps:<16}  {:<8}  {:<6}  {}",
                row.segment,
                row.block,
                row.why,
                row.to_state.as_deref().unwrap_or("no checkpoint")
            )?;
        }
        self.write_detection(f)
    }
}

impl ChallengeReport {
    fn write_detection(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nDETECTION")?;
        if self.segments == 0 {
            return writeln!(
                f,
                "  there is no segment to execute, so nothing can be found"
            );
        }
        if self.remaining == self.picks {
            return writeln!(f, "  every segment is executed: nothing is left to chance");
        }
        writeln!(
            f,
            "  {} segments may be picked, {} are; the probability that one of the bad ones is among them",
            self.remaining, self.picks
        )?;
        for figure in &self.detection {
            let missed = match figure.log2_missed {
                Some(log2) => format!("missed: 2^{log2:.1}"),
                None => "never missed".into(),
            };
            writeln!(
                f,
                "{:>8} bad     {:.4}   {missed}",
                figure.bad, figure.caught
            )?;
        }
        if self.source == "head" {
            writeln!(
                f,
                "  a forger can mine the last block again until the challenge misses the bad ones; expected cost:"
            )?;
            for cost in &self.costs {
                writeln!(f, "{cost}")?;
            }
            writeln!(
                f,
                "  only the last block has to be mined that often, and no other block again;"
            )?;
            writeln!(f, "  the rates are reference points, not measurements")
        } else {
            writeln!(
                f,
                "  this holds if nobody knew the value before the head was known"
            )
        }
    }
}
