//! Properties of arbitrary values.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs `test` on this many values. They are the same in every run.
pub fn forall<S: Strategy>(cases: u32, values: S, test: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let run = |value| {
        test(value);
        Ok(())
    };
    TestRunner::new_with_rng(config, rng)
        .run(&values, run)
        .unwrap();
}
