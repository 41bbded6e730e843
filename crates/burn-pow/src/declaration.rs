//! What genesis declares, gathered before the initial state is hashed.

use crate::PowConfig;
use pow_core::body::{CodeDigests, Environment, Genesis, InitialState, OrderRule, Schedule};
use pow_core::difficulty::Difficulty;
use pow_core::hash::{DatasetRoot, FileDigest, StateRoot};

/// Everything of genesis but the initial state's root.
pub(crate) struct Declaration {
    pub(crate) config: PowConfig,
    pub(crate) code: CodeDigests,
    pub(crate) environment: Environment,
    pub(crate) difficulty: Difficulty,
    pub(crate) schedule: Schedule,
    pub(crate) data: Data,
}

/// What genesis will say of the data.
#[derive(Clone, Copy)]
pub(crate) struct Data {
    pub(crate) order: OrderRule,
    pub(crate) dataset: Option<DatasetRoot>,
    /// Present if the order is declared.
    pub(crate) epoch: Option<EpochShape>,
}

/// How an epoch is cut into micro-batches and steps; both numbers are at
/// least 1.
#[derive(Clone, Copy)]
pub(crate) struct EpochShape {
    pub(crate) micro_batches: u64,
    pub(crate) per_step: u64,
}

impl EpochShape {
    pub(crate) fn steps(self) -> u64 {
        self.micro_batches.div_ceil(self.per_step)
    }

    /// Micro-batches of the step after `taken` steps; the last of an epoch may
    /// have fewer.
    pub(crate) fn micro_batches_of_next(self, taken: u64) -> u64 {
        let before = taken % self.steps() * self.per_step;
        self.per_step.min(self.micro_batches - before)
    }
}

impl Declaration {
    /// Genesis, once the initial state is known.
    pub(crate) fn genesis(self, initial: StateRoot) -> Genesis {
        Genesis {
            seed: self.config.seed,
            initial: InitialState {
                root: initial,
                regenerable: self.config.regenerable,
            },
            schedule: self.schedule,
            mode: self.config.mode,
            order: self.data.order,
            dataset: self.data.dataset,
            config: FileDigest::of(&self.config.config_bytes()),
            code: self.code,
            environment: self.environment,
            difficulty: self.difficulty,
            extensions: Vec::new(),
            name: self.config.name,
        }
    }
}
