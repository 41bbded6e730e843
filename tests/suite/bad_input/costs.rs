//! Chains that are valid and small, and declare enormous runs: checking one
//! must not take more time or memory than its bytes justify.

use pow_audit::{Level, Verdict};
use pow_core::body::{Genesis, OrderRule};
use pow_tests::audits::{expect, report, unfinished_report};
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::model::tensor_file;
use std::num::NonZeroU32;

tests! {
    a_leap_of_2_to_the_62_steps, a_dataset_of_2_to_the_32_samples, a_thousand_epochs_to_sort,
    one_state_65_536_times
}

/// Records genesis, changed by `edit`, and entries 0 and `step`, whose batch
/// digest nobody could have computed.
fn record(step: u64, edit: fn(&mut Genesis)) -> Fixture {
    let plan = Plan {
        planned: None,
        checkpoint_every: 0,
        ..Plan::default()
    };
    Fixture::record_with(&plan, edit, |recorder| {
        recorder.steps(&[0]);
        recorder.forged_step(step);
    })
}

/// The test's point is that it ends. Regenerating the order of 2^62 steps does
/// not.
fn a_leap_of_2_to_the_62_steps() {
    let fixture = record(1 << 62, |genesis| {
        genesis.schedule.commit_every = 1 << 62;
    });
    let report = unfinished_report(&fixture.run);
    expect(&report, Level::Chain, Verdict::Holds, &[]);
    let words = "the later ones claim too many steps";
    expect(&report, Level::Data, Verdict::NotChecked, &[words]);
}

/// All samples of these epochs could be hashed within the limit, but not sorted.
fn a_thousand_epochs_to_sort() {
    let fixture = record(1000, |genesis| {
        genesis.schedule.commit_every = 1000;
        let most = NonZeroU32::new(1 << 26).unwrap();
        genesis.order = OrderRule::Seeded {
            items: most,
            batch: most,
            accumulation: NonZeroU32::MIN,
        };
    });
    let report = unfinished_report(&fixture.run);
    let words = "the later ones claim too many steps";
    expect(&report, Level::Data, Verdict::NotChecked, &[words]);
}

fn a_dataset_of_2_to_the_32_samples() {
    let fixture = record(1, |genesis| {
        let OrderRule::Seeded { items, .. } = &mut genesis.order else {
            unreachable!("the fixture's order is seeded");
        };
        *items = NonZeroU32::MAX;
    });
    let report = report(&fixture.run);
    expect(&report, Level::Chain, Verdict::Holds, &[]);
    expect(
        &report,
        Level::Data,
        Verdict::NotChecked,
        &["4294967295 samples"],
    );
}

/// Each entry commits to the checkpoint of step 0, which is made large. Reading
/// it for every entry takes hours.
fn one_state_65_536_times() {
    let plan = Plan {
        planned: None,
        checkpoint_every: 1,
        ..Plan::default()
    };
    let fixture = Fixture::record_with(
        &plan,
        |_| {},
        |recorder| {
            recorder.steps(&[0]);
            recorder.repeat(65_536);
        },
    );
    let checkpoint = std::fs::read_dir(fixture.run.checkpoints()).unwrap().next();
    let model = checkpoint
        .unwrap()
        .unwrap()
        .path()
        .join("model.safetensors");
    let len = 64 << 20;
    let header = format!(r#"{{"w":{{"dtype":"U8","shape":[{len}],"data_offsets":[0,{len}]}}}}"#);
    std::fs::write(&model, tensor_file(&header, &vec![0; len])).unwrap();
    let report = report(&fixture.run);
    expect(&report, Level::Chain, Verdict::Holds, &[]);
    expect(
        &report,
        Level::State,
        Verdict::Fails,
        &["checkpoint of step 65536"],
    );
}
