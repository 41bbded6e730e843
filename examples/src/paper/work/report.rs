//! What the attempts show.

use super::WorkRow;
use crate::paper::engines::{MiningDevice, NO_GPU};
use crate::paper::plot::{Axis, Legend, Plot, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, slope};
use std::fmt::Write;

/// Attempts divided by difficulty: the mean over the rows. `None` for fewer than
/// two rows.
///
/// For independent attempts the spread is proportional to the difficulty. The mean
/// of the ratios is then the slope of the least-squares line through the origin.
pub fn per_unit(rows: &[&WorkRow]) -> Option<Estimate> {
    let ratios: Vec<f64> = rows.iter().map(|row| row.mean / row.difficulty).collect();
    Estimate::of_mean(&ratios)
}

/// The power of the difficulty with which attempts grow: 1 if they are linear in
/// it. Then one more zero bit doubles them. `None` for fewer than three rows.
pub fn power(rows: &[&WorkRow]) -> Option<Estimate> {
    let points: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| (row.difficulty.log2(), row.mean.log2()))
        .collect();
    slope(&points)
}

/// The plots with their file names: attempts against difficulty and against leading
/// zero bits, and the time of a block on each device.
pub fn plots(rows: &[WorkRow]) -> Vec<(String, Plot)> {
    if rows.is_empty() {
        return Vec::new();
    }
    let attempts = |title: &str, x: Axis, place: fn(&WorkRow) -> f64| {
        let expected = in_order(rows.iter().map(|row| Point {
            x: place(row),
            y: row.difficulty,
            interval: None,
        }));
        let mut series = vec![Series {
            label: "expected of the target".into(),
            shape: Shape::Line,
            points: expected,
        }];
        series.extend(devices(rows).map(|(device, rows)| {
            let points = in_order(rows.iter().map(|row| {
                let half = 1.96 * row.deviation / f64::from(row.blocks).sqrt();
                Point {
                    x: place(row),
                    y: row.mean,
                    interval: Some((row.mean - half, row.mean + half)),
                }
            }));
            Series {
                label: format!("{device}, mean"),
                shape: Shape::Dots,
                points,
            }
        }));
        Plot {
            title: title.into(),
            x,
            y: Axis::new("attempts a block", Scale::Logarithmic),
            series,
            legend: Legend::UpperLeft,
        }
    };
    let time = devices(rows).map(|(device, rows)| Series {
        label: device.to_string(),
        shape: Shape::Line,
        points: in_order(rows.iter().map(|row| Point {
            x: row.difficulty,
            y: milliseconds(row),
            interval: None,
        })),
    });
    let plots = [
        attempts(
            "Attempts are linear in difficulty: means, 95 % confidence",
            Axis::new("difficulty: 2^256 / (target + 1)", Scale::Logarithmic),
            |row| row.difficulty,
        ),
        attempts(
            "Attempts are exponential in leading zero bits: means, 95 % confidence",
            Axis::new("leading zero bits", Scale::Linear),
            |row| row.difficulty.log2(),
        ),
        Plot {
            title: "Time of a block: means".into(),
            x: Axis::new("difficulty: 2^256 / (target + 1)", Scale::Logarithmic),
            y: Axis::new("time, ms", Scale::Logarithmic),
            series: time.collect(),
            legend: Legend::UpperLeft,
        },
    ];
    ["work_difficulty", "work_bits", "work_time"]
        .map(String::from)
        .into_iter()
        .zip(plots)
        .collect()
}

/// The section's text: table and verdicts.
pub fn section(rows: &[WorkRow]) -> String {
    let mut text = String::from(CLAIM);
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {:08x} | {:.2} | {:.0} | {} | {:.1} | {:.3} | {:.3} | {:.4} |",
            row.device,
            row.bits,
            row.difficulty.log2(),
            row.difficulty,
            row.blocks,
            row.mean,
            row.mean / row.difficulty,
            row.deviation / row.difficulty,
            milliseconds(row),
        );
    }
    text.push('\n');
    for (device, rows) in devices(rows) {
        let _ = writeln!(text, "{}\n", verdict(device, &rows));
    }
    text.push_str(&same_blocks(rows));
    text
}

const CLAIM: &str = "The paper claims \"linear scaling with difficulty\". We mined blocks with different \
contents at each difficulty. The difficulty is the expected number of attempts for a target: \
2^256 / (target + 1). An attempt is one header hashed. We count attempts up to the first nonce, in \
search order, that meets the target, so the count does not depend on the number of threads. \
Independent attempts have a standard deviation of about their mean. For easy blocks, most of the time \
goes into starting the search.\n\n\
| device | target | zero bits | difficulty | blocks | mean attempts | mean / difficulty | deviation / \
difficulty | ms per block |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n";

fn verdict(device: MiningDevice, rows: &[&WorkRow]) -> String {
    let engine = rows.first().map_or("nothing", |row| &row.engine);
    let (Some(per_unit), Some(power)) = (per_unit(rows), power(rows)) else {
        return format!("{device}: **Not measured**: a fit needs more difficulties.");
    };
    let verdict = match (per_unit.contains(1.0), power.contains(1.0)) {
        (true, true) => "**Holds**",
        (false, true) => "**Linear, but not with the slope that the target predicts**",
        (_, false) => "**Does not hold**",
    };
    format!(
        "{engine}: {verdict}. A unit of difficulty takes {per_unit:.4} attempts (95 % confidence, {} \
         difficulties). Attempts grow with the power {power:.4} of the difficulty; 1 is linear. So one \
         more leading zero bit multiplies them by {:.4}, and one more hex digit by {:.3}: exponential \
         in digits, which is what the paper calls difficulty. By chance, one in twenty such intervals \
         misses the true value, and the same seed misses it each time.",
        per_unit.samples,
        power.value.exp2(),
        (4.0 * power.value).exp2(),
    )
}

/// Whether the devices found the same nonces.
fn same_blocks(rows: &[WorkRow]) -> String {
    let of = |device| rows.iter().filter(move |row| row.device == device);
    let pairs: Vec<(&WorkRow, &WorkRow)> = of(MiningDevice::Cpu)
        .filter_map(|cpu| Some((cpu, of(MiningDevice::Gpu).find(|gpu| gpu.bits == cpu.bits)?)))
        .collect();
    if pairs.is_empty() {
        return NO_GPU.into();
    }
    let equal = |(cpu, gpu): &&(&WorkRow, &WorkRow)| {
        (cpu.blocks, cpu.attempts, cpu.deviation) == (gpu.blocks, gpu.attempts, gpu.deviation)
    };
    format!(
        "Both devices mined the same blocks. At {} of {} difficulties they took the same number of \
         attempts, with the same deviation. Their means are one measurement, not two.\n",
        pairs.iter().filter(equal).count(),
        pairs.len()
    )
}

fn milliseconds(row: &WorkRow) -> f64 {
    row.seconds * 1e3 / f64::from(row.blocks)
}

fn devices(rows: &[WorkRow]) -> impl Iterator<Item = (MiningDevice, Vec<&WorkRow>)> {
    [MiningDevice::Cpu, MiningDevice::Gpu]
        .into_iter()
        .filter_map(move |device| {
            let of: Vec<&WorkRow> = rows.iter().filter(|row| row.device == device).collect();
            (!of.is_empty()).then_some((device, of))
        })
}

fn in_order(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut points: Vec<Point> = points.collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}
