//! What readers of version 1 accept and refuse where `docs/format.md` leaves
//! the ordinary path: one table of cases for each point of the page.

use crate::rules::forge::{self, Edit, Forge};
use pow_audit::{AuditOptions, AuditReport, Level, Verdict, audit_file};
use pow_core::block::Template;
use pow_core::body::{Body, BodyKind, Common, Genesis, Mode, UnixMillis};
use pow_core::chain::ChainVerifier;
use pow_core::coinbase::Height;
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::hash::BlockHash;
use pow_core::header::HeaderTime;
use pow_core::proof::{BlockOpening, Proof};
use pow_core::target::{CompactTarget, MAX_TARGET};
use pow_ledger::{ChainReader, Durability, RunDir};
use pow_tests::audits::{lines, report, unfinished_report, verdict};
use pow_tests::chain_file::{ChainFile, Record, record_header};
use pow_tests::fixture::{Plan, Recorder, mine};
use tempfile::TempDir;

tests! {
    zeros_that_make_a_record_torn, a_file_without_a_block, another_file_header,
    two_entries_of_one_state_root, no_dataset_root, form_or_rule_12,
    the_block_that_breaks_rule_16, work_of_a_chain
}

/// A file header, and a first record of 16 + 400 + 4 bytes that begins at byte
/// 16. The only multiple of 512 in a file of two such records is in the second
/// one.
fn two_records() -> Vec<u8> {
    let record = Record {
        block: vec![1; 100],
        body: vec![2; 300],
    };
    let header = b"POWCHAIN\x01\0\0\0\0\0\0\0".to_vec();
    let records = vec![record.clone(), record];
    ChainFile { header, records }.to_bytes()
}

/// Where the torn record begins, if it is one, or else `None` for damage.
fn torn(file: &[u8]) -> Option<u64> {
    let mut reader = ChainReader::new(file).unwrap();
    let is_damaged = reader.by_ref().any(|record| record.is_err());
    (!is_damaged).then(|| reader.torn().unwrap().offset)
}

/// The second record begins at byte 436 and ends at byte 856.
fn zeros_that_make_a_record_torn() {
    let whole = two_records();
    assert_eq!(whole.len(), 856);
    let zeros_from = |at: usize| {
        let mut file = whole.clone();
        file[at..].fill(0);
        file
    };
    // Counted from the start of the file, 512 is a multiple; counted from the record, 512 + 436
    // would be.
    assert_eq!(torn(&zeros_from(436)), Some(436), "from its first byte");
    assert_eq!(torn(&zeros_from(512)), Some(436), "from byte 512");
    assert_eq!(torn(&zeros_from(513)), None, "from no multiple of 512");
    // A multiple of 512 after the record's own end does not count.
    let mut bad = whole.clone();
    bad[500] ^= 1;
    bad.resize(4096, 0);
    assert_eq!(torn(&bad), None, "zeros after a whole record");
    // A record with a bad header ends after 16 bytes, whatever it says of its lengths.
    let header_at = |at: usize| {
        let mut file = whole[..16].to_vec();
        let record = Record {
            block: vec![1; 100],
            body: vec![2; at - 16 - 16 - 100 - 4],
        };
        file.extend(record.to_bytes());
        assert_eq!(file.len(), at);
        file.extend(&record_header([100, 300])[..12]);
        file.resize(4096, 0);
        file
    };
    assert_eq!(torn(&header_at(500)), Some(500), "its header has byte 512");
    assert_eq!(torn(&header_at(490)), None, "its header ends before 512");
}

/// A run whose directory has a chain file with these bytes.
fn run_with(bytes: &[u8]) -> (TempDir, RunDir) {
    let dir = TempDir::new().unwrap();
    let run = RunDir::new(dir.path().join("run"));
    run.create(b"{}", Durability::Grouped).unwrap();
    std::fs::write(run.chain(), bytes).unwrap();
    (dir, run)
}

/// The report on a chain file that is given alone.
fn of_the_file(run: &RunDir) -> AuditReport {
    audit_file(&run.chain(), &AuditOptions::default(), &mut |_| {}).unwrap()
}

fn a_file_without_a_block() {
    let whole = two_records();
    for len in [16, 17, 31, 32, 435] {
        let (_dir, run) = run_with(&whole[..len]);
        for report in [report(&run), unfinished_report(&run), of_the_file(&run)] {
            assert!(!report.holds(), "{report}");
            assert_eq!(report.headline, "NO BLOCK YET", "{len}");
            let chain = verdict(&report, Level::Chain);
            assert_eq!(chain, Verdict::NotChecked, "{report}");
        }
    }
}

/// It is damage, in a directory and alone: a verdict, and no error.
fn another_file_header() {
    let mut version_0 = two_records();
    version_0[8] = 0;
    for bytes in [&b""[..], b"POWCHAIN", b"another file", &version_0] {
        let (_dir, run) = run_with(bytes);
        for report in [report(&run), of_the_file(&run)] {
            assert!(!report.holds(), "{report}");
            assert_eq!(verdict(&report, Level::Chain), Verdict::Fails, "{report}");
        }
    }
}

/// Steps 0 and 1 have one state; its directory says step 0.
fn two_entries_of_one_state_root() {
    let dir = TempDir::new().unwrap();
    let plan = Plan {
        planned: None,
        checkpoint_every: 1,
        ..Plan::default()
    };
    let mut recorder = Recorder::begin(&dir.path().join("run"), &plan);
    recorder.steps(&[0]);
    let before = unfinished_report(recorder.run());
    assert_eq!(verdict(&before, Level::State), Verdict::Holds, "{before}");
    recorder.repeat(1);
    let run = recorder.run();
    assert_eq!(std::fs::read_dir(run.checkpoints()).unwrap().count(), 1);
    let report = unfinished_report(run);
    assert_eq!(verdict(&report, Level::Chain), Verdict::Holds, "{report}");
    assert_eq!(verdict(&report, Level::State), Verdict::Fails, "{report}");
    let lines = lines(&report, Level::State);
    assert!(lines.contains("checkpoint of step 1"), "{lines}");
    assert!(!lines.contains("checkpoint of step 0"), "{lines}");
}

/// The fixture's batch digests follow from a root that genesis does not say.
fn no_dataset_root() {
    let dir = TempDir::new().unwrap();
    let edit = |genesis: &mut Genesis| genesis.dataset = None;
    let mut recorder = Recorder::begin_with(&dir.path().join("run"), &Plan::default(), edit);
    recorder.steps(&[0, 1]);
    let report = unfinished_report(recorder.run());
    assert_eq!(verdict(&report, Level::Chain), Verdict::Holds, "{report}");
    let data = verdict(&report, Level::Data);
    assert_eq!(data, Verdict::NotChecked, "{report}");
}

/// A genesis block that is well-formed and mined, whatever rule 12 says.
fn genesis_block(edit: impl Fn(&mut Genesis)) -> (Vec<u8>, Body) {
    let mut genesis = super::samples::geneses().remove(0);
    // Gate mode would want a commit interval of 1.
    genesis.mode = Mode::Pipelined;
    genesis.difficulty = Difficulty::fixed(MAX_TARGET);
    edit(&mut genesis);
    let start = UnixMillis(1_700_000_000_000);
    let body = Body {
        common: Common {
            height: Height::GENESIS,
            start,
            parent_found: start,
            previous_blocks: pow_core::merkle::root([]),
        },
        kind: BodyKind::Genesis(Box::new(genesis)),
    };
    let block = mine(&Template {
        height: Height::GENESIS,
        prev: BlockHash::ZERO,
        time: HeaderTime(1_700_000_000),
        bits: MAX_TARGET,
        commitment: body.commitment(),
    });
    (block.to_bytes(), body)
}

fn form_or_rule_12() {
    let fixed = Difficulty::fixed(MAX_TARGET);
    let asert = |spacing, half_life| Difficulty {
        policy: Policy::Asert(Asert {
            reference: MAX_TARGET,
            spacing: Millis(spacing),
            half_life: Millis(half_life),
        }),
        ..fixed
    };
    // Rule 12 asks for more than the form does; a proof asks for the form alone.
    let broken = [
        asert(0, 1),
        asert(1, 0),
        Difficulty {
            floor: CompactTarget(0),
            ..fixed
        },
        Difficulty {
            final_bits: CompactTarget(u32::MAX),
            ..fixed
        },
    ];
    for difficulty in broken {
        let (block, body) = genesis_block(|genesis| genesis.difficulty = difficulty);
        let error = ChainVerifier::new(None)
            .push(&block, &body.to_bytes())
            .unwrap_err();
        assert_eq!(error.violation.rule(), 12, "{error}");
        assert!(proof(&block, &body).verify_unanchored().is_ok(), "{error}");
    }
    let (block, body) = genesis_block(|genesis| genesis.difficulty = asert(1, 1));
    assert!(
        ChainVerifier::new(None)
            .push(&block, &body.to_bytes())
            .is_ok()
    );
    // An interval of 0 is no form: a proof is refused as well.
    let (block, body) = genesis_block(|genesis| genesis.schedule.commit_every = 0);
    let error = ChainVerifier::new(None)
        .push(&block, &body.to_bytes())
        .unwrap_err();
    assert_eq!(error.violation.rule(), 1, "{error}");
    assert!(proof(&block, &body).verify_unanchored().is_err());
}

/// A proof of nothing but its head.
fn proof(block: &[u8], body: &Body) -> Proof {
    Proof {
        head: BlockOpening::new(block, body),
        block: None,
        entry: None,
    }
}

/// Where a chain breaks that commits every second step: the height and the
/// rule.
fn breaks(blocks: &[&[u64]]) -> Option<(u32, u8)> {
    let mut genesis = forge::genesis();
    genesis.schedule.planned = None;
    genesis.schedule.commit_every = 2;
    genesis.schedule.checkpoint_every = 0;
    let mut kinds = vec![BodyKind::Genesis(Box::new(genesis))];
    kinds.extend(blocks.iter().map(|steps| {
        let entries = steps.iter().map(|step| {
            let mut entry = forge::entry(*step);
            entry.rest = entry.rest.filter(|_| *step == 0);
            entry
        });
        BodyKind::Steps(entries.collect())
    }));
    let mut chain = Forge::new(None);
    kinds.into_iter().find_map(|kind| {
        let error = chain.push(kind, Edit::default()).err()?;
        Some((error.height, error.violation.rule()))
    })
}

/// The entry that follows breaks the rule, not the one off the intervals.
fn the_block_that_breaks_rule_16() {
    assert_eq!(breaks(&[&[0], &[1]]), None);
    assert_eq!(breaks(&[&[0], &[2, 3]]), None);
    assert_eq!(breaks(&[&[0], &[1], &[2]]), Some((3, 16)));
    assert_eq!(breaks(&[&[0], &[2, 3], &[5]]), Some((3, 16)));
    assert_eq!(breaks(&[&[0], &[1, 2]]), Some((2, 16)), "both in one block");
}

/// Two blocks of the hardest target reach 2^256.
fn work_of_a_chain() {
    let hardest = CompactTarget(0x0101_0000).decode().unwrap();
    assert_eq!(hardest.to_le_bytes()[0], 1);
    let half = hardest.work();
    let two_to_the_255 =
        "57896044618658097711785492504343953926634992332820282019728792003956564819968";
    assert_eq!(half.to_string(), two_to_the_255);
    let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    assert_eq!(half.plus(half).to_string(), most);
    assert_eq!(half.plus(half).plus(half).to_string(), most);
    // One less is not rounded.
    let less = CompactTarget(0x0102_0000).decode().unwrap().work();
    assert!(half.plus(less) < half.plus(half));
}
