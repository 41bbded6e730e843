//! What the attempts show.

use super::Row;
use crate::paper::engines::{Device, NO_GPU};
use crate::paper::plot::{Axis, Figure, Legend, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, slope};
use std::fmt::Write;

/// Attempts by difficulty: the mean of the ratios, which is the least-squares
/// line through the origin where the spread is proportional to the difficulty,
/// as that of independent attempts is. `None` of fewer than two difficulties.
pub fn per_unit(rows: &[&Row]) -> Option<Estimate> {
    let ratios: Vec<f64> = rows.iter().map(|row| row.mean / row.difficulty).collect();
    Estimate::of_mean(&ratios)
}

/// The power of difficulty that attempts grow with: 1 if they are linear in it,
/// and then a zero bit more doubles them. `None` of fewer than three.
pub fn power(rows: &[&Row]) -> Option<Estimate> {
    let points: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| (row.difficulty.log2(), row.mean.log2()))
        .collect();
    slope(&points)
}

/// The plots: attempts against difficulty and against leading zero bits, and the
/// time of a block on each device.
pub fn figures(rows: &[Row]) -> Vec<(String, Figure)> {
    if rows.is_empty() {
        return Vec::new();
    }
    let attempts = |title: &str, x: Axis, place: fn(&Row) -> f64| {
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
        Figure {
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
    let figures = [
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
        Figure {
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
        .zip(figures)
        .collect()
}

/// The section's text: table and verdicts.
pub fn section(rows: &[Row]) -> String {
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

const CLAIM: &str = "The paper claims \"linear scaling with difficulty\". Blocks with contents of their \
own were mined at each difficulty, which is the number of attempts that the target makes one expect, \
2^256 / (target + 1). An attempt is one header hashed; the first nonce in search order that meets the \
target is counted, so the figure does not depend on how many threads search. Independent attempts have \
a standard deviation of about their mean. The time of easy blocks is that of starting a search.\n\n\
| device | target | zero bits | difficulty | blocks | mean attempts | by difficulty | deviation by \
difficulty | ms a block |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n";

fn verdict(device: Device, rows: &[&Row]) -> String {
    let engine = rows.first().map_or("nothing", |row| &row.engine);
    let (Some(per_unit), Some(power)) = (per_unit(rows), power(rows)) else {
        return format!("{device}: **not measured**, too few difficulties for a fit.");
    };
    let verdict = match (per_unit.contains(1.0), power.contains(1.0)) {
        (true, true) => "**Holds**",
        (false, true) => "**Linear, but not with the slope that the target says**",
        (_, false) => "**Does not hold**",
    };
    format!(
        "{engine}: {verdict}. A unit of difficulty takes {per_unit:.4} attempts (95 % confidence, {} \
         difficulties), and attempts grow with the power {power:.4} of it; 1 is linear. So one leading \
         zero bit more multiplies them by {:.4}, and one hex digit by {:.3}: exponential in digits, \
         which is what the paper calls difficulty. Of such intervals one in twenty misses the truth by \
         chance, and the same seed misses it each time.",
        per_unit.samples,
        power.value.exp2(),
        (4.0 * power.value).exp2(),
    )
}

/// Whether the devices found the same nonces.
fn same_blocks(rows: &[Row]) -> String {
    let of = |device| rows.iter().filter(move |row| row.device == device);
    let pairs: Vec<(&Row, &Row)> = of(Device::Cpu)
        .filter_map(|cpu| Some((cpu, of(Device::Gpu).find(|gpu| gpu.bits == cpu.bits)?)))
        .collect();
    if pairs.is_empty() {
        return NO_GPU.into();
    }
    let equal = |(cpu, gpu): &&(&Row, &Row)| {
        (cpu.blocks, cpu.attempts, cpu.deviation) == (gpu.blocks, gpu.attempts, gpu.deviation)
    };
    format!(
        "Both devices had the same blocks to mine. At {} of {} difficulties they took equally many \
         attempts, with the same deviation: their means are one measurement, not two.\n",
        pairs.iter().filter(equal).count(),
        pairs.len()
    )
}

fn milliseconds(row: &Row) -> f64 {
    row.seconds * 1e3 / f64::from(row.blocks)
}

fn devices(rows: &[Row]) -> impl Iterator<Item = (Device, Vec<&Row>)> {
    [Device::Cpu, Device::Gpu]
        .into_iter()
        .filter_map(move |device| {
            let of: Vec<&Row> = rows.iter().filter(|row| row.device == device).collect();
            (!of.is_empty()).then_some((device, of))
        })
}

fn in_order(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut points: Vec<Point> = points.collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}
