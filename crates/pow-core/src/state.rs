//! What a training needs to go on from a step, as one root.

use crate::hash::{ParameterRoot, RestRoot, StateRoot, Tag};

/// Everything of a training state but the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestOfState {
    /// Root over the optimizer's tensors, named `<parameter path>#<field>`.
    pub optimizer: ParameterRoot,
    /// How often the learning-rate scheduler has stepped. The scheduler itself
    /// is a function of the program and this number.
    pub scheduler_steps: u64,
    /// Position of the random generator: before its next use the device is
    /// seeded with [`crate::order::device_seed`] of the run's seed and this
    /// number.
    pub seed_position: u64,
    /// Micro-batches that the loader has handed out since the run began.
    pub cursor: u64,
}

impl RestOfState {
    /// The root over these four.
    pub fn root(&self) -> RestRoot {
        RestRoot(
            Tag::Rest
                .hasher()
                .chain(&self.optimizer.0)
                .chain(&self.scheduler_steps.to_le_bytes())
                .chain(&self.seed_position.to_le_bytes())
                .chain(&self.cursor.to_le_bytes())
                .finish(),
        )
    }
}

/// The root of a whole training state. A chain never stores it beside the two
/// roots it is made of, so they cannot disagree.
///
/// ```
/// use pow_core::hash::{ParameterRoot, RestRoot};
/// use pow_core::state::state_root;
/// let root = state_root(ParameterRoot([1; 32]), RestRoot([2; 32]));
/// assert_ne!(root, state_root(ParameterRoot([2; 32]), RestRoot([1; 32])));
/// ```
pub fn state_root(parameters: ParameterRoot, rest: RestRoot) -> StateRoot {
    StateRoot(
        Tag::State
            .hasher()
            .chain(&parameters.0)
            .chain(&rest.0)
            .finish(),
    )
}
