//! Training on a GPU, a software adapter included: built with the feature wgpu
//! only.
//!
//! Where there is no adapter the tests are listed as ignored, with the reason; if
//! the environment variable `POW_REQUIRE` names `gpu`, they fail instead.
#![allow(
    clippy::unwrap_used,
    reason = "the test functions carry no #[test] that clippy could see"
)]

mod device;
mod programs;
mod sharing;
mod snapshots;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

const TESTS: [(&str, fn()); 4] = [
    (
        "a_snapshot_is_the_model_of_its_own_step",
        snapshots::a_snapshot_is_the_model_of_its_own_step,
    ),
    (
        "the_miner_shares_the_device",
        sharing::the_miner_shares_the_device,
    ),
    (
        "a_training_is_resumed_and_replayed_bit_for_bit",
        programs::a_training_is_resumed_and_replayed_bit_for_bit,
    ),
    ("the_cpu_still_trains", programs::the_cpu_still_trains),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let names = std::env::var("POW_REQUIRE").unwrap_or_default();
    let required = names.split(',').any(|name| name.trim() == "gpu");
    let missing = device::gpu().as_ref().err();
    let trials = TESTS.map(|(name, run)| match missing {
        None => Trial::test(name, move || {
            run();
            Ok(())
        }),
        // Ignored, and run all the same with --include-ignored, it fails.
        Some(reason) => Trial::test(name, move || Err(reason.into()))
            .with_kind(format!("needs gpu: {reason}"))
            .with_ignored_flag(!required),
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}
