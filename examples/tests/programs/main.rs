//! The example programs, run as a user runs them.
#![allow(
    clippy::unwrap_used,
    reason = "functions that panic to fail, like any test"
)]

/// Makes the list `tests()` of a module's tests: of the modules named after `mod`,
/// then of the functions named. A test is named after its module and its function,
/// `module/a_test`. After `Tmpfs:` come the tests that mount file systems.
macro_rules! tests {
    (@to $tests:ident mod $($(#[$cfg:meta])? $module:ident),+ $(; $($rest:tt)*)?) => {
        $($(#[$cfg])? $tests.extend($module::tests());)+
        $(tests!(@to $tests $($rest)*);)?
    };
    (@to $tests:ident Tmpfs: $($test:ident),+) => {
        let missing = $crate::tmpfs::Tmpfs::mount("64k").err();
        let needing = |name: String, run| {
            $crate::trial::needing("tmpfs", missing.as_deref(), &name, run)
        };
        $tests.extend([$(
            needing($crate::test_name(module_path!(), stringify!($test)), $test),
        )+]);
    };
    (@to $tests:ident $($test:ident),+) => {
        $tests.extend([$(
            $crate::trial::test(&$crate::test_name(module_path!(), stringify!($test)), $test),
        )+]);
    };
    ($($sections:tt)+) => {
        pub(crate) fn tests() -> Vec<libtest_mimic::Trial> {
            let mut tests = Vec::new();
            tests!(@to tests $($sections)+);
            tests
        }
    };
}

mod changes;
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
#[path = "../support/program.rs"]
mod program;
mod replays;
#[path = "../support/runs.rs"]
mod runs;
#[cfg(unix)]
mod terminations;
#[path = "../support/trial.rs"]
mod trial;
mod verdicts;
// These belong to the tests without Burn.
#[path = "../../../tests/src/commands.rs"]
mod commands;
#[path = "../../../tests/src/tmpfs.rs"]
mod tmpfs;

use libtest_mimic::Arguments;
use std::process::ExitCode;

tests! {
    mod changes, disks, disturbed, endings, kills, measured, mined, mnist, others, pages, paper,
        replays, #[cfg(unix)] terminations, verdicts
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, tests()).exit_code()
}

/// `module/function`, for a function of a module of the test program.
fn test_name(module: &str, function: &str) -> String {
    let (_program, module) = module.split_once("::").unwrap();
    format!("{}/{function}", module.replace("::", "/"))
}
