//! The subcommand `replay`, as an auditor runs it.

use crate::program::{Printed, command, ends, says, start};
use crate::runs::{bit_exact, options};
use pow_audit::replay::{Judgement, ReplayReport, SegmentOutcome};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_ledger::RunDir;
use std::path::Path;
use tempfile::TempDir;

tests! {
    each_example_replays_its_own_run_bit_for_bit, parts_found_from_the_scheduler_make_up_the_whole,
    a_bad_checkpoint_is_exit_code_1_and_no_run_is_2, a_report_is_replaced_only_if_told,
    a_segment_that_breaks_a_limit_is_not_checked_and_there_is_a_report,
    a_launcher_starts_each_segment_and_what_it_leaves_may_be_no_result
}

/// Replays every segment, with more options and variables.
#[track_caller]
fn replay(
    name: &str,
    run: &Path,
    report: &Path,
    options: &str,
    variables: &[(&str, &str)],
    code: i32,
) -> Printed {
    let mut command = command(name);
    command.arg("replay").arg(run).arg("--all");
    command.arg("--report").arg(report);
    command.args(options.split_whitespace());
    command.envs(variables.iter().copied());
    start(command).ended(code)
}

fn recorded(place: &TempDir, name: &str, options: &str) -> RunDir {
    let run = RunDir::new(place.path().join("run"));
    let options = format!("--zero-bits 4 --checkpoint-every 15 {options}");
    ends(name, &run, &options);
    run
}

fn each_example_replays_its_own_run_bit_for_bit() {
    for (name, recording) in [
        ("digits", "--epochs 2 --seed 5"),
        ("digits", "--epochs 2 --bound-order 2 --commit-every 5"),
        ("handwritten", "--epochs 2 --seed 5"),
        ("gan", "--epochs 2"),
        ("transformer", "--epochs 2 --passages 500"),
        ("lstm", "--epochs 2 --passages 500"),
    ] {
        let place = TempDir::new().unwrap();
        let run = recorded(&place, name, recording);
        let file = place.path().join("replay.json");
        let printed = replay(name, run.path(), &file, "", &[], 0);
        let words = "this machine computes as the recording one did, in every probed operation";
        says(&printed.stderr, [words]);
        assert_eq!(printed.stderr.matches("this machine").count(), 1);
        assert!(bit_exact(&file).results().len() >= 2, "{name}");
        // The run has not changed, and the report is about it.
        let options = AuditOptions {
            replay_reports: vec![file],
            ..options()
        };
        let report = audit(&run, &options, &mut |_| {}).unwrap();
        assert!(report.holds(), "{name}: {report}");
        let mut levels = report.levels.iter();
        let replay = levels.find(|line| line.level == Level::Replay);
        assert_eq!(replay.unwrap().verdict, Verdict::Holds, "{name}: {report}");
    }
}

fn parts_found_from_the_scheduler_make_up_the_whole() {
    let place = TempDir::new().unwrap();
    let run = recorded(&place, "handwritten", "--epochs 2");
    let part = |name: &str, options: &str, variables: &[(&str, &str)]| {
        let file = place.path().join(name);
        replay("handwritten", run.path(), &file, options, variables, 0);
        ReplayReport::read(&file).unwrap()
    };
    let whole = part("whole", "", &[]);
    let slurm = |task| {
        [
            ("SLURM_ARRAY_TASK_ID", task),
            ("SLURM_ARRAY_TASK_MIN", "4"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
        ]
    };
    let kubernetes = [("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", "3")];
    let parts = vec![
        part("a", "--shard 1/3", &slurm("6")),
        part("b", "", &slurm("5")),
        part("c", "", &kubernetes),
    ];
    // One with more parts than segments: a part without any is no failure.
    assert!(part("empty", "--shard 99/99", &[]).results().is_empty());
    let merged = pow_audit::replay::merge(parts).unwrap();
    assert_eq!(merged.without_times(), whole.without_times());
    // Without the count, a guess would be wrong.
    let file = place.path().join("d");
    let variables = [("JOB_COMPLETION_INDEX", "2")];
    let printed = replay("handwritten", run.path(), &file, "", &variables, 2);
    says(&printed.stderr, ["say --shard"]);
    assert!(!file.exists());
}

fn a_report_is_replaced_only_if_told() {
    let place = TempDir::new().unwrap();
    let run = recorded(&place, "handwritten", "--epochs 1");
    let chain = std::fs::read(run.chain()).unwrap();
    let printed = replay("handwritten", run.path(), &run.chain(), "", &[], 2);
    says(&printed.stderr, ["exists already and is not overwritten"]);
    assert_eq!(std::fs::read(run.chain()).unwrap(), chain);
    let file = place.path().join("replay.json");
    std::fs::write(&file, "an older one").unwrap();
    replay("handwritten", run.path(), &file, "--replace", &[], 0);
    bit_exact(&file);
}

/// Whatever a run does to the process that replays it.
fn a_segment_that_breaks_a_limit_is_not_checked_and_there_is_a_report() {
    let place = TempDir::new().unwrap();
    let run = recorded(&place, "handwritten", "--epochs 1");
    let mut limits = vec!["--step-limit 0", "--segment-limit 0"];
    if cfg!(unix) {
        // Without memory a process ends, or stands.
        limits.push("--memory-limit 1 --step-limit 5");
    }
    for limit in limits {
        let file = place.path().join("replay.json");
        let options = format!("{limit} --replace");
        // Nothing could be replayed.
        replay("handwritten", run.path(), &file, &options, &[], 2);
        let report = ReplayReport::read(&file).unwrap();
        assert!(report.results().len() >= 2);
        for result in report.results() {
            let SegmentOutcome::NotChecked { why } = &result.outcome else {
                panic!("{result:?}");
            };
            let words = ["took no step for ", "ran for ", "ended without a result"];
            assert!(words.iter().any(|words| why.contains(words)), "{why}");
        }
    }
}

fn a_launcher_starts_each_segment_and_what_it_leaves_may_be_no_result() {
    let place = TempDir::new().unwrap();
    let run = recorded(&place, "handwritten", "--epochs 1");
    let script = place.path().join("launcher");
    let file = place.path().join("replay.json");
    let launched = |commands: &str, code| {
        std::fs::write(&script, commands).unwrap();
        let mut command = command("handwritten");
        command.arg("replay").arg(run.path());
        command.args(["--all", "--replace", "--launcher"]);
        command.arg(format!("sh {}", script.display()));
        command.arg("--report").arg(&file);
        start(command).ended(code);
        ReplayReport::read(&file).unwrap()
    };
    // The program and its arguments follow.
    launched("exec \"$@\"", 0);
    bit_exact(&file);
    let report = launched("echo nonsense >\"$BURN_POW_SEGMENT/result\"", 2);
    assert!(report.results().len() >= 2);
    for result in report.results() {
        let SegmentOutcome::NotChecked { why } = &result.outcome else {
            panic!("{result:?}");
        };
        assert!(why.contains("left no valid result: "), "{why}");
    }
}

fn a_bad_checkpoint_is_exit_code_1_and_no_run_is_2() {
    let place = TempDir::new().unwrap();
    let run = recorded(&place, "handwritten", "--epochs 1");
    let file = place.path().join("replay.json");
    for checkpoint in std::fs::read_dir(run.checkpoints()).unwrap() {
        let optimizer = checkpoint.unwrap().path().join("optimizer.safetensors");
        let mut bytes = std::fs::read(&optimizer).unwrap();
        // The file of step 0 has no tensor, so its last byte cannot be changed.
        if bytes.len() > 1000 {
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(&optimizer, bytes).unwrap();
        }
    }
    let printed = replay("handwritten", run.path(), &file, "", &[], 1);
    says(&printed.stderr, ["with state root"]);
    let report = ReplayReport::read(&file).unwrap();
    let results = report.results().iter();
    let failed = results.filter(|result| report.judge(result) == Judgement::Fails);
    assert_eq!(failed.count(), 2);
    let nothing = place.path().join("nothing");
    let stderr = replay("handwritten", &nothing, &file, "", &[], 2).stderr;
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    // Another program does not accept these settings.
    let printed = replay("transformer", run.path(), &file, "--replace", &[], 2);
    says(&printed.stderr, ["not those of this program"]);
}
