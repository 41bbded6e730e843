//! That the paper's verdicts follow from the rows, with rows made up for it.

use crate::test;
use libtest_mimic::Trial;
use pow_examples::paper::stats::{Estimate, deviation, mean, median, quantile};
use pow_examples::paper::{convergence, overhead, tamper};
use tamper::Kind;

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "verdicts/statistics_are_those_of_the_tables",
            statistics_are_those_of_the_tables,
        ),
        test(
            "verdicts/one_differing_bit_is_no_equality",
            one_differing_bit_is_no_equality,
        ),
        test(
            "verdicts/a_bound_order_is_judged_by_its_interval",
            a_bound_order_is_judged_by_its_interval,
        ),
        test(
            "verdicts/a_step_is_slower_only_if_its_interval_says_so",
            a_step_is_slower_only_if_its_interval_says_so,
        ),
        test(
            "verdicts/tamper_evidence_is_judged_by_what_was_missed",
            tamper_evidence_is_judged_by_what_was_missed,
        ),
    ]
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

/// A training's beginning and end.
fn training(
    seed: u64,
    mode: convergence::Mode,
    root: &str,
    accuracy: f64,
) -> [convergence::Row; 2] {
    let row = |step, parameters: &str| convergence::Row {
        task: convergence::Task::Digits,
        seed,
        mode,
        step,
        steps: 10,
        train_loss: None,
        test_loss: 1.0 - accuracy,
        test_accuracy: accuracy,
        parameters: parameters.into(),
        seconds: 1.0,
        waited_seconds: 0.1,
        blocks: Some(3),
        verified: (mode != convergence::Mode::Off).then_some(true),
    };
    [row(0, "first"), row(10, root)]
}

fn one_differing_bit_is_no_equality() {
    use convergence::Mode::{Gate, Off, Pipelined};
    let rows = |root: &str| {
        let trainings = [
            training(1, Off, "a", 0.9),
            training(1, Pipelined, "a", 0.9),
            training(2, Off, "b", 0.9),
            training(2, Pipelined, root, 0.9),
            // Nothing to compare it with.
            training(3, Gate, "c", 0.9),
        ];
        trainings.concat()
    };
    let equal = convergence::report::section(&rows("b"));
    assert!(
        equal.contains("**Holds, and more than claimed**"),
        "{equal}"
    );
    assert!(equal.contains("In all 2 recorded trainings"), "{equal}");
    assert!(equal.contains("at each of 4 evaluations"), "{equal}");
    let differs = convergence::report::section(&rows("c"));
    assert!(
        differs.contains("**Does not hold as designed**: 1 of 2"),
        "{differs}"
    );
    let nothing = convergence::report::section(&[]);
    assert!(nothing.contains("**Not measured**"), "{nothing}");
}

fn a_bound_order_is_judged_by_its_interval() {
    use convergence::Mode::{Bound, Off};
    let section = |changes: &[f64]| {
        let rows: Vec<_> = (1..)
            .zip(changes)
            .flat_map(|(seed, change)| {
                let bound = training(seed, Bound, "b", 0.9 + change);
                [training(seed, Off, "a", 0.9), bound].concat()
            })
            .collect();
        convergence::report::section(&rows)
    };
    let found = section(&[0.01, -0.01, 0.01, -0.01]);
    assert!(found.contains("**no difference was found**"), "{found}");
    assert!(found.contains("1.84 points either way"), "{found}");
    let found = section(&[-0.02, -0.021, -0.019, -0.02]);
    assert!(found.contains("**a loss was found**"), "{found}");
    assert!(found.contains("by -2.00 [-2.13, -1.87]"), "{found}");
    let found = section(&[0.02, 0.021, 0.019, 0.02]);
    assert!(found.contains("**a gain was found**"), "{found}");
    let found = section(&[0.02]);
    assert!(found.contains("one seed says nothing"), "{found}");
}

fn a_step_is_slower_only_if_its_interval_says_so() {
    let row = |round, mode, commit_every, step_ms| overhead::Row {
        size: overhead::Size::Small,
        parameters: 100_000,
        round,
        mode,
        commit_every,
        steps: 10,
        step_ms,
        waited_ms: 0.0,
        snapshot_ms: None,
        read_ms: None,
        hash_ms: None,
        mine_ms: None,
        append_ms: None,
        sync_ms: None,
        committed: None,
        blocks: None,
        finish_ms: None,
    };
    use overhead::Mode::{Gate, Off, Pipelined};
    let mut rows = Vec::new();
    for (round, off, gate, pipelined) in
        [(0, 1.0, 2.0, 1.2), (1, 3.0, 6.3, 2.5), (2, 2.0, 3.9, 2.1)]
    {
        rows.push(row(round, Off, None, off));
        rows.push(row(round, Gate, Some(1), gate));
        rows.push(row(round, Pipelined, Some(10), pipelined));
    }
    let section = overhead::report::section(&rows);
    assert!(section.contains("gate mode: slower (+101.6 ["), "{section}");
    let told = "pipelined, committed every 10: no difference could be told";
    assert!(section.contains(told), "{section}");
    // The median over the rounds, and that of the ratios is within each.
    assert!(section.contains("| off |  | 3 | 2.00 |"), "{section}");
}

fn tamper_evidence_is_judged_by_what_was_missed() {
    let row = |kind, unpinned: Option<&str>, head: Option<&str>| tamper::Row {
        kind,
        trial: 0,
        detail: String::new(),
        unpinned: unpinned.map(Into::into),
        genesis_pinned: None,
        head_pinned: head.map(Into::into),
        replay: None,
        verify_ms: 1.0,
    };
    let section = |rows: &[tamper::Row]| tamper::report::section(rows, &[]);
    let control = row(Kind::Nothing, None, None);
    let caught = row(Kind::FlipChain, Some("CHAIN"), Some("CHAIN"));
    let forged = row(Kind::ForgeWeights, None, Some("CHAIN, pinned head"));

    let found = section(&[control.clone(), caught.clone(), forged.clone()]);
    assert!(
        found.contains("**Does not hold as written; holds as tamper evidence**"),
        "{found}"
    );
    assert!(
        found.contains("of all later blocks, 1 were caught"),
        "{found}"
    );
    assert!(found.contains("a changed one 0 times of 1"), "{found}");
    let found = section(&[control.clone(), caught.clone()]);
    assert!(found.contains("**Not measured in full**"), "{found}");
    let seen = row(Kind::ForgeWeights, Some("STATE"), Some("STATE"));
    let found = section(&[control, caught.clone(), seen]);
    assert!(found.contains("**Holds**"), "{found}");
    let missed = row(Kind::FlipChain, None, Some("CHAIN"));
    let found = section(&[caught.clone(), missed, forged]);
    assert!(found.contains("**Does not hold**"), "{found}");
    assert!(found.contains("| 2 | 50.0 [9.5, 90.5] |"), "{found}");
    let missed = row(Kind::ForgeWeights, None, None);
    assert!(section(&[caught, missed]).contains("**Does not hold**"));
    let alarm = row(Kind::Nothing, Some("STATE"), Some("STATE"));
    assert!(section(&[alarm]).contains("a changed one 1 times of 1"));
}
