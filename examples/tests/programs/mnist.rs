//! The guide's first program: what its diff says is what changes, and both
//! sides of it train.

use crate::program::program;
use crate::test;
use libtest_mimic::Trial;
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_ledger::RunDir;
use std::path::Path;
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "mnist/the_diff_in_the_guide_is_all_that_changes",
            the_diff_in_the_guide_is_all_that_changes,
        ),
        test(
            "mnist/both_sides_of_the_diff_train_and_one_is_recorded",
            both_sides_of_the_diff_train_and_one_is_recorded,
        ),
    ]
}

/// Promised to whoever adds the recorder to a program.
const MOST_CHANGED: usize = 10;

fn lines_of(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(String::from).collect()
}

/// A diff as `diff -u` writes it: from which file, to which, and its hunks.
struct Diff {
    from: String,
    to: String,
    hunks: Vec<Hunk>,
}

/// The line of the old file that it begins at, from 1 on, and its lines with
/// their marks.
struct Hunk {
    at: usize,
    lines: Vec<String>,
}

impl Diff {
    /// The only one in the guide.
    fn of_the_guide() -> Self {
        let guide = lines_of("docs/guide.md");
        let mut blocks = guide.split(|line| line.starts_with("```"));
        let block = blocks.find(|block| block.first().is_some_and(|line| line.starts_with("--- ")));
        let (head, body) = block.unwrap().split_at(2);
        let mut hunks: Vec<Hunk> = Vec::new();
        for line in body {
            match line.strip_prefix("@@ -") {
                Some(range) => hunks.push(Hunk {
                    at: range.split([',', ' ']).next().unwrap().parse().unwrap(),
                    lines: Vec::new(),
                }),
                None => hunks.last_mut().unwrap().lines.push(line.clone()),
            }
        }
        Diff {
            from: head[0].strip_prefix("--- ").unwrap().into(),
            to: head[1].strip_prefix("+++ ").unwrap().into(),
            hunks,
        }
    }

    /// What it makes of `old`.
    fn apply(&self, old: &[String]) -> Vec<String> {
        let (mut new, mut rest) = (Vec::new(), old.iter());
        for hunk in &self.hunks {
            let taken = old.len() - rest.len();
            new.extend(rest.by_ref().take(hunk.at - 1 - taken).cloned());
            for line in &hunk.lines {
                // An editor may have taken the mark of an empty line away.
                let (mark, line) = line.split_at(line.len().min(1));
                if mark != "+" {
                    assert_eq!(rest.next().map(String::as_str), Some(line));
                }
                if mark != "-" {
                    new.push(line.into());
                }
            }
        }
        new.extend(rest.cloned());
        new
    }

    /// Lines added, removed or changed; one that replaces another counts once.
    fn changed(&self) -> usize {
        let mut changed = 0;
        for hunk in &self.hunks {
            for group in hunk.lines.split(|line| !line.starts_with(['+', '-'])) {
                let added = group.iter().filter(|line| line.starts_with('+')).count();
                changed += added.max(group.len() - added);
            }
        }
        changed
    }
}

fn the_diff_in_the_guide_is_all_that_changes() {
    let diff = Diff::of_the_guide();
    assert_eq!(diff.from, "examples/mnist/plain.rs");
    assert_eq!(diff.to, "examples/mnist/recorded.rs");
    assert_eq!(diff.apply(&lines_of(&diff.from)), lines_of(&diff.to));
    assert!(diff.changed() <= MOST_CHANGED, "{} lines", diff.changed());
}

/// Trains into `out`.
fn train(out: &Path, more: &[&str]) {
    let ended = program("mnist")
        .args(more)
        .arg("--out")
        .arg(out)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{stderr}");
}

fn both_sides_of_the_diff_train_and_one_is_recorded() {
    let place = TempDir::new().unwrap();
    let (plain, recorded) = (place.path().join("plain"), place.path().join("recorded"));
    train(&plain, &["--plain", "--epochs", "1"]);
    assert!(plain.join("model.bpk").exists());
    assert!(!plain.join("run").exists());

    train(&recorded, &["--epochs", "2"]);
    assert!(recorded.join("model.bpk").exists());
    let run = RunDir::new(recorded.join("run"));
    let report = audit(&run, &AuditOptions::default(), &mut |_| {}).unwrap();
    let line = |level| report.levels.iter().find(|line| line.level == level);
    let verdict = |level| line(level).unwrap().verdict;
    for level in [Level::Chain, Level::Finished, Level::State, Level::Artifact] {
        assert_eq!(verdict(level), Verdict::Holds, "{report}");
    }
    // The order; the images themselves are not in the run.
    assert_eq!(verdict(Level::Data), Verdict::Partly, "{report}");
    assert_eq!(report.chain.as_ref().unwrap().step, Some(10), "{report}");
}
