//! Targets: the compact form, work and the adjusted target.

use crate::oracle::take;
use pow_core::difficulty::{AsertParameters, AsertProgress, asert};
use pow_core::hash::BlockHash;
use pow_core::target::{CompactError, CompactTarget, MAX_TARGET, Target};

/// Four bytes of a compact target, then 32 of a full one, then what ASERT
/// takes.
pub fn compact(mut data: &[u8]) {
    let bits = u32::from_le_bytes(take(&mut data));
    decodes_as_the_document_says(bits);
    let target = take(&mut data);
    encodes_the_closest_from_below(target);
    is_met_by_itself_and_nothing_above(target);
    counts_work_as_rust_bitcoin_does(target);
    adjusts_within_bounds(bits, data);
}

fn decodes_as_the_document_says(bits: u32) {
    let decoded = CompactTarget(bits).decode();
    assert_eq!(decoded.map(Target::to_le_bytes).ok(), decode(bits));
    let overflow = matches!(decoded, Err(CompactError::Overflow(_)));
    assert_eq!(overflow, overflows(bits));
    if let Ok(target) = decoded {
        assert_eq!(target.to_compact(), CompactTarget(bits));
        assert_eq!(target.top_u32(), top(target));
    }
}

/// Whether a digit past the 32nd is not zero.
fn overflows(bits: u32) -> bool {
    let [mantissa @ .., exponent] = bits.to_le_bytes();
    let digits = [mantissa[0], mantissa[1], mantissa[2] & 0x7f];
    let places = digits.iter().zip(usize::from(exponent)..);
    // The place of the lowest digit is the exponent less 3.
    places
        .into_iter()
        .any(|(digit, place)| *digit != 0 && place >= 32 + 3)
}

/// The strict decoding of `docs/format.md`, on the digits of a number to the
/// base 256.
pub(super) fn decode(bits: u32) -> Option<[u8; 32]> {
    let [low, middle, high, exponent] = bits.to_le_bytes();
    let mantissa = [low, middle, high & 0x7f];
    if high & 0x80 != 0 && mantissa != [0; 3] {
        return None;
    }
    let mut digits = [0; 32];
    for (i, digit) in mantissa.into_iter().enumerate() {
        let place = i32::from(exponent) - 3 + i as i32;
        match usize::try_from(place) {
            Ok(place) if place < digits.len() => digits[place] = digit,
            // Too large, or rounded off.
            _ if digit != 0 => return None,
            _ => {}
        }
    }
    let highest = digits.iter().rposition(|digit| *digit != 0)?;
    let size = highest + 1 + usize::from(digits[highest] & 0x80 != 0);
    // The limit is these three digits before 29 zeros.
    let limit = [0xff, 0xff, 0x7f];
    let above_limit = digits[29..].iter().rev().gt(limit.iter().rev());
    (size == usize::from(exponent) && !above_limit).then_some(digits)
}

fn encodes_the_closest_from_below(bytes: [u8; 32]) {
    let target = Target::from_le_bytes(bytes);
    let compact = target.to_compact();
    if target > Target::LIMIT {
        // A size of 33 bytes, or a value that strangers refuse.
        return;
    }
    if bytes == [0; 32] {
        assert_eq!(compact, CompactTarget(0));
        return;
    }
    let Ok(rounded) = compact.decode() else {
        panic!("{compact} is not canonical");
    };
    assert!(rounded <= target);
    if compact != MAX_TARGET {
        // The next mantissa, carried into the next exponent where it must.
        let mantissa = compact.0 & 0x00ff_ffff;
        let next = if mantissa == 0x007f_ffff {
            ((compact.0 >> 24) + 1) << 24 | 0x8000
        } else if compact.0 >> 24 >= 3 {
            compact.0 + 1
        } else {
            compact.0 + (1 << (8 * (3 - (compact.0 >> 24))))
        };
        if let Ok(next) = CompactTarget(next).decode() {
            assert!(target < next, "{compact} is not the closest");
        }
    }
}

fn is_met_by_itself_and_nothing_above(bytes: [u8; 32]) {
    let target = Target::from_le_bytes(bytes);
    assert!(target.is_met_by(BlockHash(bytes)));
    // One more, unless that is 2^256.
    if let Some(digit) = bytes.iter().position(|digit| *digit < 0xff) {
        let mut above = bytes;
        above[..digit].fill(0);
        above[digit] += 1;
        assert!(!target.is_met_by(BlockHash(above)));
        assert!(Target::from_le_bytes(above).is_met_by(BlockHash(bytes)));
    }
}

fn counts_work_as_rust_bitcoin_does(bytes: [u8; 32]) {
    // rust-bitcoin defines the work of targets 0 and 1 differently.
    if bytes[1..] == [0; 31] && bytes[0] <= 1 {
        return;
    }
    let theirs = bitcoin::Target::from_le_bytes(bytes).to_work();
    let ours = Target::from_le_bytes(bytes).work();
    assert_eq!(ours.to_string(), theirs.to_string());
}

fn adjusts_within_bounds(bits: u32, mut data: &[u8]) {
    let Ok(reference) = CompactTarget(bits).decode() else {
        return;
    };
    let parameters = AsertParameters {
        spacing: u64::from_le_bytes(take(&mut data)),
        half_life: u64::from_le_bytes(take(&mut data)).max(1),
        limit: Target::LIMIT,
    };
    let progress = AsertProgress {
        time: i128::from_le_bytes(take(&mut data)),
        blocks: u64::from_le_bytes(take(&mut data)),
    };
    let target = asert(reference, progress, &parameters);
    assert!(target <= Target::LIMIT && target > Target::from_le_bytes([0; 32]));
    // A later block is not harder; one more block in the same time not easier.
    let later = AsertProgress {
        time: progress
            .time
            .saturating_add(i128::from(take::<1>(&mut data)[0])),
        ..progress
    };
    assert!(asert(reference, later, &parameters) >= target);
    let ahead = AsertProgress {
        blocks: progress.blocks.saturating_add(1),
        ..progress
    };
    assert!(asert(reference, ahead, &parameters) <= target);
}

fn top(target: Target) -> u32 {
    let bytes = target.to_le_bytes();
    u32::from_be_bytes([bytes[31], bytes[30], bytes[29], bytes[28]])
}
