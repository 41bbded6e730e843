//! Hashes on the command line.

use std::str::FromStr;

/// A hash or root as hex digits, with `0x` before them or without. (In files
/// it stands without.)
pub fn hex<T: FromStr>(text: &str) -> Result<T, T::Err> {
    text.strip_prefix("0x").unwrap_or(text).parse()
}
