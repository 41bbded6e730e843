//! What genesis declares. It is collected before the initial state is hashed.

use crate::config::PowConfig;
use crate::error::ResumeError;
use pow_core::body::{CodeDigests, Environment, Genesis, InitialState, OrderRule, Schedule};
use pow_core::difficulty::Difficulty;
use pow_core::extension::{Known, Parent, Probe};
use pow_core::hash::{DatasetRoot, FileDigest, StateRoot};
use pow_core::order::{OrderTable, SampledRule};

/// All of genesis except the initial state's root.
pub(crate) struct Declaration {
    pub(crate) config: PowConfig,
    pub(crate) code: CodeDigests,
    pub(crate) environment: Environment,
    pub(crate) difficulty: Difficulty,
    pub(crate) schedule: Schedule,
    pub(crate) data: Data,
    /// How the device computes. Absent if it could not be probed.
    pub(crate) probe: Option<Probe>,
    /// The state of another run that this one goes on from.
    pub(crate) parent: Option<Parent>,
}

/// What genesis declares about the data.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) order: DeclaredOrder,
    pub(crate) dataset: Option<DatasetRoot>,
}

/// What genesis declares about the order of samples.
#[derive(Clone)]
pub(crate) enum DeclaredOrder {
    /// A rule of the format.
    Rule(OrderRule),
    /// How a sampler chooses, and the table that it needs. It stands in an extension, and
    /// the rule of the format is *foreign*.
    Sampled(SampledRule, Option<OrderTable>),
}

impl DeclaredOrder {
    /// Nothing is declared.
    pub(crate) const FOREIGN: Self = DeclaredOrder::Rule(OrderRule::Foreign);

    /// What this genesis declares. An extension from which nothing can be claimed declares
    /// nothing.
    pub(crate) fn of(genesis: &Genesis) -> Self {
        match genesis.sampled_rule() {
            Ok(Some(rule)) => DeclaredOrder::Sampled(rule, None),
            _ => DeclaredOrder::Rule(genesis.order),
        }
    }

    /// The number of samples in an epoch. `None` if no order is declared.
    pub(crate) fn epoch_len(&self) -> Option<u32> {
        match self {
            DeclaredOrder::Rule(
                OrderRule::Seeded { items, .. } | OrderRule::Bound { items, .. },
            ) => Some(items.get()),
            DeclaredOrder::Rule(_) => None,
            DeclaredOrder::Sampled(rule, _) => Some(rule.epoch_len().get()),
        }
    }

    /// The rule in genesis.
    fn rule(&self) -> OrderRule {
        match self {
            DeclaredOrder::Rule(rule) => *rule,
            DeclaredOrder::Sampled(..) => OrderRule::Foreign,
        }
    }

    /// The extension of genesis.
    fn sampled(&self) -> Option<SampledRule> {
        match self {
            DeclaredOrder::Rule(_) => None,
            DeclaredOrder::Sampled(rule, _) => Some(*rule),
        }
    }

    /// The table that the order needs.
    pub(crate) fn table(&self) -> Option<&OrderTable> {
        match self {
            DeclaredOrder::Rule(_) => None,
            DeclaredOrder::Sampled(_, table) => table.as_ref(),
        }
    }
}

/// How an epoch is divided into micro-batches and steps. Both numbers are at least
/// 1.
#[derive(Clone, Copy)]
pub(crate) struct EpochShape {
    pub(crate) micro_batches: u64,
    pub(crate) per_step: u64,
}

impl EpochShape {
    /// The shape that an order declares. `None` if it declares none.
    pub(crate) fn of(order: &DeclaredOrder) -> Option<Self> {
        let (batch, accumulation) = match order {
            DeclaredOrder::Rule(
                OrderRule::Seeded {
                    batch,
                    accumulation,
                    ..
                }
                | OrderRule::Bound {
                    batch,
                    accumulation,
                    ..
                },
            ) => (batch, accumulation),
            DeclaredOrder::Rule(_) => return None,
            DeclaredOrder::Sampled(rule, _) => (&rule.batch, &rule.accumulation),
        };
        Some(EpochShape {
            micro_batches: order.epoch_len()?.div_ceil(batch.get()).into(),
            per_step: accumulation.get().into(),
        })
    }

    pub(crate) fn steps(self) -> u64 {
        self.micro_batches.div_ceil(self.per_step)
    }

    /// The number of micro-batches of the first `taken` steps.
    pub(crate) fn micro_batches_until(self, taken: u64) -> u64 {
        let (epochs, steps) = (taken / self.steps(), taken % self.steps());
        epochs
            .saturating_mul(self.micro_batches)
            .saturating_add(steps * self.per_step)
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
    ///
    /// The settings are those that genesis commits to, so whatever follows from them
    /// alone and differs is a contradiction of the run. (Settings that the program wrote
    /// as bytes of its own need not have it.) Order and schedule follow from the data and
    /// the program's arguments as well.
    pub(crate) fn compare(&self, genesis: &Genesis) -> Result<(), ResumeError> {
        let root =
            |root: Option<DatasetRoot>| root.map_or("absent".into(), |root| root.to_string());
        if self.data.dataset != genesis.dataset {
            return Err(ResumeError::OtherData {
                found: root(self.data.dataset),
                expected: root(genesis.dataset),
            });
        }
        let (config, seed) = (&self.config, genesis.seed);
        let settings = [
            ("the seed", config.seed.to_string(), seed.to_string()),
            ("the name", config.run_name(), genesis.name.clone()),
            (
                "the mode",
                config.mode.name().into(),
                genesis.mode.name().into(),
            ),
            (
                "the difficulty",
                format!("{:?}", self.difficulty),
                format!("{:?}", genesis.difficulty),
            ),
        ];
        let differs = |(_, found, expected): &(_, String, String)| found != expected;
        if let Some((what, found, expected)) = settings.into_iter().find(differs) {
            return Err(match config.config_json {
                None => ResumeError::Contradiction {
                    what,
                    found,
                    expected,
                },
                Some(_) => ResumeError::OtherProgram {
                    what,
                    found,
                    expected,
                },
            });
        }
        let program = [
            (
                "the order of samples",
                format!("{:?}", self.data.order.rule()),
                format!("{:?}", genesis.order),
            ),
            (
                "the sampled order",
                format!("{:?}", self.data.order.sampled()),
                format!("{:?}", DeclaredOrder::of(genesis).sampled()),
            ),
            (
                "the schedule",
                format!("{:?}", self.schedule),
                format!("{:?}", genesis.schedule),
            ),
        ];
        match program.into_iter().find(differs) {
            None => Ok(()),
            Some((what, found, expected)) => Err(ResumeError::OtherProgram {
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
                // Weights that were taken from elsewhere do not follow from the seed.
                regenerable: self.config.regenerable
                    && self.parent.is_none()
                    && self.config.base_model.is_none(),
            },
            schedule: self.schedule,
            mode: self.config.mode,
            order: self.data.order.rule(),
            dataset: self.data.dataset,
            config: FileDigest::of(&self.config.config_bytes()),
            code: self.code,
            environment: self.environment,
            difficulty: self.difficulty,
            extensions: [
                self.probe.map(Known::Probe),
                self.config.bitcoin_block.map(Known::BitcoinBlock),
                self.parent.map(Known::Parent),
                self.config.base_model.map(Known::BaseModel),
                self.config.declaration.map(Known::Declaration),
                self.data.order.sampled().map(Known::SampledOrder),
            ]
            .into_iter()
            .flatten()
            .map(|known| known.to_extension())
            .collect(),
            name: self.config.run_name(),
        }
    }
}
