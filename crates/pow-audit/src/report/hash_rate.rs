//! Hash rates that turn work into time.

/// Hashes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashRate(pub u64);

/// The hash rates at which reports state costs, and the hardware that reaches each.
/// They are reference points, not measurements.
pub const RATES: [(&str, HashRate); 3] = [
    ("a CPU core at 30 MH/s", HashRate(30_000_000)),
    ("a large GPU at 7 GH/s", HashRate(7_000_000_000)),
    ("an ASIC at 200 TH/s", HashRate(200_000_000_000_000)),
];

/// A time with a unit. All times of more than about 3 billion years print the same.
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
