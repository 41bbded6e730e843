//! The paper's verdicts follow from the rows. These rows are made up.

use crate::program::says;
use pow_examples::paper::stats::{Estimate, deviation, mean, median, quantile};
use pow_examples::paper::training::RecorderMode;
use pow_examples::paper::{convergence, overhead, tamper};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

tests! {
    statistics_are_those_of_the_tables, one_differing_bit_is_no_equality,
    a_bound_order_is_judged_by_its_interval, a_step_is_slower_only_if_its_interval_says_so,
    tamper_evidence_is_judged_by_what_was_missed
}

/// A row of any section. A field that is not named is `None`.
pub fn row<R: DeserializeOwned>(fields: Value) -> R {
    serde_json::from_value(fields).unwrap()
}

fn statistics_are_those_of_the_tables() {
    // Student's t at 97.5 % for 1, 9 and 29 degrees of freedom, as in any table.
    for (samples, factor) in [(2, 12.706), (10, 2.262), (30, 2.045)] {
        let values: Vec<f64> = (0..samples).map(f64::from).collect();
        let estimate = Estimate::of_mean(&values).unwrap();
        let error = deviation(&values).unwrap() / f64::from(samples).sqrt();
        let found = (estimate.high - estimate.value) / error;
        assert!((found - factor).abs() < 6e-4, "{samples}: {found}");
        assert!((estimate.value - estimate.low - found * error).abs() < 1e-12);
    }
    // Newcombe (1998), table I: 81 of 263, 15 of 148 and 0 of 20.
    for (such, all, low, high) in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
    ] {
        let share = Estimate::of_share(such, all).unwrap();
        assert!((share.low - low).abs() < 5e-5, "{share:?}");
        assert!((share.high - high).abs() < 5e-5, "{share:?}");
    }
    let values = [3.0, 1.0, 2.0, 10.0];
    assert_eq!(mean(&values), Some(4.0));
    assert_eq!(median(&values), Some(2.5));
    assert_eq!(quantile(&values, 0.25), Some(1.75));
    assert_eq!(Estimate::of_mean(&[1.0]), None);
    assert_eq!(Estimate::of_share(0, 0), None);
    assert_eq!(median(&[]), None);
}

/// The first and the last row of a training.
fn training(
    seed: u64,
    mode: RecorderMode,
    root: &str,
    accuracy: f64,
) -> [convergence::ConvergenceRow; 2] {
    [(0, "first"), (10, root)].map(|(step, parameters)| {
        row(json!({
            "task": "digits", "seed": seed, "mode": mode, "step": step, "steps": 10,
            "test_loss": 1.0 - accuracy, "test_accuracy": accuracy, "parameters": parameters,
            "seconds": 1.0, "waited_seconds": 0.1, "blocks": 3,
            "verified": (mode != RecorderMode::Off).then_some(true),
        }))
    })
}

fn one_differing_bit_is_no_equality() {
    use RecorderMode::{Gate, Off, Pipelined};
    let section = |root: &str| {
        let trainings = [
            training(1, Off, "a", 0.9),
            training(1, Pipelined, "a", 0.9),
            training(2, Off, "b", 0.9),
            training(2, Pipelined, root, 0.9),
            // There is nothing to compare this one with.
            training(3, Gate, "c", 0.9),
        ];
        convergence::report::section(&trainings.concat())
    };
    says(
        &section("b"),
        [
            "**Holds, and more than claimed**",
            "In all 2 recorded trainings",
            "at each of 4 evaluations",
        ],
    );
    says(&section("c"), ["**Does not hold as designed**: 1 of 2"]);
    let nothing = convergence::report::section(&[]);
    says(&nothing, ["**Not measured**"]);
}

fn a_bound_order_is_judged_by_its_interval() {
    use RecorderMode::{Bound, Off};
    let section = |changes: &[f64]| {
        let mut rows = Vec::new();
        for (seed, change) in (1..).zip(changes) {
            rows.extend(training(seed, Off, "a", 0.9));
            rows.extend(training(seed, Bound, "b", 0.9 + change));
        }
        convergence::report::section(&rows)
    };
    let found = section(&[0.01, -0.01, 0.01, -0.01]);
    says(
        &found,
        ["**no difference was found**", "1.84 points either way"],
    );
    let found = section(&[-0.02, -0.021, -0.019, -0.02]);
    says(&found, ["**a loss was found**", "by -2.00 [-2.13, -1.87]"]);
    let found = section(&[0.02, 0.021, 0.019, 0.02]);
    says(&found, ["**a gain was found**"]);
    says(&section(&[0.02]), ["One seed says nothing"]);
}

fn a_step_is_slower_only_if_its_interval_says_so() {
    let mut rows: Vec<overhead::OverheadRow> = Vec::new();
    for (round, off, gate, pipelined) in
        [(0, 1.0, 2.0, 1.2), (1, 3.0, 6.3, 2.5), (2, 2.0, 3.9, 2.1)]
    {
        for (mode, commit_every, step_ms) in [
            ("off", None, off),
            ("gate", Some(1), gate),
            ("pipelined", Some(10), pipelined),
        ] {
            rows.push(row(json!({
                "size": "small", "parameters": 100_000, "round": round, "mode": mode,
                "commit_every": commit_every, "steps": 10, "step_ms": step_ms, "waited_ms": 0.0,
            })));
        }
    }
    says(
        &overhead::report::section(&rows),
        [
            "gate mode: slower (+101.6 [",
            "pipelined, committed every 10: no measurable difference",
            // The median over the rounds.
            "| off |  | 3 | 2.00 |",
        ],
    );
}

fn tamper_evidence_is_judged_by_what_was_missed() {
    let trial = |kind: &str, unpinned: Option<&str>, head: Option<&str>| -> tamper::TamperRow {
        row(json!({
            "kind": kind, "trial": 0, "detail": "", "unpinned": unpinned, "head_pinned": head,
            "verify_ms": 1.0,
        }))
    };
    let control = &trial("nothing", None, None);
    let alarm = &trial("nothing", Some("STATE"), Some("STATE"));
    let caught = &trial("flip_chain", Some("CHAIN"), Some("CHAIN"));
    let missed = &trial("flip_chain", None, Some("CHAIN"));
    let forged = &trial("forge_weights", None, Some("CHAIN, pinned head"));
    let forged_seen = &trial("forge_weights", Some("STATE"), Some("STATE"));
    let forged_missed = &trial("forge_weights", None, None);
    for (rows, words) in [
        (
            vec![control, caught, forged],
            vec![
                "**Does not hold as written; holds as tamper evidence**",
                "1 changes did not redo the work of all later blocks; 1 of them were caught",
                "called changed 0 of 1 times",
            ],
        ),
        (vec![control, caught], vec!["**Not measured in full**"]),
        (vec![control, caught, forged_seen], vec!["**Holds**"]),
        (
            vec![caught, missed, forged],
            vec!["**Does not hold**", "| 2 | 50.0 [9.5, 90.5] |"],
        ),
        (vec![caught, forged_missed], vec!["**Does not hold**"]),
        (vec![alarm], vec!["called changed 1 of 1 times"]),
    ] {
        let rows: Vec<tamper::TamperRow> = rows.into_iter().cloned().collect();
        let section = tamper::report::section(&rows, &[]);
        words.into_iter().for_each(|words| says(&section, [words]));
    }
}
