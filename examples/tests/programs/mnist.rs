//! The guide's first program: the diff shows all changes, and both sides of it
//! train.

use crate::program::{command, start};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_ledger::RunDir;
use std::path::Path;
use tempfile::TempDir;

tests! {
    the_diff_in_the_guide_is_all_that_changes, both_sides_of_the_diff_train_and_one_is_recorded
}

/// The guide promises that recording changes no more lines than this.
const MOST_CHANGED: usize = 10;

fn lines_of(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(String::from).collect()
}

/// A diff as `diff -u` writes it: the old file, the new file, and the hunks with
/// their headers.
struct Diff {
    from: String,
    to: String,
    hunks: Vec<Vec<String>>,
}

impl Diff {
    /// The only diff in the guide.
    fn of_the_guide() -> Self {
        let guide = lines_of("docs/guide.md");
        let mut blocks = guide.split(|line| line.starts_with("```"));
        let block = blocks.find(|block| block.first().is_some_and(|line| line.starts_with("--- ")));
        let (head, body) = block.unwrap().split_at(2);
        let hunks = body.chunk_by(|_, next| !next.starts_with("@@ "));
        Diff {
            from: head[0].strip_prefix("--- ").unwrap().into(),
            to: head[1].strip_prefix("+++ ").unwrap().into(),
            hunks: hunks.map(<[String]>::to_vec).collect(),
        }
    }

    /// Applies the diff to `lines`.
    fn apply(&self, mut lines: Vec<String>) -> Vec<String> {
        for hunk in &self.hunks {
            // All hunks before it are applied, so its place is that in the new file.
            let (_, place) = hunk[0].split_once('+').unwrap();
            let at: usize = place.split([',', ' ']).next().unwrap().parse().unwrap();
            let side = |other: char| {
                let lines = hunk[1..]
                    .iter()
                    .filter(move |line| !line.starts_with(other));
                // An editor may have removed the mark of an empty line.
                lines.map(|line| line.get(1..).unwrap_or_default().to_owned())
            };
            let old: Vec<String> = side('+').collect();
            let replaced = lines.splice(at - 1..at - 1 + old.len(), side('-'));
            assert_eq!(replaced.collect::<Vec<_>>(), old);
        }
        lines
    }

    /// Lines added, removed or changed. A line that replaces another counts once.
    fn changed(&self) -> usize {
        let groups = self.hunks.iter().flat_map(|hunk| {
            let lines = hunk[1..].split(|line| !line.starts_with(['+', '-']));
            lines.map(|group| {
                let added = group.iter().filter(|line| line.starts_with('+')).count();
                added.max(group.len() - added)
            })
        });
        groups.sum()
    }
}

fn the_diff_in_the_guide_is_all_that_changes() {
    let diff = Diff::of_the_guide();
    assert_eq!(diff.from, "examples/mnist/plain.rs");
    assert_eq!(diff.to, "examples/mnist/recorded.rs");
    assert_eq!(diff.apply(lines_of(&diff.from)), lines_of(&diff.to));
    assert!(diff.changed() <= MOST_CHANGED, "{} lines", diff.changed());
}

/// Trains into `out`.
fn train(out: &Path, options: &str) {
    let mut command = command("mnist");
    command.args(options.split_whitespace());
    command.arg("--out").arg(out);
    start(command).ended(0);
}

fn both_sides_of_the_diff_train_and_one_is_recorded() {
    let place = TempDir::new().unwrap();
    let (plain, recorded) = (place.path().join("plain"), place.path().join("recorded"));
    train(&plain, "--plain --epochs 1");
    assert!(plain.join("model.bpk").exists());
    assert!(!plain.join("run").exists());

    train(&recorded, "--epochs 2");
    assert!(recorded.join("model.bpk").exists());
    let run = RunDir::new(recorded.join("run"));
    let report = audit(&run, &AuditOptions::default(), &mut |_| {}).unwrap();
    let line = |level| report.levels.iter().find(|line| line.level == level);
    let verdict = |level| line(level).unwrap().verdict;
    for level in [Level::Chain, Level::Finished, Level::State, Level::Artifact] {
        assert_eq!(verdict(level), Verdict::Holds, "{report}");
    }
    // Only the order was checked: the images themselves are not in the run.
    assert_eq!(verdict(Level::Data), Verdict::Partly, "{report}");
    assert_eq!(report.chain.as_ref().unwrap().step, Some(10), "{report}");
}
