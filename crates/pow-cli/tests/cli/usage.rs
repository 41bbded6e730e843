//! Calls that are wrong in themselves: exit code 2, and a hint.

use crate::program::pow;

#[test]
fn a_wrong_call_is_exit_code_2() {
    let calls: [&[&str]; 7] = [
        &[],
        &["verify"],
        &["inspect"],
        &["mine", "runs/x"],
        &["verify", "runs/x", "--genesis", "12"],
        &["verify", "runs/x", "--require", "chain,everything"],
        &["verify", "runs/x", "--no-such-flag"],
    ];
    for call in calls {
        let outcome = pow(call);
        outcome.expect(2, &[]);
        assert!(outcome.stdout.is_empty(), "{call:?}: {outcome:?}");
        assert!(outcome.stderr.contains("--help"), "{call:?}: {outcome:?}");
    }
    let unknown = pow(&["verify", "runs/x", "--require", "everything"]);
    unknown.expect(2, &["no level is called \"everything\"", "artifact"]);
}

#[test]
fn help_and_version_are_exit_code_0() {
    pow(&["--help"]).expect(0, &["verify", "inspect", "Examples:"]);
    pow(&["verify", "--help"]).expect(0, &["--genesis", "--allow-unfinished", "Exit code"]);
    pow(&["--version"]).expect(0, &[env!("CARGO_PKG_VERSION")]);
}
