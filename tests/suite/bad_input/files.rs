//! Files beside the chain that are missing, or not those that it commits to.

use pow_audit::{AuditError, AuditOptions, Level, Verdict, audit};
use pow_core::body::BodyKind;
use pow_core::hash::StateRoot;
use pow_tests::audits::{expect, report, unfinished_report};
use pow_tests::fixture::{CONFIG, Fixture};
use std::path::PathBuf;

tests! {
    a_missing_chain_is_an_error, a_swapped_artifact, a_missing_artifact, swapped_checkpoints,
    a_missing_checkpoint, a_changed_config
}

/// The run's checkpoint directories in the order of their steps.
fn checkpoints(fixture: &Fixture) -> Vec<(u64, StateRoot, PathBuf)> {
    let mut found = Vec::new();
    pow_audit::walk::walk(&fixture.run, None, &mut |row, _| {
        if let BodyKind::Steps(entries) = &row.block.body().kind {
            for entry in entries {
                if let Some(root) = entry.state_root() {
                    let dir = fixture.run.checkpoint(root).dir().to_owned();
                    found.push((entry.step.0, root, dir));
                }
            }
        }
    })
    .unwrap();
    let steps: Vec<u64> = found.iter().map(|found| found.0).collect();
    assert_eq!(steps, [0, 3, 6]);
    found
}

fn a_missing_chain_is_an_error() {
    let fixture = Fixture::default();
    std::fs::remove_file(fixture.run.chain()).unwrap();
    let error = || audit(&fixture.run, &AuditOptions::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(error(), AuditError::Ledger(_)));
    assert!(error().to_string().contains("chain.pow"), "{}", error());
    // A directory in its place cannot be read either.
    std::fs::create_dir(fixture.run.chain()).unwrap();
    assert!(error().to_string().contains("chain.pow"), "{}", error());
}

fn a_swapped_artifact() {
    let fixture = Fixture::default();
    // The model of step 3 in place of that of step 6.
    let (_, _, dir) = &checkpoints(&fixture)[1];
    std::fs::copy(dir.join("model.safetensors"), fixture.run.artifact()).unwrap();
    let report = report(&fixture.run);
    assert!(!report.holds());
    expect(
        &report,
        Level::Artifact,
        Verdict::Fails,
        &["the final block says"],
    );
    expect(&report, Level::Chain, Verdict::Holds, &[]);
}

fn a_missing_artifact() {
    let fixture = Fixture::default();
    std::fs::remove_file(fixture.run.artifact()).unwrap();
    for report in [report(&fixture.run), unfinished_report(&fixture.run)] {
        // The run is finished, so accepting unfinished runs excuses nothing.
        assert!(!report.holds());
        expect(
            &report,
            Level::Artifact,
            Verdict::Fails,
            &["model.safetensors"],
        );
    }
}

fn swapped_checkpoints() {
    let fixture = Fixture::default();
    let dirs = checkpoints(&fixture);
    let aside = fixture.run.checkpoints().join("aside");
    std::fs::rename(&dirs[1].2, &aside).unwrap();
    std::fs::rename(&dirs[2].2, &dirs[1].2).unwrap();
    std::fs::rename(&aside, &dirs[2].2).unwrap();
    let report = report(&fixture.run);
    for (at, other) in [(1, 2), (2, 1)] {
        let (step, root, _) = &dirs[at];
        let (found_step, found, _) = &dirs[other];
        let words = format!(
            "checkpoint of step {step} ({root}) holds step {found_step} with state root {found}"
        );
        expect(&report, Level::State, Verdict::Fails, &[&words]);
    }
    assert!(
        report.headline.contains("OTHERS FAIL"),
        "{}",
        report.headline
    );
}

fn a_missing_checkpoint() {
    let fixture = Fixture::default();
    let fails = |words: &str| {
        expect(
            &report(&fixture.run),
            Level::State,
            Verdict::Fails,
            &[words],
        );
    };
    for (step, root, dir) in checkpoints(&fixture) {
        let aside = fixture.run.path().join("aside");
        std::fs::rename(&dir, &aside).unwrap();
        fails(&format!("checkpoint of step {step} ({root}) is missing"));
        std::fs::rename(&aside, &dir).unwrap();

        let state = dir.join("state.json");
        let bytes = std::fs::read(&state).unwrap();
        std::fs::remove_file(&state).unwrap();
        fails("state.json");
        std::fs::write(&state, bytes).unwrap();
    }
    expect(&report(&fixture.run), Level::State, Verdict::Holds, &[]);
}

fn a_changed_config() {
    let fixture = Fixture::default();
    std::fs::write(fixture.run.config(), [CONFIG, b"\n"].concat()).unwrap();
    let words = "config.json has digest";
    expect(
        &report(&fixture.run),
        Level::State,
        Verdict::Fails,
        &[words],
    );
}
