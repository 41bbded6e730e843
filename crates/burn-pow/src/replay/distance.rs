//! The distance between two models.

use crate::state::tensors::NamedTensor;
use pow_audit::replay::squared_distance;
use std::collections::BTreeSet;

/// The distance as [`Tolerance`](super::segment::Tolerance) defines it. Infinite if
/// the models cannot be compared, or the segment did not change the committed model.
pub(super) fn relative_distance(
    found: &[NamedTensor],
    committed: &[NamedTensor],
    start: &[NamedTensor],
    optimizer: &[NamedTensor],
) -> f64 {
    let trained = trained(found, optimizer);
    let apart = distance(found, committed, &trained);
    let moved = distance(committed, start, &trained);
    match (apart, moved) {
        (Some(apart), Some(moved)) if moved > 0.0 => apart / moved,
        _ => f64::INFINITY,
    }
}

/// The paths of the tensors that the optimizer has state for. All paths, if it has
/// state for none.
fn trained<'a>(model: &'a [NamedTensor], optimizer: &'a [NamedTensor]) -> BTreeSet<&'a str> {
    let with_state: BTreeSet<&str> = optimizer
        .iter()
        .filter_map(|tensor| Some(tensor.path.rsplit_once('#')?.0))
        .collect();
    if with_state.is_empty() {
        return model.iter().map(|tensor| tensor.path.as_str()).collect();
    }
    with_state
}

/// The Euclidean distance over all elements of the float tensors with these paths.
/// `None` if the models have different tensors.
fn distance(a: &[NamedTensor], b: &[NamedTensor], paths: &BTreeSet<&str>) -> Option<f64> {
    if a.len() != b.len() {
        return None;
    }
    let mut squares = 0.0;
    for (a, b) in a.iter().zip(b) {
        if a.info() != b.info() || a.bytes.len() != b.bytes.len() {
            return None;
        }
        if paths.contains(a.path.as_str()) {
            // A tensor that is not of floats does not count.
            squares += squared_distance(a.dtype, &a.bytes, &b.bytes).unwrap_or(0.0);
        }
    }
    // NaN would compare as neither near nor far.
    Some(squares.sqrt()).filter(|distance| distance.is_finite())
}
