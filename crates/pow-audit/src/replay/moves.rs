//! Which segments moved the parameters most: where a forger who replaced the
//! model, rather than trained it, has to show the leap.

use super::segments::Segments;
use pow_core::challenge::SegmentIndex;
use pow_core::tensor::DType;
use pow_ledger::{LedgerError, RunDir, TensorFile};
use std::collections::BTreeMap;

/// The `count` segments whose models lie furthest apart from end to end, per
/// step: by the Euclidean distance over all float elements. In descending order
/// of that, to be named in a [challenge](super::Challenge::draw).
///
/// A segment without a checkpoint at its end, or with one that is not there, is
/// passed over, as one whose models have different tensors. The files are taken as they lie there: whoever
/// edits one to hide a leap fails the level `state`, and the replay of both
/// segments that meet there.
///
/// # Errors
///
/// [`LedgerError`] if a checkpoint that is there cannot be read.
pub fn largest_moves(
    run: &RunDir,
    segments: &Segments,
    count: usize,
) -> Result<Vec<SegmentIndex>, LedgerError> {
    let mut moves = Vec::new();
    let mut before = None;
    for segment in segments.iter() {
        let from = match before.take() {
            Some(model) => Some(model),
            None => model(run, segment.from_state)?,
        };
        let to = match segment.to_state {
            Some(state) => model(run, state)?,
            None => None,
        };
        if let (Some(from), Some(to)) = (&from, &to)
            && let Some(distance) = distance(from, to)
        {
            let steps = segment.to_step.0.saturating_sub(segment.from_step.0).max(1);
            moves.push((distance / steps as f64, segment.index));
        }
        before = to;
    }
    moves.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    moves.truncate(count);
    Ok(moves.into_iter().map(|(_, segment)| segment).collect())
}

/// Float tensors by path, as their element type and bytes.
type Model = BTreeMap<String, (DType, Vec<u8>)>;

/// The model of a checkpoint; `None` if there is none.
fn model(run: &RunDir, state: pow_core::hash::StateRoot) -> Result<Option<Model>, LedgerError> {
    let file = run.checkpoint(state).model();
    if !file.exists() {
        return Ok(None);
    }
    let mut tensors = Model::new();
    TensorFile::open(&file)?.visit(|tensor, bytes| {
        let info = tensor.info();
        if width(info.dtype).is_some() {
            tensors.insert(info.path.into(), (info.dtype, bytes));
        }
        Ok(())
    })?;
    Ok(Some(tensors))
}

fn distance(from: &Model, to: &Model) -> Option<f64> {
    if !from.keys().eq(to.keys()) {
        return None;
    }
    let mut squares = 0.0;
    for ((dtype, a), (other, b)) in from.values().zip(to.values()) {
        if dtype != other || a.len() != b.len() {
            return None;
        }
        let width = width(*dtype)?;
        for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
            let apart = value(*dtype, a)? - value(*dtype, b)?;
            squares += apart * apart;
        }
    }
    // What is not finite has moved as far as can be.
    Some(if squares.is_nan() {
        f64::INFINITY
    } else {
        squares.sqrt()
    })
}

/// Bytes of an element, if it is a float.
fn width(dtype: DType) -> Option<usize> {
    match dtype {
        DType::F16 | DType::Bf16 => Some(2),
        DType::F32 => Some(4),
        DType::F64 => Some(8),
        _ => None,
    }
}

fn value(dtype: DType, bytes: &[u8]) -> Option<f64> {
    Some(match dtype {
        DType::F64 => f64::from_le_bytes(bytes.try_into().ok()?),
        DType::F32 => f32::from_le_bytes(bytes.try_into().ok()?).into(),
        DType::F16 => half(u16::from_le_bytes(bytes.try_into().ok()?)),
        // The upper half of an f32.
        DType::Bf16 => {
            let bits = u16::from_le_bytes(bytes.try_into().ok()?);
            f32::from_bits(u32::from(bits) << 16).into()
        }
        _ => return None,
    })
}

/// The value of IEEE 754's binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_as_ieee_754_has_them() {
        let cases = [
            (0x0000, 0.0),
            (0x0001, 2f64.powi(-24)),
            (0x03ff, 1023.0 * 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x3c00, 1.0),
            (0x3c01, 1.0 + 2f64.powi(-10)),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, expected) in cases {
            assert_eq!(half(bits), expected, "{bits:04x}");
        }
        assert!(half(0x7c01).is_nan());
        assert_eq!(value(DType::Bf16, &[0x80, 0x3f]), Some(1.0));
    }
}
