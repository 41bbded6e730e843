//! Tests across crates, in one binary: `cargo test --release -p pow-tests`.
//!
//! A test whose requirement (a GPU adapter, Python, packages for it, Node, a
//! small tmpfs) is missing
//! is listed as ignored, with the reason. Where the environment variable
//! `POW_REQUIRE` names the requirement, it fails instead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the test functions carry no #[test] that clippy could see"
)]

mod asert;
mod attacks;
mod bad_input;
mod bound;
mod challenge;
mod docs;
mod engines;
mod format;
mod fuzzed;
mod generated;
mod headers;
mod lanes;
mod outside;
mod proofs;
mod python;
mod replay;
mod requirements;
mod rules;
mod shaders;
mod targets;
mod vectors;
mod wasm;

use libtest_mimic::Arguments;
use requirements::Required;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = match Required::from_env() {
        Ok(required) => required,
        Err(error) => {
            eprintln!("POW_REQUIRE: {error}");
            return ExitCode::from(2);
        }
    };
    let tests = [
        requirements::tests(),
        asert::tests(),
        attacks::tests(),
        engines::tests(),
        outside::tests(),
        bad_input::tests(),
        bound::tests(),
        challenge::tests(),
        format::tests(),
        fuzzed::tests(),
        generated::tests(),
        headers::tests(),
        lanes::tests(),
        proofs::tests(),
        replay::tests(),
        rules::tests(),
        shaders::tests(),
        targets::tests(),
        vectors::tests(),
        wasm::tests(),
    ];
    let mut tests: Vec<_> = tests.into_iter().flatten().collect();
    let names = tests.iter().map(|test| test.name().to_owned()).collect();
    tests.extend(docs::tests(names));
    let trials = tests
        .into_iter()
        .map(|test| test.trial(&required))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
