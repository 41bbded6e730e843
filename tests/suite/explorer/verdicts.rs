//! The page's verdicts are those of `pow verify --json`, word for word.

use super::browser::{Shown, browse, folder, give};
use base64ct::{Base64, Encoding};
use pow_audit::display::{printable, printable_json};
use pow_audit::proof::{CheckOptions, check_proof};
use pow_audit::receipt::{ReceiptOptions, check_receipt, make_receipt};
use pow_audit::replay::ReplayReport;
use pow_audit::source::{ChainFile, SharedRun};
use pow_audit::{AuditOptions, AuditReport, audit};
use pow_ledger::RunDir;
use pow_tests::attack_file::{Attack, committed};
use pow_tests::fixture::Fixture;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

tests! {
    Browser: recorded_runs, the_attack_corpus, a_replay_report, receipts_and_proofs,
        a_flipped_byte_names_the_block, what_is_dropped, what_is_no_run
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// What `pow` prints with `--json`, if it is called in this directory.
fn printed(report: &impl Serialize, directory: &Path) -> String {
    let json = serde_json::to_string_pretty(report).unwrap();
    printable_json(&json).replace(&format!("{}/", directory.display()), "")
}

/// The page shows this report: the same JSON, and the same words for people.
fn expect(shown: &Shown, report: &AuditReport, directory: &Path) {
    let text = printed(report, directory);
    assert_eq!(shown.raw, text, "{}", shown.status);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown.headline, value["headline"].as_str().unwrap());
    let words = |lines: &Value| -> Vec<String> {
        let lines = lines.as_array().unwrap().iter();
        lines
            .map(|line| printable(line.as_str().unwrap()))
            .collect()
    };
    assert_eq!(shown.not_shown, words(&value["not_shown"]));
    let levels = value["levels"].as_array().unwrap();
    assert_eq!(shown.levels.len(), levels.len());
    for ((shown, level), found) in shown.levels.iter().zip(levels).zip(&report.levels) {
        assert_eq!(shown.level, found.level.name());
        assert_eq!(shown.verdict, found.verdict.words());
        assert_eq!(shown.lines, words(&level["lines"]));
    }
}

fn recorded_runs() {
    let mut runs: Vec<PathBuf> = ["plain", "bound"]
        .map(|name| vectors().join("v1").join(name).join("run"))
        .into();
    runs.extend(
        ["digits", "lstm", "transformer"].map(|name| vectors().join("portable").join(name)),
    );
    let mut jobs = Vec::new();
    let mut expected = Vec::new();
    for run in &runs {
        let directory = run.parent().unwrap();
        jobs.push(json!([folder(run)]));
        let report = audit(&RunDir::new(run), &AuditOptions::default(), &mut |_| {}).unwrap();
        expected.push((report, directory));
        jobs.push(json!([give("files", &run.join("chain.pow"))]));
        let mut options = AuditOptions::default();
        options.require = options.usual_levels(true);
        let chain = ChainFile::new(run.join("chain.pow"));
        expected.push((audit(&chain, &options, &mut |_| {}).unwrap(), run));
    }
    for (shown, (report, directory)) in browse(&jobs).iter().zip(&expected) {
        expect(shown, report, directory);
        assert_eq!(shown.state, "ready");
        assert_eq!(shown.hidden, [""; 0]);
    }
}

fn the_attack_corpus() {
    let dir = TempDir::new().unwrap();
    let mut jobs = Vec::new();
    let mut attacks = Vec::new();
    for (name, text) in committed() {
        let attack = Attack::parse(&text);
        let run = dir.path().join(&name);
        std::fs::create_dir(&run).unwrap();
        attack.write(&run);
        let mut job = vec![json!({"tick": attack.require().split(',').collect::<Vec<_>>()})];
        if let Some(pin) = &attack.pin {
            job.push(json!({"fill": {"input": "genesis", "text": pin}}));
        }
        for parent in &attack.parents {
            job.push(give("parent", &run.join(parent)));
        }
        job.push(folder(&run));
        jobs.push(json!(job));
        attacks.push((attack, run));
    }
    assert!(attacks.len() > 100);
    for (shown, (attack, run)) in browse(&jobs).iter().zip(&attacks) {
        assert_eq!(
            shown.headline,
            attack.headline,
            "{}: {}",
            run.display(),
            shown.status
        );
        let failing = shown.levels.iter().filter(|level| level.verdict == "FAILS");
        let failing: Vec<&str> = failing.map(|level| level.level.as_str()).collect();
        assert_eq!(failing, attack.fails, "{}", run.display());
        let levels = shown.levels.iter().flat_map(|level| &level.lines);
        let said: Vec<&str> = levels.chain(&shown.not_shown).map(String::as_str).collect();
        let said = format!("{}\n{}", shown.headline, said.join("\n"));
        for words in &attack.says {
            assert!(said.contains(words), "{words:?} is not in: {said}");
        }
        let parents = attack.parents.iter();
        let options = AuditOptions {
            genesis: attack.pin.as_ref().map(|pin| pin.parse().unwrap()),
            parents: parents
                .map(|parent| SharedRun::new(RunDir::new(run.join(parent))))
                .collect(),
            require: attack
                .require()
                .split(',')
                .map(|level| level.parse().unwrap())
                .collect(),
            ..AuditOptions::default()
        };
        // Where a parent stands in messages, the page has no more than its folder's name.
        if attack.parents.is_empty() {
            let report = audit(&RunDir::new(run), &options, &mut |_| {}).unwrap();
            expect(shown, &report, dir.path());
        }
    }
}

fn a_replay_report() {
    let vector = vectors().join("v1/plain");
    let (run, file) = (vector.join("run"), vector.join("replay-all.json"));
    let report = ReplayReport::read(&file).unwrap();
    let mut options = AuditOptions {
        read_reports: vec![("replay-all.json".into(), report)],
        ..AuditOptions::default()
    };
    options.require = options.usual_levels(false);
    let expected = audit(&RunDir::new(&run), &options, &mut |_| {}).unwrap();
    let shown = browse(&[
        json!([folder(&run), give("files", &file)]),
        json!([give("files", &file), folder(&run)]),
        json!([give("reports", &file), folder(&run)]),
        json!([give("files", &file)]),
    ]);
    for shown in &shown[..3] {
        expect(shown, &expected, &vector);
        assert!(
            shown.cells.iter().any(|cell| cell.contains('✓')),
            "{:?}",
            shown.cells
        );
    }
    let alone = &shown[3];
    assert_eq!(alone.headline, "A REPLAY REPORT, NOT COMPARED WITH A RUN");
    assert_eq!(alone.levels[0].verdict, "not checked");
}

fn receipts_and_proofs() {
    let vector = vectors().join("v1/plain");
    let dir = TempDir::new().unwrap();
    let made = make_receipt(&RunDir::new(vector.join("run")), &mut |_| {}).unwrap();
    let bytes = made.receipt.to_bytes();
    let receipt = dir.path().join("r.receipt");
    std::fs::write(&receipt, &bytes).unwrap();
    let damaged = dir.path().join("damaged.receipt");
    let mut bad = bytes.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&damaged, &bad).unwrap();
    let proof = vector.join("step.proof.json");
    let shown = browse(&[
        json!([give("files", &receipt)]),
        json!([give("files", &damaged)]),
        json!([give("files", &proof)]),
    ]);
    let options = ReceiptOptions::default();
    let good = check_receipt(&bytes, &options);
    assert!(good.holds());
    assert_eq!(shown[0].raw, printed(&good, dir.path()));
    let refused = check_receipt(&bad, &options);
    assert!(!refused.holds());
    assert_eq!(shown[1].raw, printed(&refused, dir.path()));
    assert_eq!(shown[1].headline, refused.headline);
    let proof = std::fs::read(&proof).unwrap();
    let checked = check_proof(&proof, &CheckOptions::default());
    assert_eq!(shown[2].raw, printed(&checked, dir.path()));
    assert_eq!(shown[2].headline, checked.headline());
}

fn a_flipped_byte_names_the_block() {
    let dir = TempDir::new().unwrap();
    let file = Fixture::default().file();
    let ends = file.boundaries();
    let mut jobs = Vec::new();
    let mut expected = Vec::new();
    for (record, start) in ends.iter().enumerate().take(ends.len() - 1) {
        let mut bytes = file.to_bytes();
        bytes[start + 40] ^= 1;
        let path = dir.path().join(format!("{record}.pow"));
        std::fs::write(&path, bytes).unwrap();
        jobs.push(json!([give("files", &path)]));
        expected.push((record, format!("byte {start}")));
    }
    assert!(expected.len() > 3);
    for (shown, (record, byte)) in browse(&jobs).iter().zip(&expected) {
        assert_eq!(shown.headline, "DOES NOT HOLD (chain)");
        let chain = &shown.levels[0];
        assert!(
            chain.lines.iter().any(|line| line.contains(byte)),
            "{record}: {chain:?}"
        );
        // The blocks before it can be looked at, and no others.
        assert_eq!(shown.cells.len(), *record, "{:?}", shown.cells);
    }
}

/// Files that a script drops; folders cannot be dropped by one.
fn what_is_dropped() {
    let run = Fixture::default();
    let chain = run.run.chain();
    let base64 = Base64::encode_string(&run.file().to_bytes());
    let shown = browse(&[
        json!([{"drop": {"name": "chain.pow", "base64": base64}}]),
        json!([{"drop": {"name": "x.txt", "base64": "AAAA"}}]),
    ]);
    let mut options = AuditOptions::default();
    options.require = options.usual_levels(true);
    let report = audit(&ChainFile::new(&chain), &options, &mut |_| {}).unwrap();
    expect(&shown[0], &report, chain.parent().unwrap());
    let words = "Could not check: x.txt is no chain file, receipt, proof or replay report";
    assert_eq!(shown[1].status, words);
}

fn what_is_no_run() {
    let dir = TempDir::new().unwrap();
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    std::fs::write(empty.join("notes.txt"), "none").unwrap();
    let json_file = dir.path().join("deep.json");
    std::fs::write(&json_file, "[".repeat(1 << 20)).unwrap();
    let shown = browse(&[
        json!([folder(&empty)]),
        json!([give("files", &empty.join("notes.txt"))]),
        json!([give("files", &json_file)]),
        json!([
            {"fill": {"input": "head", "text": "zz"}},
            folder(&vectors().join("v1/plain/run"))
        ]),
    ]);
    for (shown, words) in shown.iter().zip([
        "the folder empty has no chain.pow",
        "notes.txt is no chain file, receipt, proof or replay report",
        "deep.json is no chain file, receipt, proof or replay report",
        "head: expected 64 hex digits, found a text of 2 bytes",
    ]) {
        assert_eq!(shown.state, "failed");
        assert_eq!(shown.status, format!("Could not check: {words}"));
        assert_eq!(shown.hidden, ["result", "chain", "block"]);
    }
}
