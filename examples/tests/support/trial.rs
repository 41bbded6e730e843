//! Tests for the test runner.

use libtest_mimic::Trial;

/// A test that runs everywhere; `run` panics to fail.
pub fn test(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// A test that needs something of the machine. If that is missing, the test is
/// ignored, with the reason. If `POW_REQUIRE` names the need, it fails instead.
pub fn needing(need: &str, missing: Option<&str>, name: &str, run: fn()) -> Trial {
    let Some(reason) = missing else {
        return test(name, run);
    };
    let required = std::env::var("POW_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|name| name.trim() == need);
    let reason = format!("needs {need}: {reason}");
    let kind = reason.clone();
    // Ignored, and started with --include-ignored, it fails too.
    let trial = Trial::test(name, move || Err(reason.into()));
    match is_required {
        true => trial,
        false => trial.with_kind(kind).with_ignored_flag(true),
    }
}
