//! The segments that moved the parameters most. A forger who replaced the model instead of
//! training it has to show the leap in one of them.

use super::distance::{float_width, squared_distance};
use super::segments::Segments;
use crate::source::RunSource;
use crate::tensors::open_tensors;
use pow_core::challenge::SegmentIndex;
use pow_core::tensor::DType;
use pow_ledger::{CheckpointPart, LedgerError, RunFile};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// The `count` segments that moved the model furthest in a step: the Euclidean distance
/// between the models at both ends, over all float elements, divided by the number of
/// steps. The largest comes first. Name them in a [challenge](super::Challenge::draw).
///
/// A segment is skipped if one of its checkpoints is missing, or if its models have
/// different tensors. The files are not checked. If somebody edits one to hide a leap, the
/// level `state` fails, and so does the replay of both segments that meet there.
///
/// # Errors
///
/// [`LedgerError`] if an existing checkpoint cannot be read.
pub fn largest_moves(
    run: &dyn RunSource,
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

/// Float tensors by path: their element type and bytes.
type Model = BTreeMap<String, (DType, Vec<u8>)>;

/// The model of a checkpoint. `None` if there is no file.
fn model(
    run: &dyn RunSource,
    state: pow_core::hash::StateRoot,
) -> Result<Option<Model>, LedgerError> {
    let file = RunFile::Checkpoint(state, CheckpointPart::Model);
    let tensors = match open_tensors(run, file) {
        Err(LedgerError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Ok(None);
        }
        opened => opened?,
    };
    let mut model = Model::new();
    tensors.stream::<LedgerError>(|tensor, bytes| {
        let info = tensor.info();
        if float_width(info.dtype).is_some() {
            model.insert(info.path.into(), (info.dtype, bytes.read_all()?));
        }
        Ok(())
    })?;
    Ok(Some(model))
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
    // A model that is not finite has moved as far as possible.
    Some(if squares.is_nan() {
        f64::INFINITY
    } else {
        squares.sqrt()
    })
}
