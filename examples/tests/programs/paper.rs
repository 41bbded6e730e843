//! The example `paper`: everything is written, and nothing is measured twice.

use crate::program::{command, says, start};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

tests! {
    a_quick_run_writes_everything_and_another_measures_nothing, a_run_that_was_cut_off_resumes
}

/// Runs it quickly. Returns standard error, which has a line for each unit that is
/// measured.
#[track_caller]
fn run(out: &Path, options: &str, code: i32) -> String {
    let mut command = command("paper");
    command.args(["--size", "quick", "--out"]).arg(out);
    command.args(options.split_whitespace());
    // Without this variable, a GPU driver may print a warning.
    command.env("XDG_RUNTIME_DIR", out.parent().unwrap_or(out));
    start(command).ended(code).stderr
}

fn a_quick_run_writes_everything_and_another_measures_nothing() {
    let place = TempDir::new().unwrap();
    let out = place.path().join("results");
    run(&out, "", 0);
    let names: BTreeSet<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let report = fs::read_to_string(out.join("RESULTS.md")).unwrap();
    for (title, experiment) in [
        ("## 1. Convergence", "convergence"),
        ("## 2. Cost of work", "work"),
        ("## 3. Overhead", "overhead"),
        ("## 4. Difficulty adjustment", "difficulty"),
        ("## 5. Tamper evidence", "tamper"),
        ("## 6. Parallel mining", "parallel"),
    ] {
        assert!(report.contains(title), "{report}");
        assert!(names.contains(&format!("{experiment}.csv")), "{names:?}");
        let is_plot = |name: &&String| name.starts_with(experiment) && name.ends_with(".svg");
        let plots: Vec<&String> = names.iter().filter(is_plot).collect();
        assert!(!plots.is_empty(), "{names:?}");
        for plot in plots {
            assert!(report.contains(&format!("({plot})")), "{plot}");
            let svg = fs::read_to_string(out.join(plot)).unwrap();
            assert!(svg.contains("<circle"), "{plot} is empty");
        }
    }
    let plots = || {
        let names = names.iter().filter(|name| name.ends_with(".svg"));
        let plots = names.map(|name| fs::read(out.join(name)).unwrap());
        plots.collect::<Vec<_>>()
    };
    let before = plots();
    assert_eq!(run(&out, "", 0), "");
    assert_eq!(fs::read_to_string(out.join("RESULTS.md")).unwrap(), report);
    assert!(plots() == before);

    // A verdict follows from the rows: another row gives another verdict.
    let rows = out.join("tamper.jsonl");
    let text = fs::read_to_string(&rows).unwrap();
    let (found, missed) = (r#""unpinned":"ARTIFACT""#, r#""unpinned":null"#);
    fs::write(&rows, text.replacen(found, missed, 1)).unwrap();
    assert_eq!(run(&out, "", 0), "");
    let changed = fs::read_to_string(out.join("RESULTS.md")).unwrap();
    says(&changed, ["**Does not hold**: 102 changes"]);
}

fn a_run_that_was_cut_off_resumes() {
    let place = TempDir::new().unwrap();
    let out = place.path();
    let only = "--only tamper";
    let stderr = run(out, only, 0);
    assert_eq!(stderr.matches("tamper ").count(), 22, "{stderr}");

    // Cut in the middle of the last line.
    let rows = out.join("tamper.jsonl");
    let text = fs::read_to_string(&rows).unwrap();
    fs::write(&rows, &text[..text.len() - 20]).unwrap();
    let stderr = run(out, only, 0);
    assert_eq!(stderr.trim(), r#"tamper 22 of 22: "forge_end""#);
    assert_eq!(fs::read_to_string(&rows).unwrap().lines().count(), 23);

    // Rows with other options are not used.
    fs::write(&rows, text.replacen(r#""trials":6"#, r#""trials":7"#, 1)).unwrap();
    let stderr = run(out, only, 1);
    says(&stderr, ["was measured with other options"]);
    let stderr = run(out, "--only tamper --fresh", 0);
    assert_eq!(stderr.matches("tamper ").count(), 22, "{stderr}");
}
