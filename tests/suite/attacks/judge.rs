//! Verifying the run of an attack.

use pow_audit::source::SharedRun;
use pow_audit::{AuditOptions, Verdict, audit};
use pow_core::chain::{ChainError, ChainVerifier};
use pow_ledger::{ChainReader, RunDir};
use pow_tests::attack_file::Attack;
use tempfile::TempDir;

/// Checks that the library gives the verdict that the file carries. (The tests
/// of pow-cli ask the program the same.)
pub fn judge(text: &str) {
    let attack = Attack::parse(text);
    assert_eq!(attack.to_text(), text, "the file's form");
    let dir = TempDir::new().unwrap();
    attack.write(dir.path());
    let run = RunDir::new(dir.path());

    let pin = attack.pin.as_ref().map(|pin| pin.parse().unwrap());
    let broken = broken_rule(&run, ChainVerifier::new(pin));
    let found = broken.map(|error| (error.height, error.violation.rule()));
    assert_eq!(found, attack.breaks);

    let options = AuditOptions {
        genesis: pin,
        parents: attack
            .parents
            .iter()
            .map(|parent| SharedRun::new(RunDir::new(dir.path().join(parent))))
            .collect(),
        require: attack
            .require()
            .split(',')
            .map(|level| level.parse().unwrap())
            .collect(),
        ..AuditOptions::default()
    };
    let report = audit(&run, &options, &mut |_| {}).unwrap();
    assert_eq!(report.headline, attack.headline, "{report}");
    assert_eq!(report.holds(), attack.passes(), "{report}");
    let failing: Vec<&str> = report
        .levels
        .iter()
        .filter(|level| level.verdict == Verdict::Fails)
        .map(|level| level.level.name())
        .collect();
    assert_eq!(failing, attack.fails, "{report}");
    let text = report.to_string();
    for words in &attack.says {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
}

/// The first block that the consensus rules refuse, if the file can be read up
/// to it.
fn broken_rule(run: &RunDir, mut verifier: ChainVerifier) -> Option<ChainError> {
    let reader = ChainReader::open(&run.chain()).ok()?;
    for record in reader {
        let record = record.ok()?;
        if let Err(error) = verifier.push(&record.block, &record.body) {
            return Some(error);
        }
    }
    None
}
