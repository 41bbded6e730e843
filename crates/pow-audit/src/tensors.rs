//! The tensors and checkpoints of a run, from any source.

use crate::source::RunSource;
use pow_core::body::StepNumber;
use pow_core::hash::{ParameterRoot, StateRoot};
use pow_core::state::{RestOfState, state_root};
use pow_core::tensor::TensorHasher;
use pow_ledger::{CheckpointPart, LedgerError, RunFile, StateFile, TensorReader};
use std::io::Read;

/// Opens a tensor file and reads its header.
pub(crate) fn open_tensors(
    run: &dyn RunSource,
    file: RunFile,
) -> Result<TensorReader<Box<dyn Read + '_>>, LedgerError> {
    let (opened, path) = (run.open(file)?, run.path(file));
    match opened.len {
        Some(len) => TensorReader::new(opened.bytes, len, &path),
        None => Err(LedgerError::Tensors {
            path,
            reason: "its length is not known".into(),
        }),
    }
}

/// The root of a file's tensors; `hasher` hashes the chunks.
pub(crate) fn tensor_root(
    run: &dyn RunSource,
    file: RunFile,
    hasher: &dyn TensorHasher,
) -> Result<ParameterRoot, LedgerError> {
    open_tensors(run, file)?.root_with(hasher)
}

/// The state root of the checkpoint that is at the place of `root`, and its step.
pub(crate) fn checkpoint_state(
    run: &dyn RunSource,
    root: StateRoot,
    hasher: &dyn TensorHasher,
) -> Result<(StateRoot, StepNumber), LedgerError> {
    let file = |part| RunFile::Checkpoint(root, part);
    let parameters = tensor_root(run, file(CheckpointPart::Model), hasher)?;
    let (rest, step) = rest_and_step(run, root, hasher)?;
    Ok((state_root(parameters, rest.root()), step))
}

/// The checkpoint's state without its weights. The file with the weights is not read.
pub(crate) fn checkpoint_rest(
    run: &dyn RunSource,
    root: StateRoot,
    hasher: &dyn TensorHasher,
) -> Result<RestOfState, LedgerError> {
    Ok(rest_and_step(run, root, hasher)?.0)
}

fn rest_and_step(
    run: &dyn RunSource,
    root: StateRoot,
    hasher: &dyn TensorHasher,
) -> Result<(RestOfState, StepNumber), LedgerError> {
    let file = |part| RunFile::Checkpoint(root, part);
    let optimizer = tensor_root(run, file(CheckpointPart::Optimizer), hasher)?;
    let state = file(CheckpointPart::State);
    let state = StateFile::read(run.open(state)?.bytes, &run.path(state))?;
    Ok((state.rest(optimizer), StepNumber(state.step)))
}
