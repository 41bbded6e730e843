//! The mining of the example `paper`. Its verdicts follow from the rows.

use crate::program::says;
use crate::verdicts::row;
use pow_core::search::Reference;
use pow_core::target::{CompactTarget, ZeroBits};
use pow_examples::paper::engines::{Engines, MiningDevice, mine, template};
use pow_examples::paper::plan::SectionPlan;
use pow_examples::paper::{difficulty, parallel, work};
use serde_json::json;

tests! {
    attempts_are_those_of_the_reference, attempts_are_judged_by_their_intervals,
    each_rule_sees_what_it_should, a_rule_has_recovered_when_it_stays_near,
    every_engine_searches_in_every_round, threads_are_judged_by_their_interval
}

fn attempts_are_those_of_the_reference() {
    let mut engines = Engines::default();
    let plan = work::WorkPlan {
        from_bits: 3,
        to_bits: 4,
        blocks: 20,
        seed: 9,
    };
    let units = work::units(&plan, &[MiningDevice::Cpu]).unwrap();
    let targets: Vec<u32> = units.iter().map(|unit| unit.bits).collect();
    let expected = [0x201f_ffff, 0x2017_fffd, 0x200f_ffff, 0x200b_fffd];
    assert_eq!(targets, expected);
    for unit in units {
        let row = &work::measure(&plan, &mut engines, unit).unwrap()[0];
        let mut random = fastrand::Rng::with_seed(plan.seed ^ u64::from(unit.bits));
        let attempts = (1..=plan.blocks).map(|height| {
            let block = template(&mut random, height, CompactTarget(unit.bits)).unwrap();
            mine(&mut Reference, &block).unwrap()
        });
        assert_eq!(row.attempts, attempts.sum::<u64>());
        assert_eq!(row.mean, row.attempts as f64 / 20.0);
    }
    // One hash in eight has three zero bits.
    let bits = ZeroBits::new(3).unwrap().compact().0;
    let device = MiningDevice::Cpu;
    let rows = work::measure(&plan, &mut engines, work::WorkUnit { device, bits });
    assert_eq!(rows.unwrap()[0].difficulty, 8.0);
}

fn attempts_are_judged_by_their_intervals() {
    let section = |mean: &dyn Fn(f64) -> f64| {
        let rows = (6..=18).map(|bits| {
            let difficulty = 2f64.powi(bits);
            let noise = if bits % 2 == 0 { 1.01 } else { 0.99 };
            row(json!({
                "device": "cpu", "engine": "cpu", "bits": bits, "difficulty": difficulty,
                "blocks": 1000, "attempts": 1, "mean": mean(difficulty) * noise,
                "deviation": difficulty, "seconds": 1.0,
            }))
        });
        work::report::section(&rows.collect::<Vec<work::WorkRow>>())
    };
    let found = section(&|difficulty| difficulty);
    says(&found, ["cpu: **Holds**", "No GPU was measured"]);
    let found = section(&|difficulty| 1.2 * difficulty);
    says(&found, ["**Linear, but not with"]);
    let found = section(&|difficulty| difficulty.powf(1.1));
    says(&found, ["**Does not hold**"]);
    says(&work::report::section(&[]), ["No GPU was measured"]);
}

fn each_rule_sees_what_it_should() {
    use difficulty::{AdjustmentRule as Rule, Scenario};
    let mut engines = Engines::default();
    let plan = difficulty::DifficultyPlan::quick();
    let mut run = |scenario, rule| {
        let seed = 3;
        let unit = difficulty::DifficultyUnit {
            scenario,
            rule,
            seed,
        };
        difficulty::measure(&plan, &mut engines, unit).unwrap()
    };
    let difficulties = |rows: &[difficulty::DifficultyRow]| {
        let found = rows.iter().map(|row| row.difficulty);
        found.collect::<Vec<_>>()
    };
    // A rule on mining time ignores the time between blocks.
    for rule in [Rule::Asert, Rule::Paper] {
        let [pause, drift, slower] = [Scenario::Pause, Scenario::Drift, Scenario::Slower]
            .map(|scenario| difficulties(&run(scenario, rule)));
        assert_eq!(pause, drift);
        assert_ne!(pause, slower);
    }
    let fixed = run(Scenario::Faster, Rule::Fixed);
    assert!(fixed.iter().all(|row| row.difficulty == 256.0));
    for row in &fixed {
        let rate = if row.block < 0 { 1.0 } else { 10.0 };
        assert!((row.expected - 1.0 / rate).abs() < 1e-9, "{row:?}");
        assert!((row.took - row.attempts as f64 / 256.0 / rate).abs() < 1e-9);
    }
    // One hex digit more after each block that came too early, one fewer otherwise.
    let paper = run(Scenario::Slower, Rule::Paper);
    // A compact target is rounded.
    let digits = |row: &difficulty::DifficultyRow| (row.difficulty.log2() / 4.0).round();
    for pair in paper.windows(2) {
        let change = if pair[0].took < 1.0 { 1.0 } else { -1.0 };
        let expected = (digits(&pair[0]) + change).max(0.0);
        assert_eq!(digits(&pair[1]), expected, "{pair:?}");
    }
    // By the wall clock, the pause is one late block, and the steps become too slow.
    let wall = run(Scenario::Pause, Rule::PaperWall);
    let at = plan.before as usize;
    assert!(wall[at + 1].difficulty < wall[at].difficulty);
    let drifted = run(Scenario::Drift, Rule::PaperWall);
    assert_eq!(drifted.last().unwrap().difficulty, 1.0);
}

fn a_rule_has_recovered_when_it_stays_near() {
    use difficulty::{ADJUSTMENT_RULES, AdjustmentRule as Rule, SCENARIOS};
    let plan = difficulty::DifficultyPlan::quick();
    let rows = |follows: &dyn Fn(Rule, i64) -> f64| {
        let mut rows = Vec::new();
        for scenario in SCENARIOS {
            for rule in ADJUSTMENT_RULES {
                rows.extend((-10..60).map(|block| difficulty::DifficultyRow {
                    scenario,
                    rule,
                    seed: 0,
                    block,
                    difficulty: 1.0,
                    attempts: 1,
                    expected: if block < 0 { 1.0 } else { follows(rule, block) },
                    took: 0.5,
                }));
            }
        }
        rows
    };
    // Our rule is near from block 30 on. The others swing.
    let swings = |rule: Rule, block: i64| match rule {
        Rule::Asert if block < 30 => 4.0,
        Rule::Asert => 1.5,
        _ if block % 20 == 0 => 2.1,
        _ => 1.0,
    };
    let found = rows(&swings);
    let ours = difficulty::report::rule_results(&found);
    let ours = ours.iter().find(|o| o.rule == Rule::Asert).unwrap();
    assert_eq!(ours.recovered, [Some((30, 15.0))]);
    assert_eq!(ours.off_before, 1.0);
    let section = |rows: &[difficulty::DifficultyRow]| difficulty::report::section(&plan, rows);
    says(
        &section(&found),
        [
            "**ASERT keeps to the aim, and the paper's rule does not**",
            "ASERT: 4 of 4",
        ],
    );
    says(&section(&rows(&|_, _| 1.9)), ["**All rules that adjust"]);
    says(&section(&rows(&|_, _| 2.1)), ["**ASERT does not keep"]);
    says(&section(&[]), ["**Not measured**"]);
}

fn every_engine_searches_in_every_round() {
    let plan = parallel::ParallelPlan {
        rounds: 2,
        slice_ms: 2,
    };
    let mut contest = parallel::Contest::open(&plan).unwrap();
    let mut names: Vec<Vec<String>> = (0..plan.rounds)
        .map(|round| {
            let rows = contest.measure(round).unwrap();
            let mut all = rows.iter();
            assert!(all.all(|row| row.round == round && row.rate() > 0.0));
            rows.into_iter().map(|row| row.engine).collect()
        })
        .collect();
    assert!(names[0].contains(&"portable".into()), "{names:?}");
    let mut first = names[0].iter();
    assert!(first.any(|name| name.starts_with("cpu (1 thread")));
    assert_ne!(names[0], names[1], "the same one is always first");
    names.iter_mut().for_each(|names| names.sort());
    assert_eq!(names[0], names[1]);
}

fn threads_are_judged_by_their_interval() {
    let section = |speeds: &[f64]| {
        let mut rows: Vec<parallel::ParallelRow> = Vec::new();
        for (round, speed) in speeds.iter().enumerate() {
            for (kind, engine, threads, hashes) in [
                ("kernel", "portable", Some(1), 500),
                ("threads", "one", Some(1), 1000),
                ("threads", "four", Some(4), (4000.0 * speed) as u64),
                ("gpu", "gpu", None, 6000),
                ("together", "all", Some(4), 8000),
            ] {
                rows.push(row(json!({
                    "round": round, "kind": kind, "engine": engine, "threads": threads,
                    "hashes": hashes, "seconds": 1.0,
                })));
            }
        }
        parallel::report::section(&rows)
    };
    let found = section(&[1.0, 0.99, 0.98]);
    says(&found, ["**Scales with threads**: 4 threads"]);
    let found = section(&[0.5, 0.5, 0.5]);
    says(
        &found,
        [
            "**Scales partly with threads**",
            "2.00 [2.00, 2.00] times as fast as one, 50 % of linear",
            // All together, divided by the sum of the four threads and the GPU.
            "| all | 4 | 3 | 0.0 | 16.00 [16.00, 16.00] | 8.00 [8.00, 8.00] | 1.00 [1.00, 1.00] |",
        ],
    );
    let found = section(&[0.5, 1.0, 1.2]);
    says(&found, ["**Cannot tell whether it scales with threads**"]);
}
