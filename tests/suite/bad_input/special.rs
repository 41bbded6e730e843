//! Files of a run that are links to something else. (`crates/pow-cli/tests` and
//! `pow-ledger` have pipes, sockets and devices.)

use super::chain::fixture;
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_tests::audits::{expect, report};
use std::os::unix::fs::symlink;
use std::path::Path;

tests! {
    beside_the_chain, as_the_chain
}

fn replace(path: &Path) {
    std::fs::remove_file(path).unwrap();
    symlink("/dev/null", path).unwrap();
}

fn beside_the_chain() {
    let (fixture, _) = fixture();
    let checkpoint = std::fs::read_dir(fixture.run.checkpoints()).unwrap().next();
    let checkpoint = checkpoint.unwrap().unwrap().path();
    for (level, path) in [
        (Level::State, fixture.run.config()),
        (Level::State, checkpoint.join("state.json")),
        (Level::State, checkpoint.join("optimizer.safetensors")),
        (Level::Artifact, fixture.run.artifact()),
    ] {
        let bytes = std::fs::read(&path).unwrap();
        replace(&path);
        let words = format!(
            "{}: not a regular file: it is a symbolic link",
            path.display()
        );
        expect(&report(&fixture.run), level, Verdict::Fails, &[&words]);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(report(&fixture.run).holds());
}

fn as_the_chain() {
    let (fixture, _) = fixture();
    replace(&fixture.run.chain());
    let error = audit(&fixture.run, &AuditOptions::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
}
