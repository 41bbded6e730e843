//! All of Bitcoin Cash Node's vectors, bit for bit.

use crate::requirements::Test;
use pow_core::difficulty::{AsertParameters, AsertProgress, asert};
use pow_core::target::{CompactTarget, Target};

/// Each file with the number of its lines.
const RUNS: [(&str, usize, &str); 12] = [
    ("run01", 10, include_str!("../../vectors/asert/run01")),
    ("run02", 10, include_str!("../../vectors/asert/run02")),
    ("run03", 10, include_str!("../../vectors/asert/run03")),
    ("run04", 225, include_str!("../../vectors/asert/run04")),
    ("run05", 225, include_str!("../../vectors/asert/run05")),
    ("run06", 1000, include_str!("../../vectors/asert/run06")),
    ("run07", 1000, include_str!("../../vectors/asert/run07")),
    ("run08", 500, include_str!("../../vectors/asert/run08")),
    ("run09", 10, include_str!("../../vectors/asert/run09")),
    ("run10", 10, include_str!("../../vectors/asert/run10")),
    ("run11", 1000, include_str!("../../vectors/asert/run11")),
    ("run12", 10_000, include_str!("../../vectors/asert/run12")),
];

pub fn tests() -> Vec<Test> {
    RUNS.map(|(name, lines, text)| {
        Test::new(format!("asert/vectors/{name}"), move || {
            assert_eq!(check(text), lines);
        })
    })
    .into()
}

/// Bitcoin Cash's: 2^224 - 1.
fn limit() -> Target {
    let mut bytes = [0xff; 32];
    bytes[28..].fill(0);
    Target::from_le_bytes(bytes)
}

/// Checks every line; how many there are.
fn check(text: &str) -> usize {
    let anchor_height = header(text, "anchor height: ");
    let anchor_time = header(text, "anchor parent time: ");
    let anchor = compact(&setting(text, "anchor nBits: ")).decode().unwrap();
    let parameters = AsertParameters {
        spacing: 600,
        half_life: 172_800,
        limit: limit(),
    };
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let [_, height, time, expected] = fields[..] else {
                panic!("{line:?} has not four fields");
            };
            let height: u64 = height.parse().unwrap();
            let time: u64 = time.parse().unwrap();
            let progress = AsertProgress {
                // The generator counts in 64 bits and lets them wrap.
                time: i128::from(time.wrapping_sub(anchor_time) as i64),
                blocks: height - anchor_height,
            };
            let found = asert(anchor, progress, &parameters).to_compact();
            assert_eq!(found, compact(expected), "{line}");
        })
        .count()
}

fn setting(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.split_once(name));
    line.unwrap().1.trim().to_owned()
}

fn header(text: &str, name: &str) -> u64 {
    setting(text, name).parse().unwrap()
}

fn compact(hex: &str) -> CompactTarget {
    CompactTarget(u32::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap())
}
