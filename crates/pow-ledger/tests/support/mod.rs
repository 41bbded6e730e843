//! What the tests of this crate share.

use pow_core::body::StepNumber;
use pow_core::state::RestOfState;
use pow_core::tensor::TensorSet;
use pow_ledger::Checkpoint;

/// The state of a model without tensors after this step.
pub fn empty_checkpoint(step: u64) -> Checkpoint<'static> {
    let empty = TensorSet::new().root();
    Checkpoint {
        step: StepNumber(step),
        parameters: empty,
        rest: RestOfState {
            optimizer: empty,
            scheduler_steps: step,
            seed_position: 0,
            cursor: 0,
        },
        model: &[],
        optimizer: &[],
    }
}
