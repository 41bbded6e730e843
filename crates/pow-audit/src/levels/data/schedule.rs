//! The order that genesis declares, divided into steps.

use crate::source::RunSource;
use pow_core::body::{Genesis, OrderRule, StepNumber};
use pow_core::hash::{BatchDigest, BlockHash};
use pow_core::order::{
    BoundBatches, BoundOrder, EpochOrder, EpochSchedule, OrderTable, SampledOrder, SampledRule,
    Sampler,
};
use pow_ledger::{LedgerError, RunFile};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::ops::Range;

/// The most samples whose order is regenerated. They need about 2 GiB of memory. A
/// chain can declare any number, and its claims are not trusted yet.
pub(super) const MAX_ITEMS: u32 = 1 << 26;

/// The rule that the declared order follows.
#[derive(Debug)]
pub(super) enum Schedule {
    Epochs(EpochSchedule),
    Bound {
        order: BoundOrder,
        batches: BoundBatches,
        /// Hashes of the blocks that hold checkpoints, by step.
        keys: BTreeMap<StepNumber, BlockHash>,
    },
}

/// Why no order can be checked.
#[derive(Debug)]
pub(super) enum Unchecked {
    /// Genesis declares no order.
    Foreign,
    /// Genesis has no dataset root, or too many samples.
    NotKnown(u64),
    /// Nothing can be claimed from what genesis says about the order.
    Unusable(String),
    /// The table of the order is not here.
    NoTable,
    /// The table of the order could not be read.
    CouldNotRead(String),
    /// The table of the order is not the one that genesis names.
    Wrong(String),
}

impl Schedule {
    pub(super) fn of(genesis: &Genesis, run: &dyn RunSource) -> Result<Self, Unchecked> {
        let sampled = genesis.sampled_rule();
        let sampled = sampled.map_err(|why| Unchecked::Unusable(why.to_string()))?;
        let samples = match (genesis.order, sampled) {
            (OrderRule::Seeded { items, .. } | OrderRule::Bound { items, .. }, _) => items,
            (_, Some(rule)) => rule.items.max(rule.epoch_len()),
            _ => return Err(Unchecked::Foreign),
        };
        let not_known = Unchecked::NotKnown(samples.get().into());
        if samples.get() > MAX_ITEMS {
            return Err(not_known);
        }
        if let Some(rule) = sampled {
            return Schedule::sampled(genesis, rule, run);
        }
        let seeded = genesis.seeded_schedule().map(Schedule::Epochs);
        let bound = || {
            genesis.bound_order().map(|order| Schedule::Bound {
                order,
                batches: order.from_epoch(0),
                keys: BTreeMap::new(),
            })
        };
        seeded.or_else(bound).ok_or(not_known)
    }

    fn sampled(
        genesis: &Genesis,
        rule: SampledRule,
        run: &dyn RunSource,
    ) -> Result<Self, Unchecked> {
        let not_known = || Unchecked::NotKnown(rule.items.get().into());
        let dataset = genesis.dataset.ok_or_else(not_known)?;
        let table = match rule.table() {
            Some(_) => Some(read_table(run, rule.items.get())?),
            None => None,
        };
        let order = SampledOrder::new(dataset, genesis.seed, rule, table.as_ref());
        let order = order.map_err(|error| Unchecked::Wrong(error.to_string()))?;
        EpochSchedule::new(order, rule.batch, rule.accumulation)
            .map(Schedule::Epochs)
            .ok_or_else(not_known)
    }

    /// The number of samples that are sorted for an epoch.
    pub(super) fn sorted(&self) -> u32 {
        match self {
            Schedule::Epochs(schedule) => {
                schedule.order().items().max(schedule.order().epoch_len())
            }
            Schedule::Bound { order, .. } => order.items.get(),
        }
    }

    /// The number of samples to hash, and how often an epoch's samples are sorted.
    pub(super) fn cost(&self, steps: &Range<u64>) -> (u128, u64) {
        match self {
            Schedule::Epochs(schedule) => schedule.cost(steps),
            Schedule::Bound { order, .. } => order.cost(steps),
        }
    }

    /// The digest that the entry of step `steps.end` must have. The error is a step on
    /// whose block the order depends, although that is not an earlier block.
    pub(super) fn digest(&mut self, steps: Range<u64>) -> Result<Option<BatchDigest>, StepNumber> {
        match self {
            Schedule::Epochs(schedule) => Ok(schedule.digest(steps)),
            Schedule::Bound { batches, keys, .. } => {
                batches.digest(steps, |step| keys.get(&step).copied().ok_or(step))
            }
        }
    }

    /// The source that the batches must follow from.
    pub(super) fn source(&self) -> String {
        match self {
            Schedule::Epochs(schedule) => match schedule.order() {
                EpochOrder::Sampled(order) => sampled_source(order.rule()),
                _ => "genesis' seed and dataset root".into(),
            },
            Schedule::Bound { order, .. } => format!(
                "genesis and the hashes of earlier blocks ({} steps for each order, lag {})",
                order.interval, order.lag
            ),
        }
    }
}

fn sampled_source(rule: &SampledRule) -> String {
    let genesis = "genesis' seed and dataset root";
    match rule.sampler {
        Sampler::Uniform { draws } => {
            format!("{genesis} ({draws} draws an epoch, with replacement)")
        }
        Sampler::Weighted { draws, .. } => format!(
            "{genesis} and the weights in order.table ({draws} draws an epoch, with replacement)"
        ),
        Sampler::Bucketed { window, .. } => format!(
            "{genesis} and the lengths in order.table (sorted within {window} micro-batches)"
        ),
        _ => genesis.into(),
    }
}

/// Reads the run's table of `items` numbers.
fn read_table(run: &dyn RunSource, items: u32) -> Result<OrderTable, Unchecked> {
    let file = RunFile::OrderTable;
    let could_not = |error: LedgerError| match &error {
        LedgerError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            Unchecked::NoTable
        }
        error if error.could_not_read() => Unchecked::CouldNotRead(error.to_string()),
        _ => Unchecked::Wrong(error.to_string()),
    };
    let opened = run.open(file).map_err(could_not)?;
    // One more byte shows a file that is too long.
    let limit = u64::from(items) * 8 + 1;
    let mut bytes = Vec::new();
    let read = opened.bytes.take(limit).read_to_end(&mut bytes);
    read.map_err(|source| {
        could_not(LedgerError::Io {
            path: run.path(file),
            source,
        })
    })?;
    match OrderTable::from_bytes(&bytes) {
        Some(table) if table.numbers().len() == items as usize => Ok(table),
        _ => Err(Unchecked::Wrong(format!(
            "it is not of {} bytes, 8 for each of {items} samples",
            limit - 1
        ))),
    }
}
