//! The segments that moved the parameters most. A forger who replaced the model instead of
//! training it has to show the leap in one of them.

use super::distance::squared_distance;
use super::segments::Segments;
use crate::source::RunSource;
use crate::tensors::open_tensors;
use pow_core::challenge::SegmentIndex;
use pow_core::tensor::DType;
use pow_ledger::{CheckpointPart, LedgerError, RunFile};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// For each tensor, the `count` segments that moved it furthest in a step: the Euclidean
/// distance between its values at both ends, divided by the number of steps. Name them in
/// a [challenge](super::Challenge::draw). A segment that is first for some tensor comes
/// before one that is second, and so on.
///
/// Tensors are ranked one by one, so that nobody can hide a leap behind a tensor that
/// moves further. A tensor that cannot be compared counts as moved infinitely far: it is
/// at one end only, has other dimensions, is not finite, or holds no floats and changed.
///
/// A segment is skipped if one of its checkpoints is missing. The files are not checked.
/// If somebody edits one to hide a leap, the level `state` fails, and so does the replay
/// of both segments that meet there.
///
/// # Errors
///
/// [`LedgerError`] if an existing checkpoint cannot be read.
pub fn largest_moves(
    run: &dyn RunSource,
    segments: &Segments,
    count: usize,
) -> Result<Vec<SegmentIndex>, LedgerError> {
    let mut largest: BTreeMap<String, Vec<(f64, SegmentIndex)>> = BTreeMap::new();
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
        if let (Some(from), Some(to)) = (&from, &to) {
            let steps = segment.to_step.0.saturating_sub(segment.from_step.0).max(1);
            for (path, distance) in distances(from, to) {
                let moves = largest.entry(path.into()).or_default();
                moves.push((distance / steps as f64, segment.index));
                moves.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                moves.truncate(count);
            }
        }
        before = to;
    }
    // The best place that a segment has for any tensor.
    let mut places: BTreeMap<SegmentIndex, usize> = BTreeMap::new();
    for moves in largest.values() {
        for (place, (_, segment)) in moves.iter().enumerate() {
            let best = places.entry(*segment).or_insert(place);
            *best = place.min(*best);
        }
    }
    let mut ranked: Vec<(usize, SegmentIndex)> = places
        .into_iter()
        .map(|(segment, place)| (place, segment))
        .collect();
    ranked.sort();
    Ok(ranked.into_iter().map(|(_, segment)| segment).collect())
}

/// Tensors by path: element type, dimensions and bytes.
type Model = BTreeMap<String, (DType, Vec<u64>, Vec<u8>)>;

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
        let value = (info.dtype, info.dims.to_vec(), bytes.read_all()?);
        model.insert(info.path.into(), value);
        Ok(())
    })?;
    Ok(Some(model))
}

/// How far each tensor moved.
fn distances<'a>(from: &'a Model, to: &'a Model) -> impl Iterator<Item = (&'a str, f64)> {
    let gone = from.keys().filter(|path| !to.contains_key(*path));
    let moved = to.iter().map(|(path, to)| {
        let distance = from.get(path).and_then(|from| distance(from, to));
        (path.as_str(), distance.unwrap_or(f64::INFINITY))
    });
    moved.chain(gone.map(|path| (path.as_str(), f64::INFINITY)))
}

/// How far a tensor moved. `None` if this cannot be said.
fn distance(
    (dtype, dims, from): &(DType, Vec<u64>, Vec<u8>),
    (other_dtype, other_dims, to): &(DType, Vec<u64>, Vec<u8>),
) -> Option<f64> {
    if (dtype, dims) != (other_dtype, other_dims) {
        return None;
    }
    if from == to {
        return Some(0.0);
    }
    let squares = squared_distance(*dtype, from, to)?;
    Some(squares.sqrt()).filter(|distance| distance.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(elements: &[f32]) -> (DType, Vec<u64>, Vec<u8>) {
        let bytes = elements.iter().flat_map(|x| x.to_le_bytes()).collect();
        (DType::F32, vec![elements.len() as u64], bytes)
    }

    fn moved(from: &[(&str, &[f32])], to: &[(&str, &[f32])]) -> Vec<(String, f64)> {
        let model = |tensors: &[(&str, &[f32])]| -> Model {
            let named = tensors.iter();
            named
                .map(|(path, elements)| ((*path).into(), tensor(elements)))
                .collect()
        };
        let (from, to) = (model(from), model(to));
        let distances = distances(&from, &to);
        distances
            .map(|(path, distance)| (path.to_owned(), distance))
            .collect()
    }

    #[test]
    fn a_tensor_that_cannot_be_compared_moved_infinitely_far_and_hides_no_other() {
        let far = f64::INFINITY;
        let from: [(&str, &[f32]); 4] = [
            ("gone", &[1.0]),
            ("grown", &[1.0]),
            ("leap", &[0.0, 0.0]),
            ("wild", &[1.0]),
        ];
        let to: [(&str, &[f32]); 4] = [
            ("grown", &[1.0, 1.0]),
            ("leap", &[3.0, 4.0]),
            ("new", &[]),
            ("wild", &[f32::NAN]),
        ];
        let expected = [
            ("grown", far),
            ("leap", 5.0),
            ("new", far),
            ("wild", far),
            ("gone", far),
        ];
        let expected = expected.map(|(path, distance)| (path.to_owned(), distance));
        assert_eq!(moved(&from, &to), expected);
        assert_eq!(moved(&to[3..], &to[3..]), [("wild".into(), 0.0)]);
        // The same bytes in another shape are another tensor.
        let flat = tensor(&[1.0, 2.0]);
        let mut tall = flat.clone();
        tall.1 = vec![2, 1];
        assert_eq!(distance(&flat, &tall), None);
    }
}
