//! Which segments moved the parameters most: where a forger who replaced the
//! model, rather than trained it, has to show the leap.

use super::distance::{float_width, squared_distance};
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
        if float_width(info.dtype).is_some() {
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
        if dtype != other {
            return None;
        }
        squares += squared_distance(*dtype, a, b)?;
    }
    // What is not finite has moved as far as can be.
    Some(if squares.is_nan() {
        f64::INFINITY
    } else {
        squares.sqrt()
    })
}
