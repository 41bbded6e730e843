//! The state of a training: everything that it needs to continue from a step,
//! as one root.

use crate::hash::{ParameterRoot, RestRoot, StateRoot, Tag};
use crate::tensor::TensorSet;

/// A training state without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestOfState {
    /// Root over the optimizer's tensors. They are named `<parameter
    /// path>#<field>`.
    pub optimizer: ParameterRoot,
    /// How many steps the learning-rate scheduler has taken. Program and number
    /// together determine the scheduler's state.
    pub scheduler_steps: u64,
    /// Position of the random number generator. Before its next use, the device
    /// is seeded with [`device_seed`](crate::order::device_seed) of the run's
    /// seed and this number.
    pub seed_position: u64,
    /// The number of micro-batches that the loader has returned since the start
    /// of the run.
    pub cursor: u64,
}

impl RestOfState {
    /// That of a training that has taken no step and took over nothing but weights: the
    /// optimizer has no tensors, and everything that counts is at 0.
    ///
    /// ```
    /// use pow_core::state::RestOfState;
    /// let root = RestOfState::fresh().root().to_string();
    /// assert!(root.starts_with("59dc5fd0e87ce6bf"));
    /// ```
    pub fn fresh() -> Self {
        RestOfState {
            optimizer: TensorSet::new().root(),
            scheduler_steps: 0,
            seed_position: 0,
            cursor: 0,
        }
    }

    /// The root over these four fields.
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

/// The root of a whole training state. A chain stores the two roots that it is
/// computed from, and never the state root beside them. So they cannot
/// disagree.
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
