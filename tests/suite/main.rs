//! Tests across crates, in one binary: `cargo test --release -p pow-tests`.
//!
//! Some tests need a GPU adapter, Python, packages for it, Node, OpenSSL, a small tmpfs,
//! `ssh-keygen`, `minisign`, `model_signing` or a browser.
//! Where that is missing, they are listed as ignored, with the reason. Where the
//! environment variable `POW_REQUIRE` names it, they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the test functions carry no #[test] that clippy could see"
)]

/// Registers tests by their functions, in the order in which they run:
///
/// ```ignore
/// tests! { mod some_module, another; a_test, a_second; Python: a_test_that_needs_python }
/// ```
///
/// makes the function `tests` of this module. After `mod` come the modules whose tests belong to it,
/// and after a [`Requirement`](requirements::Requirement), or two with a `+`, the tests that need it. The name of a test
/// is that of its module and its function, such as `replay/merged/refuses_a_missing_part`.
macro_rules! tests {
    (@to $tests:ident mod $($(#[$cfg:meta])? $module:ident),+ $(; $($rest:tt)*)?) => {
        $($(#[$cfg])? $tests.extend($module::tests());)+
        $(tests!(@to $tests $($rest)*);)?
    };
    (@to $tests:ident $first:ident + $second:ident: $($test:ident),+ $(; $($rest:tt)*)?) => {
        $tests.extend([$(
            $crate::requirements::Test::of(module_path!(), stringify!($test), $test)
                .needs($crate::requirements::Requirement::$first)
                .needs($crate::requirements::Requirement::$second),
        )+]);
        $(tests!(@to $tests $($rest)*);)?
    };
    (@to $tests:ident $requirement:ident: $($test:ident),+ $(; $($rest:tt)*)?) => {
        $tests.extend([$(
            $crate::requirements::Test::of(module_path!(), stringify!($test), $test)
                .needs($crate::requirements::Requirement::$requirement),
        )+]);
        $(tests!(@to $tests $($rest)*);)?
    };
    (@to $tests:ident $($test:ident),+ $(; $($rest:tt)*)?) => {
        $tests.extend([$(
            $crate::requirements::Test::of(module_path!(), stringify!($test), $test),
        )+]);
        $(tests!(@to $tests $($rest)*);)?
    };
    ($($sections:tt)+) => {
        pub(crate) fn tests() -> Vec<$crate::requirements::Test> {
            let mut tests = Vec::new();
            tests!(@to tests $($sections)+);
            tests
        }
    };
}

mod asert;
mod attacks;
mod bad_input;
mod batches;
mod bound;
mod caller;
mod challenge;
mod clocks;
mod comparison;
mod declaration;
mod docs;
mod engines;
mod explorer;
mod extensions;
mod forall;
mod format;
mod formats;
mod fuzzed;
mod generated;
mod headers;
mod lanes;
mod lineage;
mod outside;
mod proofs;
mod python;
mod receipt;
mod replay;
mod requirements;
mod rules;
mod sampled;
mod shaders;
mod signatures;
mod targets;
mod time;
mod vectors;
mod wasm;
mod weights;

use libtest_mimic::Arguments;
use requirements::Required;
use std::process::ExitCode;

tests! {
    mod requirements, asert, attacks, clocks, engines, outside, bad_input, batches, bound, challenge, comparison, declaration, explorer, extensions, format,
        formats, fuzzed, generated, headers, lanes, lineage, proofs, receipt, replay, rules, sampled, shaders, signatures, targets, time,
        vectors, wasm, weights
}

fn main() -> ExitCode {
    #[cfg(unix)]
    if std::env::var_os(clocks::CHILD).is_some() {
        clocks::mine_until_killed();
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let required = match Required::from_env() {
        Ok(required) => required,
        Err(error) => {
            eprintln!("POW_REQUIRE: {error}");
            return ExitCode::from(2);
        }
    };
    let mut tests = tests();
    let names = tests.iter().map(|test| test.name().to_owned()).collect();
    tests.extend(docs::tests(names));
    let trials = tests
        .into_iter()
        .map(|test| test.trial(&required))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
