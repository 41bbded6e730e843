//! DATA: whether the committed batches follow from genesis' order rule.

use crate::report::{Level, LevelReport, Verdict};
use crate::walk::{BlockRow, WalkEnd};
use crate::words::counted;
use pow_core::body::{Entry, Kind, OrderRule, StepNumber};
use pow_core::order::SeededSchedule;

/// The most samples whose order is regenerated: about 2 GiB of memory. A chain
/// may declare any number, and what it declares is not yet to be trusted.
const MAX_ITEMS: u32 = 1 << 26;

/// The most work that is spent on a chain's orders, in samples hashed; some
/// minutes. A chain of a few bytes may claim any number of steps.
const MAX_WORK: u128 = 1 << 38;

/// What sorting one sample into an epoch's order costs, in samples hashed.
const SORT: u128 = 100;

/// Regenerates every batch digest from genesis alone.
#[derive(Debug, Default)]
pub(crate) struct BatchCheck {
    schedule: Option<SeededSchedule>,
    spent: u128,
    too_long: bool,
    last: StepNumber,
    checked: u64,
    mismatch: Option<String>,
}

impl BatchCheck {
    pub(crate) fn block(&mut self, row: &BlockRow<'_>) {
        match &row.block.body().kind {
            Kind::Genesis(genesis) => {
                self.schedule = match genesis.order {
                    OrderRule::Seeded { items, .. } if items.get() > MAX_ITEMS => None,
                    _ => genesis.seeded_schedule(),
                };
            }
            Kind::Steps(entries) => {
                for entry in entries {
                    self.entry(row, entry);
                }
            }
            Kind::Final(_) => {}
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
        if entry.batch == schedule.digest(steps) {
            self.checked += 1;
        } else {
            self.mismatch = Some(format!(
                "step {} (block {}, byte {}): its batch is not the one that genesis' seed and dataset root give",
                entry.step,
                row.chain.height(),
                row.record.offset
            ));
        }
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
        match (self.schedule, genesis.order) {
            (Some(_), _) if self.too_long => LevelReport::new(
                Level::Data,
                Verdict::NotChecked,
                format!(
                    "order: holds for the first {}; those after claim too many steps to regenerate",
                    counted(self.checked, "entry", "entries")
                ),
            )
            .line(dataset),
            (Some(_), _) => LevelReport::new(
                Level::Data,
                Verdict::Partly,
                match self.checked {
                    1 => "order: the one batch digest follows from genesis' seed and dataset root".into(),
                    checked => format!(
                        "order: all {checked} batch digests follow from genesis' seed and dataset root"
                    ),
                },
            )
            .line(dataset),
            (None, OrderRule::Seeded { items, .. }) => LevelReport::new(
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
