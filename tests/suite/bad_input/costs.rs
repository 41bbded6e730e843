//! Chains that are valid and small, and declare enormous runs: checking one
//! must not take more time or memory than its bytes justify.

use pow_audit::{Level, Verdict};
use pow_core::body::{Genesis, OrderRule};
use pow_tests::audits::{lines, report, unfinished_report, verdict};
use pow_tests::fixture::{Plan, Recorder};
use std::num::NonZeroU32;
use tempfile::TempDir;

tests! {
    a_leap_of_2_to_the_62_steps, a_dataset_of_2_to_the_32_samples, one_state_65_536_times
}

/// Records genesis, changed by `edit`, and entries 0 and `step`, whose batch
/// digest nobody could have computed.
fn record(step: u64, edit: fn(&mut Genesis)) -> (TempDir, pow_ledger::RunDir) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("run");
    let plan = Plan {
        planned: None,
        checkpoint_every: 0,
        ..Plan::default()
    };
    let mut recorder = Recorder::begin_with(&path, &plan, edit);
    recorder.steps(&[0]);
    recorder.forged_step(step);
    (dir, pow_ledger::RunDir::new(path))
}

/// That the test ends at all is its point: regenerating the order of 2^62
/// steps does not.
fn a_leap_of_2_to_the_62_steps() {
    let (_dir, run) = record(1 << 62, |genesis| {
        genesis.schedule.commit_every = 1 << 62;
    });
    let report = unfinished_report(&run);
    assert_eq!(verdict(&report, Level::Chain), Verdict::Holds, "{report}");
    assert_eq!(
        verdict(&report, Level::Data),
        Verdict::NotChecked,
        "{report}"
    );
    let words = "those after claim too many steps";
    assert!(lines(&report, Level::Data).contains(words), "{report}");
}

fn a_dataset_of_2_to_the_32_samples() {
    let (_dir, run) = record(1, |genesis| {
        let OrderRule::Seeded { items, .. } = &mut genesis.order else {
            unreachable!("the fixture's order is seeded");
        };
        *items = NonZeroU32::MAX;
    });
    let report = report(&run);
    assert_eq!(verdict(&report, Level::Chain), Verdict::Holds, "{report}");
    assert_eq!(
        verdict(&report, Level::Data),
        Verdict::NotChecked,
        "{report}"
    );
    assert!(
        lines(&report, Level::Data).contains("4294967295 samples"),
        "{report}"
    );
}

/// Each entry commits to the checkpoint of step 0, which is made large. Reading
/// it for every entry takes hours.
fn one_state_65_536_times() {
    let dir = TempDir::new().unwrap();
    let plan = Plan {
        planned: None,
        checkpoint_every: 1,
        ..Plan::default()
    };
    let mut recorder = Recorder::begin(&dir.path().join("run"), &plan);
    recorder.steps(&[0]);
    recorder.repeat(65_536);
    let run = recorder.run().clone();
    let checkpoint = std::fs::read_dir(run.checkpoints()).unwrap().next();
    let model = checkpoint
        .unwrap()
        .unwrap()
        .path()
        .join("model.safetensors");
    let len = 64 << 20;
    let header = format!(r#"{{"w":{{"dtype":"U8","shape":[{len}],"data_offsets":[0,{len}]}}}}"#);
    let header_len = (header.len() as u64).to_le_bytes();
    std::fs::write(
        &model,
        [&header_len, header.as_bytes(), &vec![0; len]].concat(),
    )
    .unwrap();
    let report = report(&run);
    assert_eq!(verdict(&report, Level::Chain), Verdict::Holds);
    assert_eq!(verdict(&report, Level::State), Verdict::Fails);
    let lines = lines(&report, Level::State);
    assert!(lines.contains("checkpoint of step 65536"));
}
