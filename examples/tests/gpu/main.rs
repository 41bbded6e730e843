//! Training on a GPU, or on a software adapter. Built only with the feature wgpu.
//!
//! Without an adapter the tests are ignored, with the reason. If the environment
//! variable `POW_REQUIRE` names `gpu`, they fail instead.
#![allow(
    clippy::unwrap_used,
    reason = "the test functions carry no #[test] that clippy could see"
)]

mod device;
mod in_place;
#[allow(dead_code, reason = "the tests without a GPU use more of it")]
#[path = "../support/program.rs"]
mod program;
mod programs;
#[allow(dead_code, reason = "the tests without a GPU use more of it")]
#[path = "../support/runs.rs"]
mod runs;
mod sharing;
mod snapshots;
#[path = "../support/trial.rs"]
mod trial;

use libtest_mimic::Arguments;
use std::process::ExitCode;

macro_rules! tests {
    ($($area:ident::$run:ident,)*) => {
        [$((stringify!($run), $area::$run as fn())),*]
    };
}

fn main() -> ExitCode {
    let tests = tests![
        snapshots::a_snapshot_is_the_model_of_its_own_step,
        snapshots::a_snapshot_of_transposed_weights_is_that_of_its_own_step,
        sharing::the_miner_shares_the_device,
        in_place::weights_are_not_read_but_for_checkpoints,
        in_place::a_stop_within_an_accumulation_keeps_the_weights_of_the_last_step,
        in_place::a_tensor_of_the_programs_own_changes_nothing_for_the_weights,
        in_place::weights_of_another_device_are_read,
        in_place::tensors_of_all_forms_have_the_roots_of_the_cpu,
        programs::a_training_is_resumed_and_replayed_bit_for_bit,
        programs::the_cpu_still_trains,
    ];
    let arguments = Arguments::from_args();
    let missing = device::gpu().as_ref().err().map(String::as_str);
    let trials = tests.map(|(name, run)| trial::needing("gpu", missing, name, run));
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}
