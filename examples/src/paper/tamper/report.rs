//! Who caught what.

use super::{KINDS, Kind, Row, times};
use crate::paper::plot::{Axis, Figure, Legend, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, median, quantile};
use std::collections::BTreeMap;
use std::fmt::Write;

/// All tamperings of a kind.
#[derive(Clone, Debug)]
pub struct Caught {
    /// Which kind.
    pub kind: Kind,
    /// The share caught with the directory alone.
    pub unpinned: Estimate,
    /// With the genesis hash.
    pub genesis_pinned: Estimate,
    /// With the hashes of genesis and the last block.
    pub head_pinned: Estimate,
    /// With the program, of those that were trained again because the directory
    /// alone did not tell; `None` if there were none.
    pub replay: Option<Estimate>,
    /// How often each rule or level caught one with the directory alone.
    pub by: BTreeMap<String, usize>,
    /// Likewise with both hashes.
    pub by_pinned: BTreeMap<String, usize>,
}

impl Kind {
    /// Whether it takes the work of all blocks from the first changed one on, so
    /// that nothing in the directory need contradict itself.
    pub fn is_forgery(self) -> bool {
        matches!(
            self,
            Kind::ForgeEntry | Kind::ForgeWeights | Kind::ForgeGenesis | Kind::ForgeEnd
        )
    }
}

/// What was caught, by kind.
pub fn caught(rows: &[Row]) -> Vec<Caught> {
    let of_kind = |kind| {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.kind == kind).collect();
        Caught::of(kind, &rows)
    };
    KINDS.into_iter().filter_map(of_kind).collect()
}

impl Caught {
    fn of(kind: Kind, rows: &[&Row]) -> Option<Self> {
        let share = |by: &dyn Fn(&Row) -> bool| {
            let such = rows.iter().filter(|row| by(row)).count();
            Estimate::of_share(such, rows.len())
        };
        let replayed: Vec<bool> = rows.iter().filter_map(|row| row.replay).collect();
        let otherwise = replayed.iter().filter(|otherwise| **otherwise).count();
        let count = |by: &dyn Fn(&Row) -> Option<String>| {
            let mut counts = BTreeMap::new();
            for what in rows.iter().filter_map(|row| by(row)) {
                *counts.entry(what).or_default() += 1;
            }
            counts
        };
        Some(Caught {
            kind,
            unpinned: share(&|row| row.unpinned.is_some())?,
            genesis_pinned: share(&|row| row.genesis_pinned.is_some())?,
            head_pinned: share(&|row| row.head_pinned.is_some())?,
            replay: Estimate::of_share(otherwise, replayed.len()),
            by: count(&|row| row.unpinned.clone()),
            by_pinned: count(&|row| row.head_pinned.clone()),
        })
    }
}

/// The plot: the share that was caught, by what the verifier knows.
pub fn figures(rows: &[Row]) -> Vec<(String, Figure)> {
    let caught = caught(rows);
    if caught.is_empty() {
        return Vec::new();
    }
    let verifiers: [(&str, Share); 4] = [
        ("directory alone", |kind| Some(kind.unpinned)),
        ("genesis known", |kind| Some(kind.genesis_pinned)),
        ("last block known", |kind| Some(kind.head_pinned)),
        ("trained again", |kind| kind.replay),
    ];
    let series = verifiers.iter().enumerate().map(|(at, (label, share))| {
        // From top to bottom, and beside each other within a line.
        let points = caught.iter().rev().enumerate().filter_map(|(line, kind)| {
            let share = share(kind)?.times(100.0);
            Some(Point::across(share, line as f64 + 0.3 - 0.2 * at as f64))
        });
        Series {
            label: (*label).into(),
            shape: Shape::Across,
            points: points.collect(),
        }
    });
    let names = caught.iter().rev().map(|kind| kind.kind.to_string());
    let figure = Figure {
        title: "Tamperings caught, with 95 % confidence intervals".into(),
        x: Axis::new("caught, %", Scale::Linear),
        y: Axis::new("", Scale::Names(names.collect())),
        series: series.collect(),
        legend: Legend::Middle,
    };
    vec![("tamper".into(), figure)]
}

/// The share that a verifier caught.
type Share = fn(&Caught) -> Option<Estimate>;

/// The section's text: tables and verdicts.
pub fn section(rows: &[Row], times: &[times::Row]) -> String {
    let caught = caught(rows);
    let mut text = String::from(CLAIM);
    text.push_str(SHARES);
    for kind in &caught {
        let replay = kind.replay.map_or(String::new(), shown);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {replay} |",
            kind.kind,
            kind.unpinned.samples,
            shown(kind.unpinned),
            shown(kind.genesis_pinned),
            shown(kind.head_pinned),
        );
    }
    text.push_str(RULES);
    for kind in caught.iter().filter(|kind| kind.kind != Kind::Nothing) {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            kind.kind,
            listed(&kind.by),
            listed(&kind.by_pinned)
        );
    }
    text.push('\n');
    verdicts(&mut text, rows);
    costs(&mut text, times);
    text
}

const CLAIM: &str = "The paper calls checkpoints tamper-proof. A short training of the digits network \
was recorded in gate mode, and its directory changed at random, each time in one way; then it was \
verified with the directory alone, with the genesis hash known, and with the hash of the last block \
known as well. Of those that the directory alone did not give away, some were trained again, every \
segment. Caught means that a level fails or a required one does not hold, where CHAIN, FINISHED, STATE \
and ARTIFACT are required. Shares are in per cent, with Wilson's 95 % confidence interval.\n\n";

const SHARES: &str = "| what was done | trials | caught, directory alone | genesis known | last block \
known | trained again |\n|---|---:|---|---|---|---|\n";

const RULES: &str = "\nBy what, and how often; the rules are those of docs/format.md.\n\n\
| what was done | directory alone | last block known |\n|---|---|---|\n";

fn shown(share: Estimate) -> String {
    format!("{:.1}", share.times(100.0))
}

fn listed(counts: &BTreeMap<String, usize>) -> String {
    let each = counts
        .iter()
        .map(|(what, count)| format!("{what}: {count}"));
    let each: Vec<String> = each.collect();
    if each.is_empty() {
        return "nothing".into();
    }
    each.join("; ")
}

/// Counts over kinds.
struct Tally {
    such: usize,
    all: usize,
}

fn tally(rows: &[Row], which: impl Fn(Kind) -> bool, by: impl Fn(&Row) -> bool) -> Tally {
    let rows: Vec<&Row> = rows.iter().filter(|row| which(row.kind)).collect();
    Tally {
        such: rows.iter().filter(|row| by(row)).count(),
        all: rows.len(),
    }
}

fn verdicts(text: &mut String, rows: &[Row]) {
    let is_damage = |kind: Kind| kind != Kind::Nothing && !kind.is_forgery();
    let alarms = tally(
        rows,
        |kind| kind == Kind::Nothing,
        |row| row.head_pinned.is_some() || row.replay == Some(true),
    );
    let damage = tally(rows, is_damage, |row| row.unpinned.is_some());
    let forged = tally(rows, Kind::is_forgery, |row| row.unpinned.is_some());
    let pinned = tally(rows, Kind::is_forgery, |row| row.head_pinned.is_some());
    let verdict = if damage.all == 0 || pinned.all == 0 {
        "**Not measured in full**"
    } else if damage.such == damage.all && pinned.such == pinned.all {
        if forged.such == forged.all {
            "**Holds**"
        } else {
            "**Does not hold as written; holds as tamper evidence**"
        }
    } else {
        "**Does not hold**"
    };
    let _ = writeln!(
        text,
        "{verdict}: of {} changes that were not followed by the work of all later blocks, {} were \
         caught with the directory alone. Of {} forgeries that did that work, {} were caught with \
         the directory alone, {} with the last block's hash. A run that nobody had touched was \
         taken for a changed one {} times of {}.\n",
        damage.all, damage.such, forged.all, forged.such, pinned.such, alarms.such, alarms.all
    );
    for kind in KINDS.into_iter().filter(|kind| kind.is_forgery()) {
        let of = |row: &&Row| row.kind == kind && row.replay.is_some();
        let again = rows.iter().filter(of).count();
        let found = rows.iter().filter(of);
        let found = found.filter(|row| row.replay == Some(true)).count();
        if again > 0 {
            let _ = writeln!(
                text,
                "- {kind}: training again came out otherwise for {found} of {again} that nothing in \
                 the directory gave away."
            );
        }
    }
    text.push('\n');
}

/// One of a run's times.
type Part = fn(&times::Row) -> f64;

/// What verifying takes, beside training, mining and training again.
fn costs(text: &mut String, times: &[times::Row]) {
    let Some(first) = times.first() else {
        return;
    };
    let _ = writeln!(
        text,
        "Time to verify such a run, {} steps in {} blocks with {} checkpoints, {} bytes in all; \
         medians and range of {} runs, each recorded, verified and trained again in turn.\n\n\
         | what | ms | times the verification |\n|---|---|---|",
        first.steps,
        first.blocks,
        first.checkpoints,
        first.bytes,
        times.len()
    );
    let parts: [(&str, Part); 5] = [
        ("verify the chain alone", |row| row.chain_ms),
        ("verify all but the replay", |row| row.verify_ms),
        ("train, recorder off", |row| row.train_ms),
        ("mine all blocks", |row| row.mine_ms),
        ("train every segment again", |row| row.replay_ms),
    ];
    for (what, part) in parts {
        let values: Vec<f64> = times.iter().map(part).collect();
        let ratios: Vec<f64> = times.iter().map(|row| part(row) / row.verify_ms).collect();
        if let (Some(time), Some(ratio)) = (range(&values), range(&ratios)) {
            let _ = writeln!(text, "| {what} | {time} | {ratio} |");
        }
    }
    let failed = times.iter().filter(|row| !row.holds).count();
    let _ = writeln!(
        text,
        "\nOf these runs, {} of {} held, replay included.\n",
        times.len() - failed,
        times.len()
    );
}

/// The median, and the smallest and largest.
fn range(values: &[f64]) -> Option<String> {
    let (low, high) = (quantile(values, 0.0)?, quantile(values, 1.0)?);
    Some(format!("{:.2} ({low:.2} to {high:.2})", median(values)?))
}
