//! Replay reports: read by the tables of `docs/replay.md` a second time.

mod form;

use super::json::Json;
use super::memory::metered;
use crate::fixture::Plan;
use crate::long_run::LongRun;
use form::has_the_bytes;
use pow_audit::replay::{
    Amount, Decimal, EntryField, Fraction, Goal, ReplayReport, SecurityBits, SegmentEnd,
    SegmentOutcome, SegmentResult, Shard,
};
use pow_core::challenge::{ChallengeSource, ChallengeValue};

/// The JSON of a replay report.
pub fn report(data: &[u8]) {
    let report = metered(data.len(), || ReplayReport::from_json(data));
    let theirs = Json::read(data).is_some_and(|json| {
        let means = has_the_meaning(&json).is_some();
        means && has_the_bytes(&json, data)
    });
    assert_eq!(report.is_ok(), theirs, "{report:?}");
    if let Ok(report) = report {
        assert_eq!(report.to_json().unwrap().as_bytes(), data);
    }
}

/// The values of an object that has exactly these names in this order; those
/// that end in a question mark may be left out.
fn fields<'a, const N: usize>(json: &'a Json, names: [&str; N]) -> Option<[Option<&'a Json>; N]> {
    let Json::Object(pairs) = json else {
        return None;
    };
    let mut left = pairs.iter().peekable();
    let mut values = [None; N];
    for (value, name) in values.iter_mut().zip(names) {
        let (name, optional) = match name.strip_suffix('?') {
            Some(name) => (name, true),
            None => (name, false),
        };
        *value = left
            .next_if(|(found, _)| found == name)
            .map(|(_, value)| value);
        if value.is_none() && !optional {
            return None;
        }
    }
    left.next().is_none().then_some(values)
}

/// As [`fields`], none of which may be left out.
fn all<'a, const N: usize>(json: &'a Json, names: [&str; N]) -> Option<[&'a Json; N]> {
    let values = fields(json, names)?;
    let values: Option<Vec<&Json>> = values.into_iter().collect();
    values?.try_into().ok()
}

fn check(holds: bool) -> Option<()> {
    holds.then_some(())
}

fn has_the_meaning(json: &Json) -> Option<()> {
    let [
        schema,
        chain,
        challenge,
        shard,
        recorded,
        replayed,
        results,
        timing,
    ] = all(
        json,
        [
            "schema",
            "chain",
            "challenge",
            "shard",
            "recorded",
            "replayed",
            "results",
            "timing",
        ],
    )?;
    check(schema.text()? == "burn-pow/replay-report/v1")?;

    let [genesis, head, height, finished] = all(chain, ["genesis", "head", "height", "finished"])?;
    digest(genesis)?;
    digest(head)?;
    check(height.number()? < 1 << 31)?;
    finished.flag()?;

    let challenged = challenged(challenge)?;
    let [index, of] = all(shard, ["index", "of"])?;
    let (index, of) = (index.number()?, of.number()?);
    check(1 <= index && index <= of && of < 1 << 32)?;
    let of_part = (0u64..).zip(&challenged);
    let part: Vec<u64> = of_part
        .filter(|(k, _)| k % of == index - 1)
        .map(|(_, segment)| *segment)
        .collect();

    let recorded = Machine::of(recorded)?;
    let mut machines = Vec::new();
    for replayed in replayed.list()? {
        let [machine, matches] = all(replayed, ["machine", "matches"])?;
        let machine = Machine::of(machine)?;
        machine.has_matches(&recorded, matches)?;
        check(machines.last().is_none_or(|last| *last < machine))?;
        machines.push(machine);
    }

    let mut used = vec![false; machines.len()];
    let results = results.list()?;
    check(results.len() == part.len())?;
    for (result, expected) in results.iter().zip(&part) {
        let is_last = Some(expected) == challenged.last();
        let (segment, machine) = result_of(result, is_last, &machines, &recorded)?;
        check(segment == *expected)?;
        used[machine] = true;
    }
    check(used.into_iter().all(|used| used))?;

    let timing = timing.list()?;
    check(timing.len() == part.len())?;
    for (time, expected) in timing.iter().zip(&part) {
        let [segment, millis] = all(time, ["segment", "millis"])?;
        check(segment.number()? == *expected)?;
        millis.number()?;
    }
    Some(())
}

/// The challenged segments, in ascending order.
fn challenged(json: &Json) -> Option<Vec<u64>> {
    let [
        source,
        value,
        fraction,
        security,
        segments,
        remaining,
        picks,
        always,
        picked,
    ] = fields(
        json,
        [
            "source",
            "value",
            "fraction?",
            "security?",
            "segments",
            "remaining",
            "picks",
            "always",
            "picked",
        ],
    )?;
    let value = hex(value?)?;
    match source?.text()? {
        "head" => check(value == 0)?,
        "verifier" | "beacon" => check((1..=1024).contains(&value))?,
        _ => return None,
    }
    check(fraction.is_some() == security.is_some())?;
    if let (Some(fraction), Some(security)) = (fraction, security) {
        let share = decimal(fraction)?;
        check(share > 0.0 && share <= 1.0)?;
        check(security.number()? < 1 << 32)?;
    }
    let segments = segments?.number()?;
    let mut all_of_them = Vec::new();
    for row in always?.list()? {
        let [segment, why] = all(row, ["segment", "why"])?;
        let segment = segment.number()?;
        check(segment < segments && all_of_them.last().is_none_or(|last| *last < segment))?;
        let expected = match segment {
            0 => "first",
            last if last == segments - 1 => "last",
            _ => "named",
        };
        check(why.text()? == expected)?;
        all_of_them.push(segment);
    }
    let ends = match segments {
        0 => Vec::new(),
        _ => vec![0, segments - 1],
    };
    check(ends.iter().all(|end| all_of_them.contains(end)))?;
    check(remaining?.number()? == segments - all_of_them.len() as u64)?;
    let picked = picked?.numbers()?;
    check(picks?.number()? == picked.len() as u64)?;
    check(picked.is_sorted_by(|a, b| a < b))?;
    check(picked.iter().all(|segment| *segment < segments))?;
    all_of_them.extend(picked);
    all_of_them.sort_unstable();
    // None is in both.
    check(all_of_them.is_sorted_by(|a, b| a < b))?;
    Some(all_of_them)
}

/// A machine, ordered by its fields.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Machine {
    executable: Option<String>,
    texts: [String; 4],
    threads: u64,
}

impl Machine {
    fn of(json: &Json) -> Option<Machine> {
        let [executable, burn, backend, device, cpu, threads] = fields(
            json,
            ["executable?", "burn", "backend", "device", "cpu", "threads"],
        )?;
        if let Some(executable) = executable {
            digest(executable)?;
        }
        let executable = executable.and_then(Json::text).map(str::to_owned);
        let mut texts = [const { String::new() }; 4];
        for (text, found) in texts.iter_mut().zip([burn, backend, device, cpu]) {
            *text = found?.text()?.to_owned();
            check(text.len() <= 1024)?;
        }
        let threads = threads?.number()?;
        check(threads < 1 << 32)?;
        Some(Machine {
            executable,
            texts,
            threads,
        })
    }

    fn has_matches(&self, recorded: &Machine, json: &Json) -> Option<()> {
        let [executable, burn, backend, device, cpu, threads] = fields(
            json,
            ["executable?", "burn", "backend", "device", "cpu", "threads"],
        )?;
        let expected = self.executable.as_ref().zip(recorded.executable.as_ref());
        let expected = expected.map(|(here, there)| here == there);
        check(executable.map(Json::flag) == expected.map(Some))?;
        let texts = [burn, backend, device, cpu].into_iter();
        for ((found, here), there) in texts.zip(&self.texts).zip(&recorded.texts) {
            check(found?.flag()? == (here == there))?;
        }
        check(threads?.flag()? == (self.threads == recorded.threads))
    }
}

/// A result's segment and its machine's place.
fn result_of(
    json: &Json,
    is_last: bool,
    machines: &[Machine],
    recorded: &Machine,
) -> Option<(u64, usize)> {
    let [
        segment,
        from_step,
        to_step,
        from_state,
        to_state,
        block,
        entries,
        machine,
        outcome,
    ] = fields(
        json,
        [
            "segment",
            "from_step",
            "to_step",
            "from_state",
            "to_state?",
            "block",
            "entries",
            "machine",
            "outcome",
        ],
    )?;
    check(from_step?.number()? < to_step?.number()?)?;
    digest(from_state?)?;
    match to_state {
        Some(state) => digest(state)?,
        None => check(is_last)?,
    }
    check(block?.number()? < 1 << 31)?;
    let place = usize::try_from(machine?.number()?).ok()?;
    let comparable = machines.get(place)?.texts == recorded.texts;
    let has_end = to_state.is_some();
    outcome_of(outcome?, entries?.number()?, comparable, has_end)?;
    Some((segment?.number()?, place))
}

fn outcome_of(json: &Json, of_segment: u64, comparable: bool, has_end: bool) -> Option<()> {
    let Json::Object(pairs) = json else {
        return None;
    };
    match pairs.first()?.1.text()? {
        "bit-exact" => {
            let [_, entries] = all(json, ["kind", "entries"])?;
            check(entries.number()? == of_segment)
        }
        "differs" => {
            let names = ["kind", "step", "field", "found", "expected"];
            let [_, step, field, found, expected] = all(json, names)?;
            step.number()?;
            found.text()?;
            expected.text()?;
            match field.text()? {
                "step" | "batch" => Some(()),
                "initial-state" | "parameters" | "loss" | "learning-rate" | "state" => {
                    check(comparable)
                }
                _ => None,
            }
        }
        "checkpoint-absent" => end(all(json, ["kind", "which"])?[1], has_end),
        "checkpoint-damaged" => {
            let [_, which, why] = all(json, ["kind", "which", "why"])?;
            why.text()?;
            end(which, has_end)
        }
        "not-comparable" | "refused" => {
            all(json, ["kind", "why"])?[1].text()?;
            Some(())
        }
        "tolerance" => {
            let [_, metric, threshold, distance] =
                all(json, ["kind", "metric", "threshold", "distance"])?;
            metric.text()?;
            decimal(threshold)?;
            decimal(distance)?;
            Some(())
        }
        _ => None,
    }
}

fn end(json: &Json, has_end: bool) -> Option<()> {
    match json.text()? {
        "start" => Some(()),
        "end" => check(has_end),
        _ => None,
    }
}

/// The number of bytes that a text of lower-case hex digits stands for.
fn hex(json: &Json) -> Option<usize> {
    let text = json.text()?;
    let lower = text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    (lower && text.len().is_multiple_of(2)).then_some(text.len() / 2)
}

fn digest(json: &Json) -> Option<()> {
    check(hex(json)? == 32)
}

fn decimal(json: &Json) -> Option<f64> {
    let text = json.text()?;
    let number: f64 = text.parse().ok()?;
    check(number.is_finite() && form::decimal(number) == text)?;
    Some(number)
}

/// Reports with every outcome, with and without a goal, whole and in part.
pub(super) fn seeds() -> Vec<String> {
    let run = LongRun::record(7);
    let value = ChallengeValue::new(b"dice".to_vec()).unwrap();
    let goal = Goal {
        fraction: Fraction::TENTH,
        security: SecurityBits(1),
    };
    let exact = run.challenge(ChallengeSource::Head, Amount::Goal(goal));
    let part = run.exact(&exact, Shard::new(2, 3).unwrap());
    let whole = run.challenge(ChallengeSource::Beacon(value), Amount::All);
    let varied = run.report(&whole, Shard::WHOLE, |segment| {
        let mut result = run.bit_exact(segment);
        if segment.index.0 > 4 {
            result.machine.executable = None;
            result.machine.environment.cpu = "\"other\"\n\u{1}é".into();
        }
        SegmentResult {
            outcome: outcome(segment.index.0),
            ..result
        }
    });
    let all = |run: &LongRun| {
        let challenge = run.challenge(ChallengeSource::Head, Amount::All);
        run.exact(&challenge, Shard::WHOLE)
    };
    let open = Plan {
        planned: None,
        ..Plan::default()
    };
    let open = LongRun::record_plan(open, 4, |_| {});
    [part, varied.unwrap(), all(&LongRun::record(0)), all(&open)]
        .map(|report| report.to_json().unwrap())
        .into()
}

fn outcome(index: u64) -> SegmentOutcome {
    match index {
        0 => SegmentOutcome::CheckpointDamaged {
            which: SegmentEnd::End,
            why: "\u{7f}\\".into(),
        },
        1 => SegmentOutcome::Differs {
            step: 2,
            field: EntryField::Loss,
            found: "absent".into(),
            expected: "3fe0000000000000".into(),
        },
        2 => SegmentOutcome::CheckpointAbsent {
            which: SegmentEnd::Start,
        },
        3 => SegmentOutcome::Tolerance {
            metric: "largest difference".into(),
            threshold: Decimal::new(1e-5).unwrap(),
            distance: Decimal::new(2.0).unwrap(),
        },
        4 => SegmentOutcome::BitExact { entries: 1 },
        5 => SegmentOutcome::NotComparable { why: "cpu".into() },
        _ => SegmentOutcome::Refused {
            why: "foreign order".into(),
        },
    }
}
