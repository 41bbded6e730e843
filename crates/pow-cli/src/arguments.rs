//! Values on the command line.

use pow_audit::hex::from_hex;
use pow_core::challenge::ChallengeValue;
use pow_core::coinbase::Height;
use pow_core::target::CompactTarget;
use std::str::FromStr;

/// A hash or root as hex digits, with or without `0x` before them. Files have no
/// `0x`.
pub fn hash<T: FromStr>(text: &str) -> Result<T, T::Err> {
    without_prefix(text).parse()
}

/// The value of a challenge as hex digits, with or without `0x` before them.
pub fn challenge_value(text: &str) -> Result<ChallengeValue, String> {
    let bytes = from_hex(without_prefix(text)).map_err(|error| error.to_string())?;
    ChallengeValue::new(bytes).map_err(|error| error.to_string())
}

/// The height of a block.
pub fn height(text: &str) -> Result<Height, String> {
    let height: u32 = text.parse().map_err(|error| format!("{error}"))?;
    Height::new(height).map_err(|error| error.to_string())
}

/// A target in its compact form, as 8 hex digits.
pub fn target(text: &str) -> Result<CompactTarget, String> {
    let digits = without_prefix(text);
    let target = u32::from_str_radix(digits, 16).map(CompactTarget);
    match target {
        Ok(target) if digits.len() == 8 && target.decode().is_ok() => Ok(target),
        _ => Err("expected a compact target of 8 hex digits, such as 1d00ffff".into()),
    }
}

fn without_prefix(text: &str) -> &str {
    text.strip_prefix("0x").unwrap_or(text)
}
