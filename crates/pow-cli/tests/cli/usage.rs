//! Wrong calls: exit code 2, and a hint.

use crate::program::pow;

#[test]
fn a_wrong_call_is_exit_code_2() {
    let calls: [&[&str]; 43] = [
        &[],
        &["verify"],
        &["inspect"],
        &["mine", "runs/x"],
        &["verify", "runs/x", "--genesis", "12"],
        &["verify", "runs/x", "--require", "chain,everything"],
        &["verify", "runs/x", "--no-such-flag"],
        &["verify", "runs/x", "--head", "12"],
        &["verify", "runs/x", "--parent"],
        &["lineage"],
        &["compare", "runs/x"],
        &["sign", "runs/x"],
        &["add-signature", "runs/x", "head.txt"],
        &["verify", "runs/x", "--signed-by", "nobody"],
        &["challenge"],
        &["challenge", "runs/x", "--seed", "1"],
        &["challenge", "runs/x", "--count", "-1"],
        &["merge", "out.json"],
        &["prove", "runs/x"],
        &["prove", "runs/x", "--step", "1", "--block", "2"],
        &["prove", "runs/x", "--tensor", "w"],
        &["prove", "runs/x", "--step", "1", "--chunk", "0"],
        &["prove", "runs/x", "--block", "2147483648"],
        &["check-proof"],
        &["check-proof", "proof.json", "--head", "12"],
        &["receipt", "runs/x"],
        &["check-receipt"],
        &["manifest", "models/x"],
        &["envelope", "x.pae", "--key", "pub.pem", "--out", "x.json"],
        &["envelope", "x.pae", "x.sig", "--out", "x.json"],
        &["check-envelope", "x.json"],
        &[
            "check-envelope",
            "x.json",
            "--key",
            "no.pem",
            "--ignore",
            "x",
        ],
        &["check-receipt", "r", "--require", "everything"],
        &["fingerprint"],
        &["fingerprint", "m", "--in"],
        &["diff", "m"],
        &["diff", "m", "n", "o"],
        &["export", "runs/x"],
        &["export", "runs/x", "--format", "ots"],
        &["export", "runs/x", "--format", "csv"],
        &["export", "runs/x", "--format", "blk", "--step", "1"],
        &["export", "runs/x", "--format", "ots", "--step", "-1"],
        &["export", "runs/x", "--format", "ots", "--checkpoint", "12"],
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
    pow(&["verify", "--help"]).expect(0, &["--replay-report", "--head", "Examples:"]);
    pow(&["verify", "--help"]).expect(0, &["--parent <RUN>", "--base <FILE>", "origin"]);
    pow(&["verify", "--help"]).expect(0, &["--trust-tsa <CERT>", "--bitcoin-headers <FILE>"]);
    pow(&["lineage", "--help"]).expect(0, &["<RUN>", "Exit code", "Examples:"]);
    pow(&["verify", "--help"]).expect(0, &["--signed-by <KEY>", "--quorum <N>", "signature"]);
    pow(&["sign", "--help"]).expect(0, &["--report <FILE>", "Exit code", "Examples:"]);
    pow(&["add-signature", "--help"]).expect(0, &["--key <KEY>", "Exit code", "Examples:"]);
    pow(&["declare", "--help"]).expect(0, &["--metric <TEXT>", "Exit code", "Examples:"]);
    pow(&["commit-report", "--help"]).expect(0, &["--key <KEY>", "Exit code", "Examples:"]);
    pow(&["compare", "--help"]).expect(0, &["--head <SIGNATURE>", "Exit code", "Examples:"]);
    pow(&["compare", "--help"]).expect(0, &["[A] [B]", "Exit code", "Examples:"]);
    pow(&["challenge", "--help"]).expect(0, &["--beacon", "Exit code", "Examples:"]);
    pow(&["merge", "--help"]).expect(0, &["<SHARD>", "Exit code", "Examples:"]);
    pow(&["prove", "--help"]).expect(0, &["--extends", "Exit code", "Examples:"]);
    pow(&["check-proof", "--help"]).expect(0, &["--head", "UNANCHORED", "Examples:"]);
    pow(&["receipt", "--help"]).expect(0, &["--out <FILE>", "Exit code", "Examples:"]);
    pow(&["manifest", "--help"]).expect(0, &["--ignore <PATH>", "Exit code", "Examples:"]);
    pow(&["envelope", "--help"]).expect(0, &["--bundle", "Exit code", "Examples:"]);
    pow(&["check-envelope", "--help"]).expect(0, &["--run <RUN>", "Exit code", "Examples:"]);
    pow(&["check-receipt", "--help"]).expect(0, &["--head", "--trust-tsa", "Examples:"]);
    pow(&["export", "--help"]).expect(0, &["--checkpoint", "Exit code", "Examples:"]);
    pow(&["fingerprint", "--help"])
        .expect(0, &["--in <RUN>", "v2-draft", "Exit code", "Examples:"]);
    pow(&["diff", "--help"]).expect(0, &["<A> <B>", "Exit code", "Examples:"]);
    pow(&["bench", "--help"]).expect(0, &["--gpu-software", "Exit code", "Examples:"]);
    pow(&["mine", "--help"]).expect(0, &["--engine", "Exit code", "Examples:"]);
    pow(&["--version"]).expect(0, &[env!("CARGO_PKG_VERSION")]);
}
