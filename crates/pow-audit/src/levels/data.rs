//! DATA: whether the committed batches follow from the order that genesis declares.

use crate::display::counted;
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::body::{BodyKind, Entry, OrderRule, StepNumber};
use pow_core::hash::{BatchDigest, BlockHash};
use pow_core::order::{BoundBatches, BoundOrder, SeededSchedule};
use std::collections::BTreeMap;
use std::ops::Range;

/// The most samples whose order is regenerated. They need about 2 GiB of memory. A
/// chain can declare any number, and its claims are not trusted yet.
const MAX_ITEMS: u32 = 1 << 26;

/// The most work that is spent on the orders of one chain, in samples hashed. It takes
/// some minutes. A chain of a few bytes can claim any number of steps.
const MAX_WORK: u128 = 1 << 38;

/// The cost of sorting one sample into an epoch's order, in samples hashed.
const SORT: u128 = 100;

/// Regenerates every batch digest from genesis and, if the order is bound to them, from
/// the blocks before it.
#[derive(Debug, Default)]
pub(crate) struct BatchCheck {
    schedule: Option<Schedule>,
    spent: u128,
    too_long: bool,
    last: StepNumber,
    checked: u64,
    mismatch: Option<String>,
}

/// The rule that the declared order follows.
#[derive(Debug)]
enum Schedule {
    Seeded(SeededSchedule),
    Bound {
        order: BoundOrder,
        batches: BoundBatches,
        /// Hashes of the blocks that hold checkpoints, by step.
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

    /// The number of samples to hash, and how often an epoch's samples are sorted.
    fn cost(&self, steps: &Range<u64>) -> (u128, u64) {
        match self {
            Schedule::Seeded(schedule) => schedule.cost(steps),
            Schedule::Bound { order, .. } => order.cost(steps),
        }
    }

    /// The digest that the entry of step `steps.end` must have. The error is a step on
    /// whose block the order depends, although that is not an earlier block.
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
    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        match &walked.block.body().kind {
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
                    self.entry(walked, entry);
                }
                if let Some(Schedule::Bound { keys, .. }) = &mut self.schedule {
                    let sealed = entries.iter().filter(|entry| entry.rest.is_some());
                    let hash = walked.chain.head_hash();
                    keys.extend(sealed.map(|entry| (entry.step, hash)));
                }
            }
            BodyKind::Final(_) => {}
        }
    }

    fn entry(&mut self, walked: &WalkedBlock<'_>, entry: &Entry) {
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
                // An order can give no samples. Then there is nothing to compare.
                self.checked += u64::from(digest.is_some());
                return;
            }
            Ok(_) => format!("its batch digest does not follow from {}", source(schedule)),
            Err(step) => format!(
                "its order depends on the block of step {step}, which was not mined before it"
            ),
        };
        self.mismatch = Some(format!(
            "step {} (block {}, byte {}): {why}",
            entry.step,
            walked.chain.height(),
            walked.record.offset
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
            Some(root) => format!("dataset root {root} is declared; the data were not checked"),
            None => "genesis declares no dataset root".into(),
        };
        match (&self.schedule, genesis.order) {
            (Some(_), _) if self.too_long => LevelReport::new(
                Level::Data,
                Verdict::NotChecked,
                format!(
                    "order: holds for the first {}; the later ones claim too many steps to regenerate",
                    counted(self.checked, "entry", "entries")
                ),
            )
            .line(dataset),
            (Some(_), _) if self.checked == 0 => LevelReport::new(
                Level::Data,
                Verdict::NotChecked,
                "order: no entry has a batch digest to compare",
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
                format!("order: genesis declares {items} samples, or no dataset root; this program needs the root and at most {MAX_ITEMS} samples"),
            )
            .line(dataset),
            (None, _) => LevelReport::new(
                Level::Data,
                Verdict::NotChecked,
                "order: genesis declares none, so the samples of a step are not known",
            )
            .line(dataset),
        }
    }
}

/// The source that the batches must follow from.
fn source(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Seeded(_) => "genesis' seed and dataset root".into(),
        Schedule::Bound { order, .. } => format!(
            "genesis and the hashes of earlier blocks ({} steps for each order, lag {})",
            order.interval, order.lag
        ),
    }
}
