//! The example `paper`: everything is written, and nothing is measured twice.

use crate::program::{ended, program, started};
use crate::test;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "paper/a_quick_run_writes_everything_and_another_measures_nothing",
            a_quick_run_writes_everything_and_another_measures_nothing,
        ),
        test(
            "paper/a_run_that_was_cut_off_goes_on",
            a_run_that_was_cut_off_goes_on,
        ),
    ]
}

/// Runs it quickly; its exit code, and what it says on standard error, which is
/// a line for each unit that it measures.
fn run(out: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = program("paper");
    command.args(["--size", "quick", "--out"]).arg(out);
    command.args(more);
    // A driver that is asked for its GPUs may miss it, and say so.
    command.env("XDG_RUNTIME_DIR", out.parent().unwrap_or(out));
    let (code, _, stderr) = ended(started(command));
    (code, stderr)
}

fn a_quick_run_writes_everything_and_another_measures_nothing() {
    let place = TempDir::new().unwrap();
    let out = place.path().join("results");
    let (code, stderr) = run(&out, &[]);
    assert_eq!(code, Some(0), "{stderr}");
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
    let plots = names.iter().filter(|name| name.ends_with(".svg"));
    let plots: Vec<_> = plots
        .map(|name| fs::read(out.join(name)).unwrap())
        .collect();

    let (code, stderr) = run(&out, &[]);
    assert_eq!((code, &stderr[..]), (Some(0), ""));
    assert_eq!(fs::read_to_string(out.join("RESULTS.md")).unwrap(), report);
    let again = names.iter().filter(|name| name.ends_with(".svg"));
    let again: Vec<_> = again
        .map(|name| fs::read(out.join(name)).unwrap())
        .collect();
    assert!(plots == again);

    // Every verdict is made of the rows: with another one it is another.
    let rows = out.join("tamper.jsonl");
    let text = fs::read_to_string(&rows).unwrap();
    let (found, missed) = (r#""unpinned":"ARTIFACT""#, r#""unpinned":null"#);
    fs::write(&rows, text.replacen(found, missed, 1)).unwrap();
    let (code, stderr) = run(&out, &[]);
    assert_eq!((code, &stderr[..]), (Some(0), ""));
    let changed = fs::read_to_string(out.join("RESULTS.md")).unwrap();
    assert!(changed.contains("**Does not hold**: of "), "{changed}");
}

fn a_run_that_was_cut_off_goes_on() {
    let place = TempDir::new().unwrap();
    let out = place.path();
    let only = ["--only", "tamper"];
    let (code, stderr) = run(out, &only);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stderr.matches("tamper ").count(), 22, "{stderr}");

    // In the middle of its last line.
    let rows = out.join("tamper.jsonl");
    let text = fs::read_to_string(&rows).unwrap();
    fs::write(&rows, &text[..text.len() - 20]).unwrap();
    let (code, stderr) = run(out, &only);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stderr.trim(), r#"tamper 22 of 22: "forge_end""#);
    assert_eq!(fs::read_to_string(&rows).unwrap().lines().count(), 23);

    // Rows of other options are none of these.
    fs::write(&rows, text.replacen(r#""trials":6"#, r#""trials":7"#, 1)).unwrap();
    let (code, stderr) = run(out, &only);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("was measured with other options"),
        "{stderr}"
    );
    let (code, stderr) = run(out, &["--only", "tamper", "--fresh"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stderr.matches("tamper ").count(), 22, "{stderr}");
}
