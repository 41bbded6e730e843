//! DATA: whether the committed batches follow from genesis' order rule.

use crate::display::counted;
use crate::report::{Level, LevelReport, Verdict};
use crate::walk::{BlockRow, WalkEnd};
use pow_core::body::{BodyKind, Entry, OrderRule, StepNumber};
use pow_core::hash::{BatchDigest, BlockHash};
use pow_core::order::{BoundBatches, BoundOrder, SeededSchedule};
use std::collections::BTreeMap;
use std::ops::Range;

/// The most samples whose order is regenerated: about 2 GiB of memory. A chain
/// may declare any number, and what it declares is not yet to be trusted.
const MAX_ITEMS: u32 = 1 << 26;

/// The most work that is spent on a chain's orders, in samples hashed; some
/// minutes. A chain of a few bytes may claim any number of steps.
const MAX_WORK: u128 = 1 << 38;

/// What sorting one sample into an epoch's order costs, in samples hashed.
const SORT: u128 = 100;

/// Regenerates every batch digest from genesis, and from the blocks before it
/// where the order is bound to them.
#[derive(Debug, Default)]
pub(crate) struct BatchCheck {
    schedule: Option<Schedule>,
    spent: u128,
    too_long: bool,
    last: StepNumber,
    checked: u64,
    mismatch: Option<String>,
}

/// What a declared order follows from.
#[derive(Debug)]
enum Schedule {
    Seeded(SeededSchedule),
    Bound {
        order: BoundOrder,
        batches: BoundBatches,
        /// Hashes of the blocks that seal checkpoints, by step.
        keys: BTreeMap<StepNumber, BlockHash>,
    },
}

impl Schedule {
    fn items(&self) -> u32 {
        match self {
            Schedule::Seeded(schedule) => schedule.items(),
            Schedule::Bound { order, .. } => order.items.get(),
        }
    }

    /// Samples to hash, and how often an epoch's samples are sorted.
    fn cost(&self, steps: &Range<u64>) -> (u128, u64) {
        match self {
            Schedule::Seeded(schedule) => schedule.cost(steps),
            Schedule::Bound { order, .. } => order.cost(steps),
        }
    }

    /// The digest that the entry of step `steps.end` must carry. The error is a
    /// step that is not sealed before it, though the order depends on its block.
    fn digest(&mut self, steps: Range<u64>) -> Result<Option<BatchDigest>, StepNumber> {
        match self {
            Schedule::Seeded(schedule) => Ok(schedule.digest(steps)),
            Schedule::Bound { batches, keys, .. } => {
                batches.digest(steps, |step| keys.get(&step).copied().ok_or(step))
            }
        }
    }
}

impl BatchCheck {
    pub(crate) fn block(&mut self, row: &BlockRow<'_>) {
        match &row.block.body().kind {
            BodyKind::Genesis(genesis) => {
                self.schedule = match genesis.order {
                    OrderRule::Seeded { items, .. } | OrderRule::Bound { items, .. }
                        if items.get() > MAX_ITEMS =>
                    {
                        None
                    }
                    OrderRule::Bound { .. } => genesis.bound_order().map(|order| Schedule::Bound {
                        order,
                        batches: order.from_epoch(0),
                        keys: BTreeMap::new(),
                    }),
                    _ => genesis.seeded_schedule().map(Schedule::Seeded),
                };
            }
            BodyKind::Steps(entries) => {
                for entry in entries {
                    self.entry(row, entry);
                }
                if let Some(Schedule::Bound { keys, .. }) = &mut self.schedule {
                    let sealed = entries.iter().filter(|entry| entry.rest.is_some());
                    let hash = row.chain.head_hash();
                    keys.extend(sealed.map(|entry| (entry.step, hash)));
                }
            }
            BodyKind::Final(_) => {}
        }
    }

    fn entry(&mut self, row: &BlockRow<'_>, entry: &Entry) {
        let steps = self.last.0..entry.step.0;
        self.last = entry.step;
        let Some(schedule) = &mut self.schedule else {
            return;
        };
        if self.mismatch.is_some() || self.too_long || entry.step.0 == 0 {
            return;
        }
        let (samples, epochs) = schedule.cost(&steps);
        let sorting = u128::from(epochs) * u128::from(schedule.items()) * SORT;
        self.spent = self.spent.saturating_add(samples).saturating_add(sorting);
        if self.spent > MAX_WORK {
            self.too_long = true;
            return;
        }
        let why = match schedule.digest(steps) {
            Ok(digest) if digest == entry.batch => {
                self.checked += 1;
                return;
            }
            Ok(_) => format!("its batch is not the one that {} give", source(schedule)),
            Err(step) => format!(
                "its order depends on the block of step {step}, which was not mined before it"
            ),
        };
        self.mismatch = Some(format!(
            "step {} (block {}, byte {}): {why}",
            entry.step,
            row.chain.height(),
            row.record.offset
        ));
    }

    pub(crate) fn finish(self, end: &WalkEnd) -> LevelReport {
        let Some(genesis) = end.chain.as_ref().map(|chain| chain.genesis()) else {
            return LevelReport::new(Level::Data, Verdict::NotChecked, "no genesis block");
        };
        if let Some(mismatch) = self.mismatch {
            return LevelReport::new(Level::Data, Verdict::Fails, mismatch);
        }
        let dataset = match genesis.dataset {
            Some(root) => format!("dataset root {root} as declared; the data were not at hand"),
            None => "genesis declares no dataset root".into(),
        };
        match (&self.schedule, genesis.order) {
            (Some(_), _) if self.too_long => LevelReport::new(
                Level::Data,
                Verdict::NotChecked,
                format!(
                    "order: holds for the first {}; those after claim too many steps to regenerate",
                    counted(self.checked, "entry", "entries")
                ),
            )
            .line(dataset),
            (Some(schedule), _) => LevelReport::new(
                Level::Data,
                Verdict::Partly,
                match (self.checked, source(schedule)) {
                    (1, source) => format!("order: the one batch digest follows from {source}"),
                    (checked, source) => {
                        format!("order: all {checked} batch digests follow from {source}")
                    }
                },
            )
            .line(dataset),
            (None, OrderRule::Seeded { items, .. } | OrderRule::Bound { items, .. }) => LevelReport::new(
                Level::Data,
                Verdict::NotChecked,
                format!("order: {items} samples, or no dataset root; this program regenerates up to {MAX_ITEMS}"),
            )
            .line(dataset),
            (None, _) => LevelReport::new(
                Level::Data,
                Verdict::NotChecked,
                "order: the loader is foreign, so the samples of a step are not declared",
            )
            .line(dataset),
        }
    }
}

/// What the batches must follow from.
fn source(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Seeded(_) => "genesis' seed and dataset root".into(),
        Schedule::Bound { order, .. } => format!(
            "genesis and the hashes of blocks mined before them ({} steps an order, lag {})",
            order.interval, order.lag
        ),
    }
}
