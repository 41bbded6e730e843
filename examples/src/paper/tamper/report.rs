//! Which verifier caught what.

use super::kind::{TAMPER_KINDS, TamperKind};
use super::plan::{TamperRow, TamperTimesRow};
use crate::paper::plot::{Axis, Legend, Plot, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, median, quantile};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The trials of one kind.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The kind.
    pub kind: TamperKind,
    /// The share that was caught with the directory alone.
    pub unpinned: Estimate,
    /// The share that was caught with the genesis hash.
    pub genesis_pinned: Estimate,
    /// The share that was caught with the hashes of genesis and the last block.
    pub head_pinned: Estimate,
    /// The share for which training again gave a different result, of the trials
    /// that were trained again. `None` if there were none.
    pub replay: Option<Estimate>,
    /// How often each rule or level caught a trial with the directory alone.
    pub by: BTreeMap<String, usize>,
    /// How often each rule or level caught a trial with both hashes.
    pub by_pinned: BTreeMap<String, usize>,
}

/// What was caught, for each kind.
pub fn caught(rows: &[TamperRow]) -> Vec<Caught> {
    let of_kind = |kind| {
        let rows: Vec<&TamperRow> = rows.iter().filter(|row| row.kind == kind).collect();
        Caught::of(kind, &rows)
    };
    TAMPER_KINDS.into_iter().filter_map(of_kind).collect()
}

impl Caught {
    fn of(kind: TamperKind, rows: &[&TamperRow]) -> Option<Self> {
        let share = |by: &dyn Fn(&TamperRow) -> bool| {
            let such = rows.iter().filter(|row| by(row)).count();
            Estimate::of_share(such, rows.len())
        };
        let replayed: Vec<bool> = rows.iter().filter_map(|row| row.replay).collect();
        let different = replayed.iter().filter(|differs| **differs).count();
        let count = |by: &dyn Fn(&TamperRow) -> Option<String>| {
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
            replay: Estimate::of_share(different, replayed.len()),
            by: count(&|row| row.unpinned.clone()),
            by_pinned: count(&|row| row.head_pinned.clone()),
        })
    }
}

/// The plot with its file name: the share that was caught, by what the verifier
/// knows.
pub fn plots(rows: &[TamperRow]) -> Vec<(String, Plot)> {
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
        // The kinds run from top to bottom. The verifiers share a line.
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
    let plot = Plot {
        title: "Tamperings caught, with 95 % confidence intervals".into(),
        x: Axis::new("caught, %", Scale::Linear),
        y: Axis::new("", Scale::Names(names.collect())),
        series: series.collect(),
        legend: Legend::Middle,
    };
    vec![("tamper".into(), plot)]
}

/// The share that a verifier caught.
type Share = fn(&Caught) -> Option<Estimate>;

/// The section's text: tables and verdicts.
pub fn section(rows: &[TamperRow], times: &[TamperTimesRow]) -> String {
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
    for kind in caught
        .iter()
        .filter(|kind| kind.kind != TamperKind::Nothing)
    {
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

const CLAIM: &str = "The paper calls checkpoints tamper-proof. We recorded a short training of the digits \
network in gate mode. Then we changed its directory at random, in one way at a time, and verified it with \
the directory alone, with the genesis hash, and with the hash of the last block too. Of the changed runs \
that passed with the directory alone, we trained some again, every segment. A change is caught if a \
level fails or a required level does not hold. CHAIN, FINISHED, STATE and ARTIFACT are required. Shares \
are in per cent, with Wilson's 95 % confidence interval.\n\n";

const SHARES: &str = "| change | trials | caught, directory alone | genesis known | last block \
known | trained again |\n|---|---:|---|---|---|---|\n";

const RULES: &str = "\nWhat caught the changes, and how often. The rules are those of \
docs/format.md.\n\n\
| change | directory alone | last block known |\n|---|---|---|\n";

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

/// How many of all trials were caught.
struct CaughtCount {
    caught: usize,
    all: usize,
}

fn count_caught(
    rows: &[TamperRow],
    which: impl Fn(TamperKind) -> bool,
    by: impl Fn(&TamperRow) -> bool,
) -> CaughtCount {
    let rows: Vec<&TamperRow> = rows.iter().filter(|row| which(row.kind)).collect();
    CaughtCount {
        caught: rows.iter().filter(|row| by(row)).count(),
        all: rows.len(),
    }
}

fn verdicts(text: &mut String, rows: &[TamperRow]) {
    let is_damage = |kind: TamperKind| kind != TamperKind::Nothing && !kind.is_forgery();
    let alarms = count_caught(
        rows,
        |kind| kind == TamperKind::Nothing,
        |row| row.head_pinned.is_some() || row.replay == Some(true),
    );
    let damage = count_caught(rows, is_damage, |row| row.unpinned.is_some());
    let forged = count_caught(rows, TamperKind::is_forgery, |row| row.unpinned.is_some());
    let pinned = count_caught(rows, TamperKind::is_forgery, |row| {
        row.head_pinned.is_some()
    });
    let verdict = if damage.all == 0 || pinned.all == 0 {
        "**Not measured in full**"
    } else if damage.caught == damage.all && pinned.caught == pinned.all {
        if forged.caught == forged.all {
            "**Holds**"
        } else {
            "**Does not hold as written; holds as tamper evidence**"
        }
    } else {
        "**Does not hold**"
    };
    let _ = writeln!(
        text,
        "{verdict}: {} changes did not redo the work of all later blocks; {} of them were caught \
         with the directory alone. {} forgeries did redo that work; {} of them were caught with the \
         directory alone, and {} with the hash of the last block. An unchanged run was called \
         changed {} of {} times.\n",
        damage.all,
        damage.caught,
        forged.all,
        forged.caught,
        pinned.caught,
        alarms.caught,
        alarms.all
    );
    for kind in TAMPER_KINDS.into_iter().filter(|kind| kind.is_forgery()) {
        let of = |row: &&TamperRow| row.kind == kind && row.replay.is_some();
        let again = rows.iter().filter(of).count();
        let found = rows.iter().filter(of);
        let found = found.filter(|row| row.replay == Some(true)).count();
        if again > 0 {
            let _ = writeln!(
                text,
                "- {kind}: training again gave a different result for {found} of {again} runs that \
                 passed with the directory alone."
            );
        }
    }
    text.push('\n');
}

/// One of a run's times.
type TimeColumn = fn(&TamperTimesRow) -> f64;

/// The time to verify, beside the time to train, to mine and to train again.
fn costs(text: &mut String, times: &[TamperTimesRow]) {
    let Some(first) = times.first() else {
        return;
    };
    let _ = writeln!(
        text,
        "Time to verify such a run, with {} steps, {} blocks, {} checkpoints and {} bytes: medians \
         and ranges of {} runs. Each run was recorded, verified and trained again before the \
         next.\n\n| what | ms | times the verification |\n|---|---|---|",
        first.steps,
        first.blocks,
        first.checkpoints,
        first.bytes,
        times.len()
    );
    let columns: [(&str, TimeColumn); 5] = [
        ("verify the chain alone", |row| row.chain_ms),
        ("verify everything but the replay", |row| row.verify_ms),
        ("train, recorder off", |row| row.train_ms),
        ("mine all blocks", |row| row.mine_ms),
        ("train every segment again", |row| row.replay_ms),
    ];
    for (what, column) in columns {
        let values: Vec<f64> = times.iter().map(column).collect();
        let ratios: Vec<f64> = times
            .iter()
            .map(|row| column(row) / row.verify_ms)
            .collect();
        if let (Some(time), Some(ratio)) = (range(&values), range(&ratios)) {
            let _ = writeln!(text, "| {what} | {time} | {ratio} |");
        }
    }
    let failed = times.iter().filter(|row| !row.holds).count();
    let _ = writeln!(
        text,
        "\n{} of {} runs held, replay included.\n",
        times.len() - failed,
        times.len()
    );
}

/// The median, and the smallest and the largest value.
fn range(values: &[f64]) -> Option<String> {
    let (low, high) = (quantile(values, 0.0)?, quantile(values, 1.0)?);
    Some(format!("{:.2} ({low:.2} to {high:.2})", median(values)?))
}
