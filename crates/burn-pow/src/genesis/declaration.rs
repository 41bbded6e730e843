//! What genesis declares. It is collected before the initial state is hashed.

use crate::config::PowConfig;
use crate::error::ResumeError;
use pow_core::body::{CodeDigests, Environment, Genesis, InitialState, OrderRule, Schedule};
use pow_core::difficulty::Difficulty;
use pow_core::hash::{DatasetRoot, FileDigest, StateRoot};

/// All of genesis except the initial state's root.
pub(crate) struct Declaration {
    pub(crate) config: PowConfig,
    pub(crate) code: CodeDigests,
    pub(crate) environment: Environment,
    pub(crate) difficulty: Difficulty,
    pub(crate) schedule: Schedule,
    pub(crate) data: Data,
}

/// What genesis declares about the data.
#[derive(Clone, Copy)]
pub(crate) struct Data {
    pub(crate) order: OrderRule,
    pub(crate) dataset: Option<DatasetRoot>,
    /// Present if the order is declared.
    pub(crate) epoch: Option<EpochShape>,
}

/// How an epoch is divided into micro-batches and steps. Both numbers are at least
/// 1.
#[derive(Clone, Copy)]
pub(crate) struct EpochShape {
    pub(crate) micro_batches: u64,
    pub(crate) per_step: u64,
}

impl EpochShape {
    pub(crate) fn steps(self) -> u64 {
        self.micro_batches.div_ceil(self.per_step)
    }

    /// The number of micro-batches in the step after `taken` steps. The last step of
    /// an epoch may have fewer.
    pub(crate) fn micro_batches_of_next(self, taken: u64) -> u64 {
        let before = taken % self.steps() * self.per_step;
        self.per_step.min(self.micro_batches - before)
    }
}

impl Declaration {
    /// Compares what a resumed program declares with the genesis of its run. The
    /// environment and the code may differ: the repeated steps show whether the
    /// results do.
    pub(crate) fn compare(&self, genesis: &Genesis) -> Result<(), ResumeError> {
        let root =
            |root: Option<DatasetRoot>| root.map_or("absent".into(), |root| root.to_string());
        let parts = [
            (
                "the dataset's root",
                root(self.data.dataset),
                root(genesis.dataset),
            ),
            (
                "the seed",
                self.config.seed.to_string(),
                genesis.seed.to_string(),
            ),
            ("the name", self.config.run_name(), genesis.name.clone()),
            (
                "the mode",
                self.config.mode.name().into(),
                genesis.mode.name().into(),
            ),
            (
                "the order of samples",
                format!("{:?}", self.data.order),
                format!("{:?}", genesis.order),
            ),
            (
                "the schedule",
                format!("{:?}", self.schedule),
                format!("{:?}", genesis.schedule),
            ),
            (
                "the difficulty",
                format!("{:?}", self.difficulty),
                format!("{:?}", genesis.difficulty),
            ),
        ];
        match parts
            .into_iter()
            .find(|(_, found, expected)| found != expected)
        {
            None => Ok(()),
            Some((what, found, expected)) => Err(ResumeError::Mismatch {
                what,
                found,
                expected,
            }),
        }
    }

    /// Genesis, when the initial state is known.
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
            name: self.config.run_name(),
        }
    }
}
