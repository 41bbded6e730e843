//! Files beside the chain that are missing or not those it commits to.

use pow_audit::{AuditError, AuditOptions, Level, Verdict, audit};
use pow_core::body::BodyKind;
use pow_core::hash::StateRoot;
use pow_tests::audits::{lines, report, unfinished_report, verdict};
use pow_tests::fixture::{CONFIG, Fixture, Plan};
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
    assert_eq!(
        found.iter().map(|found| found.0).collect::<Vec<_>>(),
        [0, 3, 6]
    );
    found
}

fn a_missing_chain_is_an_error() {
    let fixture = Fixture::record(&Plan::default());
    std::fs::remove_file(fixture.run.chain()).unwrap();
    let error = audit(&fixture.run, &AuditOptions::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, AuditError::Ledger(_)));
    assert!(error.to_string().contains("chain.pow"), "{error}");
    // A directory in its place cannot be read either.
    std::fs::create_dir(fixture.run.chain()).unwrap();
    let error = audit(&fixture.run, &AuditOptions::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("chain.pow"), "{error}");
}

fn a_swapped_artifact() {
    let fixture = Fixture::record(&Plan::default());
    // The model of step 3 in place of that of step 6.
    let (_, _, dir) = &checkpoints(&fixture)[1];
    std::fs::copy(dir.join("model.safetensors"), fixture.run.artifact()).unwrap();
    let report = report(&fixture.run);
    assert!(!report.holds());
    assert_eq!(verdict(&report, Level::Artifact), Verdict::Fails);
    assert!(lines(&report, Level::Artifact).contains("the final block says"));
    assert_eq!(verdict(&report, Level::Chain), Verdict::Holds);
}

fn a_missing_artifact() {
    let fixture = Fixture::record(&Plan::default());
    std::fs::remove_file(fixture.run.artifact()).unwrap();
    for report in [report(&fixture.run), unfinished_report(&fixture.run)] {
        // The run is finished, so accepting unfinished runs excuses nothing.
        assert!(!report.holds());
        assert_eq!(verdict(&report, Level::Artifact), Verdict::Fails);
        assert!(lines(&report, Level::Artifact).contains("model.safetensors"));
    }
}

fn swapped_checkpoints() {
    let fixture = Fixture::record(&Plan::default());
    let dirs = checkpoints(&fixture);
    let aside = fixture.run.checkpoints().join("aside");
    std::fs::rename(&dirs[1].2, &aside).unwrap();
    std::fs::rename(&dirs[2].2, &dirs[1].2).unwrap();
    std::fs::rename(&aside, &dirs[2].2).unwrap();
    let report = report(&fixture.run);
    assert_eq!(verdict(&report, Level::State), Verdict::Fails);
    let lines = lines(&report, Level::State);
    for (at, other) in [(1, 2), (2, 1)] {
        let (step, root, _) = &dirs[at];
        let (found_step, found, _) = &dirs[other];
        let words = format!(
            "checkpoint of step {step} ({root}) holds step {found_step} with state root {found}"
        );
        assert!(lines.contains(&words), "{lines}");
    }
    assert!(
        report.headline.contains("OTHERS FAIL"),
        "{}",
        report.headline
    );
}

fn a_missing_checkpoint() {
    let fixture = Fixture::record(&Plan::default());
    for (step, root, dir) in checkpoints(&fixture) {
        let aside = fixture.run.path().join("aside");
        std::fs::rename(&dir, &aside).unwrap();
        let report = report(&fixture.run);
        assert_eq!(verdict(&report, Level::State), Verdict::Fails);
        let words = format!("checkpoint of step {step} ({root}) is missing");
        assert!(lines(&report, Level::State).contains(&words));
        std::fs::rename(&aside, &dir).unwrap();

        let state = dir.join("state.json");
        let bytes = std::fs::read(&state).unwrap();
        std::fs::remove_file(&state).unwrap();
        let report = pow_tests::audits::report(&fixture.run);
        assert_eq!(verdict(&report, Level::State), Verdict::Fails);
        assert!(lines(&report, Level::State).contains("state.json"));
        std::fs::write(&state, bytes).unwrap();
    }
    assert_eq!(verdict(&report(&fixture.run), Level::State), Verdict::Holds);
}

fn a_changed_config() {
    let fixture = Fixture::record(&Plan::default());
    std::fs::write(fixture.run.config(), [CONFIG, b"\n"].concat()).unwrap();
    let report = report(&fixture.run);
    assert_eq!(verdict(&report, Level::State), Verdict::Fails);
    assert!(lines(&report, Level::State).contains("config.json has digest"));
}
