//! DATA: whether the committed batches follow from the order that genesis declares.

mod schedule;

use crate::display::counted;
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::body::{BodyKind, Entry, StepNumber};
use schedule::{MAX_ITEMS, Schedule, Unchecked};

/// The most work that is spent on the orders of one chain, in samples hashed. It takes
/// some minutes. A chain of a few bytes can claim any number of steps.
const MAX_WORK: u128 = 1 << 38;

/// The cost of sorting one sample into an epoch's order, in samples hashed.
const SORT: u128 = 100;

/// Regenerates every batch digest from genesis and, if the order is bound to them, from
/// the blocks before it.
pub(crate) struct BatchCheck<'a> {
    run: &'a dyn RunSource,
    /// Absent, with a reason, if there is no order that could be checked.
    schedule: Result<Schedule, Unchecked>,
    spent: u128,
    too_long: bool,
    last: StepNumber,
    checked: u64,
    mismatch: Option<String>,
}

impl<'a> BatchCheck<'a> {
    pub(crate) fn new(run: &'a dyn RunSource) -> Self {
        BatchCheck {
            run,
            schedule: Err(Unchecked::Foreign),
            spent: 0,
            too_long: false,
            last: StepNumber(0),
            checked: 0,
            mismatch: None,
        }
    }

    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        match &walked.block.body().kind {
            BodyKind::Genesis(genesis) => self.schedule = Schedule::of(genesis, self.run),
            BodyKind::Steps(entries) => {
                for entry in entries {
                    self.entry(walked, entry);
                }
                if let Ok(Schedule::Bound { keys, .. }) = &mut self.schedule {
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
        let Ok(schedule) = &mut self.schedule else {
            return;
        };
        if self.mismatch.is_some() || self.too_long || entry.step.0 == 0 {
            return;
        }
        let (samples, epochs) = schedule.cost(&steps);
        let sorting = u128::from(epochs) * u128::from(schedule.sorted()) * SORT;
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
            Ok(_) => format!(
                "its batch digest does not follow from {}",
                schedule.source()
            ),
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
        let level = |verdict, line: String| LevelReport::new(Level::Data, verdict, line);
        let Some(genesis) = end.chain.as_ref().map(|chain| chain.genesis()) else {
            return level(Verdict::NotChecked, "no genesis block".into());
        };
        if let Some(mismatch) = self.mismatch {
            return level(Verdict::Fails, mismatch);
        }
        let report = match &self.schedule {
            Ok(schedule) => level_of(schedule, self.checked, self.too_long),
            Err(why) => unchecked(why),
        };
        report.line(match genesis.dataset {
            Some(root) => format!("dataset root {root} is declared; the data were not checked"),
            None => "genesis declares no dataset root".into(),
        })
    }
}

/// DATA, where every digest that was compared was right.
fn level_of(schedule: &Schedule, checked: u64, too_long: bool) -> LevelReport {
    let (verdict, line) = match (too_long, checked) {
        (true, _) => (
            Verdict::NotChecked,
            format!(
                "order: holds for the first {}; the later ones claim too many steps to regenerate",
                counted(checked, "entry", "entries")
            ),
        ),
        (false, 0) => (
            Verdict::NotChecked,
            "order: no entry has a batch digest to compare".into(),
        ),
        (false, 1) => (
            Verdict::Partly,
            format!(
                "order: the one batch digest follows from {}",
                schedule.source()
            ),
        ),
        (false, _) => (
            Verdict::Partly,
            format!(
                "order: all {checked} batch digests follow from {}",
                schedule.source()
            ),
        ),
    };
    LevelReport::new(Level::Data, verdict, line)
}

/// DATA, where no order could be checked.
fn unchecked(why: &Unchecked) -> LevelReport {
    let (verdict, line) = match why {
        Unchecked::Foreign => (
            Verdict::NotChecked,
            "order: genesis declares none, so the samples of a step are not known".into(),
        ),
        Unchecked::NotKnown(samples) => (
            Verdict::NotChecked,
            format!(
                "order: genesis declares {samples} samples, or no dataset root; this program needs \
                 the root and at most {MAX_ITEMS} samples"
            ),
        ),
        Unchecked::Unusable(why) => (
            Verdict::NotChecked,
            format!("order: genesis declares a sampled order, but {why}"),
        ),
        Unchecked::NoTable => (
            Verdict::NotChecked,
            "order: it follows from the file order.table, which is not here".into(),
        ),
        Unchecked::CouldNotRead(error) => (
            Verdict::NotChecked,
            format!("order: could not check: {error}"),
        ),
        Unchecked::Wrong(why) => (Verdict::Fails, format!("order.table: {why}")),
    };
    LevelReport {
        could_not_check: matches!(why, Unchecked::CouldNotRead(_)),
        ..LevelReport::new(Level::Data, verdict, line)
    }
}
