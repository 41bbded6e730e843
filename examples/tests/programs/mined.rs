//! What the example `paper` measures by mining, and that its verdicts follow
//! from the rows.

use crate::test;
use libtest_mimic::Trial;
use pow_core::search::Reference;
use pow_core::target::ZeroBits;
use pow_examples::paper::engines::{Device, Engines, mine, template};
use pow_examples::paper::{difficulty, parallel, work};

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "mined/attempts_are_those_of_the_reference",
            attempts_are_those_of_the_reference,
        ),
        test(
            "mined/attempts_are_judged_by_their_intervals",
            attempts_are_judged_by_their_intervals,
        ),
        test(
            "mined/each_rule_sees_what_it_should",
            each_rule_sees_what_it_should,
        ),
        test(
            "mined/a_rule_has_recovered_when_it_stays_near",
            a_rule_has_recovered_when_it_stays_near,
        ),
        test(
            "mined/every_engine_searches_in_every_round",
            every_engine_searches_in_every_round,
        ),
        test(
            "mined/threads_are_judged_by_their_interval",
            threads_are_judged_by_their_interval,
        ),
    ]
}

fn attempts_are_those_of_the_reference() {
    let mut engines = Engines::default();
    let plan = work::Plan {
        from_bits: 3,
        to_bits: 4,
        blocks: 20,
        seed: 9,
    };
    let units = work::units(&plan, &[Device::Cpu]).unwrap();
    let targets: Vec<u32> = units.iter().map(|unit| unit.bits).collect();
    assert_eq!(
        targets,
        [0x201f_ffff, 0x2017_fffd, 0x200f_ffff, 0x200b_fffd]
    );
    for unit in units {
        let row = &work::measure(&plan, &mut engines, unit).unwrap()[0];
        let mut random = fastrand::Rng::with_seed(plan.seed ^ u64::from(unit.bits));
        let attempts = (1..=plan.blocks).map(|height| {
            let bits = pow_core::target::CompactTarget(unit.bits);
            mine(
                &mut Reference,
                &template(&mut random, height, bits).unwrap(),
            )
            .unwrap()
        });
        assert_eq!(row.attempts, attempts.sum::<u64>());
        assert_eq!(row.mean, row.attempts as f64 / 20.0);
    }
    // A hash of the eighth part of all meets three zero bits.
    let rows = work::measure(
        &plan,
        &mut engines,
        work::Unit {
            device: Device::Cpu,
            bits: ZeroBits::new(3).unwrap().compact().0,
        },
    );
    assert_eq!(rows.unwrap()[0].difficulty, 8.0);
}

fn attempts_are_judged_by_their_intervals() {
    let section = |mean: &dyn Fn(f64, u32) -> f64| {
        let rows: Vec<work::Row> = (6..=18)
            .map(|bits| {
                let difficulty = 2f64.powi(bits);
                work::Row {
                    device: Device::Cpu,
                    engine: "cpu".into(),
                    bits: bits as u32,
                    difficulty,
                    blocks: 1000,
                    attempts: 1,
                    mean: mean(difficulty, bits as u32),
                    deviation: difficulty,
                    seconds: 1.0,
                }
            })
            .collect();
        work::report::section(&rows)
    };
    let noise = |bits: u32| if bits.is_multiple_of(2) { 1.01 } else { 0.99 };
    let found = section(&|difficulty, bits| difficulty * noise(bits));
    assert!(found.contains("cpu: **Holds**"), "{found}");
    let found = section(&|difficulty, bits| 1.2 * difficulty * noise(bits));
    assert!(found.contains("**Linear, but not with"), "{found}");
    let found = section(&|difficulty, bits| difficulty.powf(1.1) * noise(bits));
    assert!(found.contains("**Does not hold**"), "{found}");
    assert!(work::report::section(&[]).contains("No GPU was measured"));
}

fn each_rule_sees_what_it_should() {
    use difficulty::{Rule, Scenario};
    let mut engines = Engines::default();
    let plan = difficulty::Plan::quick();
    let mut run = |scenario, rule| {
        let unit = difficulty::Unit {
            scenario,
            rule,
            seed: 3,
        };
        difficulty::measure(&plan, &mut engines, unit).unwrap()
    };
    let difficulties = |rows: &[difficulty::Row]| {
        let found = rows.iter().map(|row| row.difficulty);
        found.collect::<Vec<_>>()
    };
    // What passes between blocks is nothing to who counts mining time.
    for rule in [Rule::Asert, Rule::Paper] {
        let pause = run(Scenario::Pause, rule);
        assert_eq!(
            difficulties(&pause),
            difficulties(&run(Scenario::Drift, rule))
        );
        assert_ne!(
            difficulties(&pause),
            difficulties(&run(Scenario::Slower, rule))
        );
    }
    let fixed = run(Scenario::Faster, Rule::Fixed);
    assert!(fixed.iter().all(|row| row.difficulty == 256.0));
    for row in &fixed {
        let rate = if row.block < 0 { 1.0 } else { 10.0 };
        assert!((row.expected - 1.0 / rate).abs() < 1e-9, "{row:?}");
        assert!((row.took - row.attempts as f64 / 256.0 / rate).abs() < 1e-9);
    }
    // One hex digit up after each block that came too early, else one down.
    let paper = run(Scenario::Slower, Rule::Paper);
    // A compact target rounds.
    let digits = |row: &difficulty::Row| (row.difficulty.log2() / 4.0).round();
    for pair in paper.windows(2) {
        let change = if pair[0].took < 1.0 { 1.0 } else { -1.0 };
        let expected = (digits(&pair[0]) + change).max(0.0);
        assert_eq!(digits(&pair[1]), expected, "{pair:?}");
    }
    // By the wall, the pause is one late block and the steps are ever later.
    let wall = run(Scenario::Pause, Rule::PaperWall);
    let at = plan.before as usize;
    assert!(wall[at + 1].difficulty < wall[at].difficulty);
    let drifted = run(Scenario::Drift, Rule::PaperWall);
    assert_eq!(drifted.last().unwrap().difficulty, 1.0);
}

fn a_rule_has_recovered_when_it_stays_near() {
    use difficulty::{RULES, Rule, SCENARIOS};
    let plan = difficulty::Plan::quick();
    let rows = |follows: &dyn Fn(Rule, i64) -> f64| {
        let mut rows = Vec::new();
        for scenario in SCENARIOS {
            for rule in RULES {
                rows.extend((-10..60).map(|block| difficulty::Row {
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
    // Ours is near from block 30 on; the others swing.
    let swings = |rule: Rule, block: i64| match rule {
        Rule::Asert if block < 30 => 4.0,
        Rule::Asert => 1.5,
        _ if block % 20 == 0 => 2.1,
        _ => 1.0,
    };
    let found = rows(&swings);
    let ours = difficulty::report::outcomes(&found);
    let ours = ours.iter().find(|o| o.rule == Rule::Asert).unwrap();
    assert_eq!(ours.recovered, [Some((30, 15.0))]);
    assert_eq!(ours.off_before, 1.0);
    let section = difficulty::report::section(&plan, &found);
    let verdict = "**The paper's rule does not hold the mining time, and ASERT does**";
    assert!(section.contains(verdict), "{section}");
    assert!(section.contains("ASERT: 4 of 4"), "{section}");
    let section = difficulty::report::section(&plan, &rows(&|_, _| 1.9));
    assert!(section.contains("**All rules that adjust"), "{section}");
    let section = difficulty::report::section(&plan, &rows(&|_, _| 2.1));
    assert!(section.contains("**ASERT does not hold"), "{section}");
    assert!(difficulty::report::section(&plan, &[]).contains("**Not measured**"));
}

fn every_engine_searches_in_every_round() {
    let plan = parallel::Plan {
        rounds: 2,
        slice_ms: 2,
    };
    let mut contest = parallel::Contest::open(&plan).unwrap();
    let mut names: Vec<Vec<String>> = (0..plan.rounds)
        .map(|round| {
            let rows = contest.measure(round).unwrap();
            assert!(
                rows.iter()
                    .all(|row| row.round == round && row.rate() > 0.0)
            );
            rows.into_iter().map(|row| row.engine).collect()
        })
        .collect();
    assert!(names[0].contains(&"portable".into()), "{names:?}");
    assert!(
        names[0]
            .iter()
            .any(|name| name.starts_with("cpu (1 thread"))
    );
    assert_ne!(names[0], names[1], "the same one is always first");
    names.iter_mut().for_each(|names| names.sort());
    assert_eq!(names[0], names[1]);
}

fn threads_are_judged_by_their_interval() {
    use parallel::Kind;
    let section = |speeds: &[f64]| {
        let row = |round: usize, kind, engine: &str, threads, rate| parallel::Row {
            round: round as u64,
            kind,
            engine: engine.into(),
            threads,
            hashes: rate,
            seconds: 1.0,
        };
        let rows: Vec<parallel::Row> = speeds
            .iter()
            .enumerate()
            .flat_map(|(round, speed)| {
                let four = (4000.0 * speed) as u64;
                [
                    row(round, Kind::Kernel, "portable", Some(1), 500),
                    row(round, Kind::Threads, "one", Some(1), 1000),
                    row(round, Kind::Threads, "four", Some(4), four),
                    row(round, Kind::Gpu, "gpu", None, 6000),
                    row(round, Kind::Together, "all", Some(4), 8000),
                ]
            })
            .collect();
        parallel::report::section(&rows)
    };
    let found = section(&[1.0, 0.99, 0.98]);
    assert!(
        found.contains("**Scales with threads**: 4 threads"),
        "{found}"
    );
    let found = section(&[0.5, 0.5, 0.5]);
    assert!(found.contains("**Scales with threads in part**"), "{found}");
    assert!(found.contains("2.00 [2.00, 2.00] times as fast as one, 50 % of linear"));
    // All together by the four threads and the GPU.
    let all =
        "| all | 4 | 3 | 0.0 | 16.00 [16.00, 16.00] | 8.00 [8.00, 8.00] | 1.00 [1.00, 1.00] |";
    assert!(found.contains(all), "{found}");
    let found = section(&[0.5, 1.0, 1.2]);
    assert!(found.contains("**It could not be told**"), "{found}");
}
