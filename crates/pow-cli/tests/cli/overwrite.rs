//! No command overwrites a file: every output option names one that does not exist yet.

use crate::program::pow;
use pow_audit::replay::Shard;
use pow_core::challenge::ChallengeSource;
use pow_tests::long_run::{LongRun, goal};
use std::path::Path;
use tempfile::TempDir;

/// The options of all commands that write a file, and an example of each.
const OUTPUTS: [(&str, &[&str]); 9] = [
    (
        "--value",
        &[
            "prove",
            "RUN",
            "--step",
            "3",
            "--tensor",
            "linear.weight",
            "--value",
            "OUT",
        ],
    ),
    (
        "--out",
        &["export", "RUN", "--format", "blk", "--out", "OUT"],
    ),
    (
        "--out",
        &[
            "export", "RUN", "--format", "ots", "--step", "3", "--out", "OUT",
        ],
    ),
    ("--out", &["stamp", "RUN", "--out", "OUT"]),
    ("--out", &["receipt", "RUN", "--out", "OUT"]),
    (
        "--out",
        &[
            "declare",
            "--metric",
            "loss",
            "--stopping",
            "soon",
            "--out",
            "OUT",
        ],
    ),
    (
        "--out",
        &[
            "commit-report",
            "REPORT",
            "--key",
            "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
            "--out",
            "OUT",
        ],
    ),
    ("--out", &["manifest", "RUN", "--out", "OUT"]),
    ("<OUT>", &["merge", "OUT", "REPORT"]),
];

#[test]
fn what_is_there_stays() {
    let long = LongRun::record(12);
    let place = TempDir::new().unwrap();
    let report = place.path().join("report.json");
    let challenge = long.challenge(ChallengeSource::Head, goal());
    long.exact(&challenge, Shard::WHOLE).write(&report).unwrap();
    let chain = long.run.chain();
    let (fresh, link) = (place.path().join("fresh"), place.path().join("link"));
    let before = std::fs::read(&chain).unwrap();
    for (option, words) in OUTPUTS {
        let run = |out: &Path| {
            let words = words.iter().map(|word| match *word {
                "RUN" => long.run.path().to_str().unwrap(),
                "REPORT" => report.to_str().unwrap(),
                "OUT" => out.to_str().unwrap(),
                word => word,
            });
            pow(&words.collect::<Vec<_>>())
        };
        // The chain of the run itself, an empty file, and a link to nothing.
        let empty = place.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        let _ = std::fs::remove_file(&link);
        #[cfg(unix)]
        std::os::unix::fs::symlink("nothing", &link).unwrap();
        #[cfg(not(unix))]
        std::fs::write(&link, "").unwrap();
        for out in [&chain, &empty, &link] {
            let outcome = run(out);
            let words = "exists already and is not overwritten";
            outcome.expect(2, &[out.to_str().unwrap(), words]);
            assert_eq!(outcome.stdout, "", "{option}");
        }
        assert_eq!(std::fs::read(&chain).unwrap(), before, "{option}");
        assert_eq!(std::fs::read(&empty).unwrap(), b"", "{option}");
        assert!(!place.path().join("nothing").exists(), "{option}");
        run(&fresh).expect(0, &[]);
        assert!(std::fs::metadata(&fresh).unwrap().len() > 0, "{option}");
        std::fs::remove_file(&fresh).unwrap();
        let _ = std::fs::remove_file(place.path().join("fresh.salt"));
    }
}

/// A new option that writes a file must be tested here.
#[test]
fn no_output_is_forgotten() {
    let help = pow(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.contains(&"verify"), "{commands:?}");
    for command in commands {
        let help = pow(&[command, "--help"]).stdout;
        for line in help.lines().map(str::trim_start) {
            let option = line.split_whitespace().next().unwrap_or_default();
            if !(option.starts_with("--") || option.starts_with('<')) || !line.contains('<') {
                continue;
            }
            let written = OUTPUTS.iter().any(|(known, _)| *known == option);
            let reads = [
                "<RUN>",
                "<RUN>...",
                "<PROOF>",
                "<RECEIPT>",
                "--model",
                "<HEADER>",
                "<SHARD>...",
                "<MODEL>",
                "<A>",
                "<B>",
                "--in",
                "--replay-report",
                "--parent",
                "--base",
                "<FILE>",
                "--bitcoin-headers",
                "--bitcoin-limit",
                "--trust-tsa",
                "--genesis",
                "--head",
                "--older",
                "--signed-by",
                "--revoked",
                "--trust-signer",
                "--report-signature",
                "--report-salt",
                "--commitment",
                "<REPORT>",
                "--declaration",
                "--declaration-signature",
                "--declared-by",
                "--metric",
                "--stopping",
                "--runs",
                "--steps",
                "--data",
                "--config",
                "--executable",
                "--lockfile",
                "--revision",
                "--quorum",
                "--report",
                "<SIGNED>",
                "--ignore",
                "--run",
                "--key",
                "<STATEMENT>",
                "<SIGNATURE>",
                "--require",
                "--format",
                "--step",
                "--checkpoint",
                "--tensor",
                "--chunk",
                "--block",
                "--extends",
                "--seed",
                "--beacon",
                "--count",
                "--fraction",
                "--security",
                "--segment",
                "--largest-moves",
                "--parameters",
                "--rounds",
                "--seconds",
                "--engine",
                "--start",
                "--end",
            ];
            assert!(
                written || reads.contains(&option),
                "pow {command}: does {option} write a file?"
            );
        }
    }
}
