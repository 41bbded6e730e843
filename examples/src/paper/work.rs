//! Section 2, cost of work: how many attempts a block takes, against its
//! difficulty.

use super::plot::{Axis, Figure, Legend, Point, Scale, Series, Shape};
use super::stats::{Estimate, slope};
use anyhow::Context;
use pow_core::block::Template;
use pow_core::coinbase::{ExtraNonce, Height};
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::header::HeaderTime;
use pow_core::search::{CancelToken, Engine, HitLimit, Job, NonceRange};
use pow_core::target::{CompactTarget, ZeroBits};
use pow_mine::{CpuShare, EngineChoice, select};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::time::Instant;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Least number of leading zero bits.
    pub from_bits: u32,
    /// Greatest number of leading zero bits, inclusive.
    pub to_bits: u32,
    /// Blocks of each difficulty.
    pub blocks: u64,
    /// What the blocks' contents derive from.
    pub seed: u64,
}

impl Plan {
    /// Half a minute or so on two cores.
    pub fn standard() -> Self {
        Plan {
            from_bits: 6,
            to_bits: 18,
            blocks: 1000,
            seed: 1,
        }
    }

    /// Some seconds: a look at whether everything works.
    pub fn quick() -> Self {
        Plan {
            to_bits: 14,
            blocks: 200,
            ..Plan::standard()
        }
    }

    /// Some minutes.
    pub fn full() -> Self {
        Plan {
            to_bits: 20,
            blocks: 4000,
            ..Plan::standard()
        }
    }
}

/// All blocks of one difficulty, on the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The engine, as it calls itself.
    pub engine: String,
    /// The compact target.
    pub bits: u32,
    /// Expected attempts of a block, 2^256 / (target + 1).
    pub difficulty: f64,
    /// Blocks mined.
    pub blocks: u64,
    /// Nonces in search order up to and including the hit, the mean.
    pub mean: f64,
    /// Their standard deviation over the blocks.
    pub deviation: f64,
    /// Time of all blocks, by the wall clock.
    pub seconds: f64,
}

/// The compact targets: so many zero bits, and three quarters of each target, so
/// that not all difficulties are powers of two.
///
/// # Errors
///
/// If the plan's zero bits are out of range.
pub fn units(plan: &Plan) -> anyhow::Result<Vec<u32>> {
    let mut units = Vec::new();
    for zero_bits in plan.from_bits..=plan.to_bits {
        let CompactTarget(bits) = ZeroBits::new(zero_bits)?.compact();
        let (size, mantissa) = (bits & 0xff00_0000, bits & 0x00ff_ffff);
        units.extend([bits, size | (mantissa / 4 * 3)]);
    }
    Ok(units)
}

/// Mines blocks of one difficulty. The engine is asked for the first nonce in
/// search order, so that the attempts are those of the search and not of how
/// many threads took part.
///
/// # Errors
///
/// If the engine fails, or `bits` is malformed.
pub fn measure(plan: &Plan, bits: u32) -> anyhow::Result<Vec<Row>> {
    let mut engine = select(EngineChoice::Cpu, CpuShare::default())?.engine;
    let target = CompactTarget(bits).decode()?;
    let mut random = fastrand::Rng::with_seed(plan.seed ^ u64::from(bits));
    let mut attempts = Vec::new();
    let began = Instant::now();
    for block in 0..plan.blocks {
        let height = u32::try_from(block + 1)?;
        let mut digest = || std::array::from_fn(|_| random.u8(..));
        let template = Template {
            height: Height::new(height)?,
            prev: BlockHash(digest()),
            time: HeaderTime(1_700_000_000),
            bits: CompactTarget(bits),
            commitment: BodyCommitment(digest()),
        };
        attempts.push(mine(engine.as_mut(), &template)? as f64);
    }
    let all = Estimate::of_mean(&attempts).context("fewer than two blocks")?;
    Ok(vec![Row {
        engine: engine.name(),
        bits,
        difficulty: target.work().saturating_u128() as f64,
        blocks: plan.blocks,
        mean: all.value,
        deviation: super::stats::deviation(&attempts).context("fewer than two blocks")?,
        seconds: began.elapsed().as_secs_f64(),
    }])
}

/// Attempts up to the first nonce that meets the target.
fn mine(engine: &mut dyn Engine, template: &Template) -> anyhow::Result<u64> {
    let target = template.bits.decode()?;
    let mut attempts = 0;
    for extranonce in 0u64.. {
        let header = template.block(ExtraNonce::new([0; 4], extranonce)).header;
        let job = Job::new(header, target, NonceRange::FULL);
        let found = engine.search(&job, HitLimit::First, &CancelToken::new())?;
        if let Some(hit) = found.hits.first() {
            let place = job
                .check(hit.nonce())
                .and(job.range().position(hit.nonce()));
            return Ok(attempts + place.context("a hit that does not hold")? + 1);
        }
        attempts += job.range().len();
    }
    anyhow::bail!("no nonce meets {target:?}")
}

/// Attempts by difficulty: the mean of the ratios, which is the least-squares
/// line through the origin where the spread is proportional to the difficulty,
/// as that of independent attempts is. `None` of fewer than two difficulties.
pub fn per_unit(rows: &[Row]) -> Option<Estimate> {
    let ratios: Vec<f64> = rows.iter().map(|row| row.mean / row.difficulty).collect();
    Estimate::of_mean(&ratios)
}

/// The power of difficulty that attempts grow with: 1 if they are linear in it,
/// and then a zero bit more doubles them. `None` of fewer than three.
pub fn power(rows: &[Row]) -> Option<Estimate> {
    let points: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| (row.difficulty.log2(), row.mean.log2()))
        .collect();
    slope(&points)
}

/// The plots: against difficulty, and against leading zero bits.
pub fn figures(rows: &[Row]) -> Vec<(String, Figure)> {
    if rows.is_empty() {
        return Vec::new();
    }
    let figure = |title: &str, x: Axis, place: fn(&Row) -> f64| {
        let measured = rows.iter().map(|row| {
            let half = 1.96 * row.deviation / (row.blocks as f64).sqrt();
            Point {
                x: place(row),
                y: row.mean,
                interval: Some((row.mean - half, row.mean + half)),
            }
        });
        let expected = rows.iter().map(|row| Point {
            x: place(row),
            y: row.difficulty,
            interval: None,
        });
        let mut expected: Vec<Point> = expected.collect();
        expected.sort_by(|a, b| a.x.total_cmp(&b.x));
        let series = |label: &str, shape, points| Series {
            label: label.into(),
            shape,
            points,
        };
        Figure {
            title: title.into(),
            x,
            y: Axis::new("attempts a block", Scale::Logarithmic),
            series: vec![
                series("expected of the target", Shape::Line, expected),
                series("measured, mean", Shape::Dots, measured.collect()),
            ],
            legend: Legend::UpperLeft,
        }
    };
    let by_difficulty = figure(
        "Attempts are linear in difficulty: means, 95 % confidence",
        Axis::new("difficulty: 2^256 / (target + 1)", Scale::Logarithmic),
        |row| row.difficulty,
    );
    let by_bits = figure(
        "Attempts are exponential in leading zero bits: means, 95 % confidence",
        Axis::new("leading zero bits", Scale::Linear),
        |row| row.difficulty.log2(),
    );
    vec![
        ("work_difficulty".into(), by_difficulty),
        ("work_bits".into(), by_bits),
    ]
}

/// The section's text: table and verdict.
pub fn section(rows: &[Row]) -> String {
    let mut text = String::from(CLAIM);
    for row in rows {
        let _ = writeln!(
            text,
            "| {:08x} | {:.2} | {:.0} | {} | {:.1} | {:.3} | {:.3} | {:.4} |",
            row.bits,
            row.difficulty.log2(),
            row.difficulty,
            row.blocks,
            row.mean,
            row.mean / row.difficulty,
            row.deviation / row.difficulty,
            row.seconds * 1e3 / row.blocks as f64,
        );
    }
    let (Some(per_unit), Some(power)) = (per_unit(rows), power(rows)) else {
        text.push_str("\n**Not measured**: too few difficulties for a fit.\n");
        return text;
    };
    let verdict = match (per_unit.contains(1.0), power.contains(1.0)) {
        (true, true) => "**Holds**",
        (false, true) => "**Linear, but not with the slope that the target says**",
        (_, false) => "**Does not hold**",
    };
    let _ = writeln!(
        text,
        "\n{verdict}: a unit of difficulty takes {per_unit:.4} attempts (95 % confidence, {} \
         difficulties), and attempts grow with the power {power:.4} of it; 1 is linear. So one leading \
         zero bit more multiplies them by {:.4}, and one hex digit by {:.3}: exponential in digits, \
         which is what the paper calls difficulty. Measured with {}. GPU engines were not measured \
         here.",
        per_unit.samples,
        power.value.exp2(),
        (4.0 * power.value).exp2(),
        rows.first().map_or("nothing", |row| &row.engine),
    );
    text
}

const CLAIM: &str = "The paper claims \"linear scaling with difficulty\". Blocks with contents of their \
own were mined at each difficulty, which is the number of attempts that the target makes one expect, \
2^256 / (target + 1). An attempt is one header hashed; the first nonce in search order that meets the \
target is counted, so the figure does not depend on how many threads search. Independent attempts have \
a standard deviation of about their mean.\n\n| target | zero bits | difficulty | blocks | mean attempts \
| by difficulty | deviation by difficulty | ms a block |\n|---|---|---|---|---|---|---|---|\n";
