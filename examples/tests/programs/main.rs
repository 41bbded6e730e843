//! The example programs, run as a user runs them.
#![allow(
    clippy::unwrap_used,
    reason = "functions that panic to fail, like any test"
)]

mod changes;
mod compare;
mod disks;
mod disturbed;
mod endings;
mod kills;
mod measured;
mod mined;
mod mnist;
mod others;
mod pages;
mod paper;
mod phase;
mod program;
mod replays;
mod verdicts;
// Of the tests without Burn; not worth a crate.
#[path = "../../../tests/src/commands.rs"]
mod commands;
#[path = "../../../tests/src/tmpfs.rs"]
mod tmpfs;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use tmpfs::Tmpfs;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests = [
        changes::tests(),
        endings::tests(),
        disturbed::tests(),
        disks::tests(),
        kills::tests(),
        measured::tests(),
        mined::tests(),
        mnist::tests(),
        others::tests(),
        pages::tests(),
        paper::tests(),
        replays::tests(),
        verdicts::tests(),
    ];
    let trials = tests.into_iter().flatten().collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test that runs everywhere; `run` panics to fail.
fn test(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// A test that mounts file systems. Where that is not allowed it is ignored, and
/// says why; unless `POW_REQUIRE` names tmpfs: then it fails.
fn mounting(name: &str, run: fn()) -> Trial {
    let Some(reason) = Tmpfs::mount("64k").err() else {
        return test(name, run);
    };
    let reason = format!("needs tmpfs: {reason}");
    let required = std::env::var("POW_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|name| name.trim() == "tmpfs");
    let trial = Trial::test(name, {
        let reason = reason.clone();
        move || Err(reason.into())
    });
    match is_required {
        true => trial,
        false => trial.with_kind(reason).with_ignored_flag(true),
    }
}
