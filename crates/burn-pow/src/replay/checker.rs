//! Comparing the steps of a replayed segment with the chain, on a thread of its
//! own.

use crate::error::PowError;
use crate::pipeline::committer::{Job, Rest, commit};
use crate::pipeline::observer::{Committed, Observer};
use crate::pipeline::status::Status;
use crate::replay::segment::{Replayed, SegmentReplay, Tolerance};
use crate::resume::point::{Difference, ResumeError, compare};
use crate::state::deferred::read_all;
use crate::state::tensors::{NamedTensor, parameter_root};
use crossbeam_channel::Receiver;
use pow_core::body::Entry;
use pow_core::hash::StateRoot;
use pow_core::tensor::DType;
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) struct Checker {
    pub(crate) segment: SegmentReplay,
    /// The file of the parameters that the segment starts from.
    pub(crate) start: PathBuf,
    pub(crate) status: Arc<Status>,
    pub(crate) observer: Observer,
}

impl Checker {
    /// Compares what comes, until training hangs up.
    pub(crate) fn run(self, inbox: &Receiver<Job>) -> Result<(), PowError> {
        let mut expected: VecDeque<Entry> = self.segment.0.expected.iter().copied().collect();
        let mut first = None;
        for job in inbox {
            self.status
                .queued
                .fetch_sub(job.entries(), Ordering::Relaxed);
            let (Job::Step(step), Some(entry)) = (job, expected.pop_front()) else {
                continue;
            };
            let samples = step.samples.clone();
            let (found, tensors, rest) = commit(*step, &self.status.clocks)?;
            self.observer
                .show(Committed::new(&found, &tensors, samples.as_deref(), true));
            if let Err(difference) = compare(&found, &entry) {
                if self.segment.0.tolerance.is_none() {
                    self.segment.set(Replayed::Differs(difference.clone()));
                    return Err(ResumeError::Diverged(difference).into());
                }
                first.get_or_insert(difference);
            }
            self.segment.0.compared.fetch_add(1, Ordering::Relaxed);
            if expected.is_empty() {
                let optimizer = rest.as_ref().map_or(&[][..], Rest::optimizer);
                self.ended(&tensors, optimizer, &entry, first.take());
            }
        }
        Ok(())
    }

    fn ended(
        &self,
        found: &[NamedTensor],
        optimizer: &[NamedTensor],
        end: &Entry,
        first: Option<Difference>,
    ) {
        let Some(first) = first else {
            let steps = self.segment.entries();
            return self.segment.set(Replayed::Exact { steps });
        };
        let Some(root) = end.state_root() else {
            // No model is kept that the last one could be measured against.
            return self.segment.set(Replayed::Differs(first));
        };
        let damaged = |step, reason| Replayed::Damaged { step, reason };
        let start = read_all(&self.start);
        self.segment.set(match (self.committed(root, end), start) {
            (Ok(committed), Ok(start)) => Replayed::Apart {
                first,
                threshold: self.segment.0.tolerance.unwrap_or(Tolerance(0.0)),
                distance: relative_distance(found, &committed, &start, &trained(found, optimizer)),
            },
            (Err(reason), _) => damaged(end.step, reason),
            (_, Err(error)) => damaged(self.segment.0.from.step, error.to_string()),
        });
    }

    /// The committed model at the segment's end.
    fn committed(&self, root: StateRoot, end: &Entry) -> Result<Vec<NamedTensor>, String> {
        let files = self.segment.0.dir.checkpoint(root);
        let model = read_all(&files.model()).map_err(|error| error.to_string())?;
        let found = parameter_root(&model).map_err(|error| error.to_string())?;
        if found == end.parameters {
            Ok(model)
        } else {
            Err(format!(
                "its model has parameter root {found}, the chain says {}",
                end.parameters
            ))
        }
    }
}

/// Paths of the tensors that an optimizer has state for; all paths if it has
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

/// The distance in the measure of [`Tolerance`]; infinite where the models
/// cannot be compared, or the segment moved nothing.
fn relative_distance(
    found: &[NamedTensor],
    committed: &[NamedTensor],
    start: &[NamedTensor],
    trained: &BTreeSet<&str>,
) -> f64 {
    let apart = distance(found, committed, trained);
    let moved = distance(committed, start, trained);
    match (apart, moved) {
        (Some(apart), Some(moved)) if moved > 0.0 => apart / moved,
        _ => f64::INFINITY,
    }
}

/// The Euclidean distance over all elements of the float tensors of these paths;
/// `None` if the models have different tensors.
fn distance(a: &[NamedTensor], b: &[NamedTensor], paths: &BTreeSet<&str>) -> Option<f64> {
    if a.len() != b.len() {
        return None;
    }
    let mut squares = 0.0;
    for (a, b) in a.iter().zip(b) {
        if a.path != b.path || a.dtype != b.dtype || a.dims != b.dims {
            return None;
        }
        let is_float = matches!(a.dtype, DType::F64 | DType::F32 | DType::F16 | DType::Bf16);
        if is_float && paths.contains(a.path.as_str()) {
            let (a, b) = (a.to_data().ok()?, b.to_data().ok()?);
            let pairs = a.iter::<f64>().zip(b.iter::<f64>());
            squares += pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        }
    }
    // Not a number would compare as neither near nor far.
    Some(squares.sqrt()).filter(|distance| distance.is_finite())
}
