//! The subcommand `replay`, as an auditor runs it.

use crate::program::{ended, ends, program};
use crate::test;
use libtest_mimic::Trial;
use pow_audit::replay::{ReplayReport, SegmentOutcome};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_ledger::RunDir;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "replays/each_example_replays_its_own_run_bit_for_bit",
            each_example_replays_its_own_run_bit_for_bit,
        ),
        test(
            "replays/parts_found_from_the_scheduler_make_up_the_whole",
            parts_found_from_the_scheduler_make_up_the_whole,
        ),
        test(
            "replays/a_bad_checkpoint_is_exit_code_1_and_no_run_is_2",
            a_bad_checkpoint_is_exit_code_1_and_no_run_is_2,
        ),
    ]
}

/// Replays everything, with more arguments and variables, and returns exit code
/// and standard error.
fn replay(
    name: &str,
    run: &Path,
    report: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (Option<i32>, String) {
    let mut command = program(name);
    command.arg("replay").arg(run).arg("--all");
    command.arg("--report").arg(report).args(arguments);
    command.envs(variables.iter().copied());
    let (code, _, stderr) = ended(crate::program::started(command));
    (code, stderr)
}

fn recorded(place: &TempDir, name: &str, arguments: &[&str]) -> PathBuf {
    let run = place.path().join("run");
    let recording = ["--zero-bits", "4", "--checkpoint-every", "15"];
    ends(name, &run, &[&recording, arguments].concat());
    run
}

fn each_example_replays_its_own_run_bit_for_bit() {
    let two = ["--epochs", "2", "--seed", "5"];
    let bound = ["--epochs", "2", "--bound-order", "2", "--commit-every", "5"];
    let small = ["--epochs", "2", "--passages", "500"];
    let runs: [(&str, &[&str]); 4] = [
        ("digits", &two),
        ("digits", &bound),
        ("handwritten", &two),
        ("transformer", &small),
    ];
    for (name, arguments) in runs {
        let place = TempDir::new().unwrap();
        let run = recorded(&place, name, arguments);
        let file = place.path().join("replay.json");
        let (code, stderr) = replay(name, &run, &file, &[], &[]);
        assert_eq!(code, Some(0), "{name}: {stderr}");
        let report = ReplayReport::read(&file).unwrap();
        assert!(report.results().len() >= 2, "{name}");
        for result in report.results() {
            let entries = result.segment.entries;
            assert_eq!(
                result.outcome,
                SegmentOutcome::BitExact { entries },
                "{name}"
            );
        }
        // The run has not changed, and the report is about it.
        let options = AuditOptions {
            replay_report: Some(file),
            require: [Level::Chain, Level::Finished, Level::State, Level::Artifact].into(),
            ..AuditOptions::default()
        };
        let report = audit(&RunDir::new(&run), &options, &mut |_| {}).unwrap();
        assert!(report.holds(), "{name}: {report}");
        let replay = report
            .levels
            .iter()
            .find(|line| line.level == Level::Replay);
        assert_eq!(replay.unwrap().verdict, Verdict::Holds, "{name}: {report}");
    }
}

fn parts_found_from_the_scheduler_make_up_the_whole() {
    let place = TempDir::new().unwrap();
    let run = recorded(&place, "handwritten", &["--epochs", "2"]);
    let part = |name: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        let file = place.path().join(name);
        let (code, stderr) = replay("handwritten", &run, &file, arguments, variables);
        assert_eq!(code, Some(0), "{stderr}");
        ReplayReport::read(&file).unwrap()
    };
    let whole = part("whole", &[], &[]);
    let slurm = |task| {
        [
            ("SLURM_ARRAY_TASK_ID", task),
            ("SLURM_ARRAY_TASK_MIN", "4"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
        ]
    };
    let kubernetes = [("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", "3")];
    let parts = vec![
        part("a", &["--shard", "1/3"], &slurm("6")),
        part("b", &[], &slurm("5")),
        part("c", &[], &kubernetes),
    ];
    let merged = pow_audit::replay::merge(parts).unwrap();
    assert_eq!(merged.without_times(), whole.without_times());
    // A count that is not known would be guessed wrong.
    let file = place.path().join("d");
    let variables = [("JOB_COMPLETION_INDEX", "2")];
    let (code, stderr) = replay("handwritten", &run, &file, &[], &variables);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("say --shard"), "{stderr}");
    assert!(!file.exists());
}

fn a_bad_checkpoint_is_exit_code_1_and_no_run_is_2() {
    let place = TempDir::new().unwrap();
    let run = recorded(&place, "handwritten", &["--epochs", "1"]);
    let file = place.path().join("replay.json");
    let checkpoints = std::fs::read_dir(run.join("checkpoints")).unwrap();
    for checkpoint in checkpoints {
        let optimizer = checkpoint.unwrap().path().join("optimizer.safetensors");
        let mut bytes = std::fs::read(&optimizer).unwrap();
        // That of step 0 holds no tensor, and cannot be changed in its last byte.
        if bytes.len() > 1000 {
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(&optimizer, bytes).unwrap();
        }
    }
    let (code, stderr) = replay("handwritten", &run, &file, &[], &[]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("with state root"), "{stderr}");
    let report = ReplayReport::read(&file).unwrap();
    let failed = report.results().iter().filter(|r| r.outcome.is_failure());
    assert_eq!(failed.count(), 2);
    let nothing = place.path().join("nothing");
    let (code, stderr) = replay("handwritten", &nothing, &file, &[], &[]);
    assert_eq!(code, Some(2));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    // Another program does not take these settings for its own.
    let (code, stderr) = replay("transformer", &run, &file, &[], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("not those of this program"), "{stderr}");
}
