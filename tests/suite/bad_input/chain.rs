//! Chain files that others put together, with fitting checksums. Only the rules
//! of the chain refuse them.

use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_ledger::RunDir;
use pow_tests::audits::{assert_chain_fails, expect, report, unfinished_report, verdict};
use pow_tests::chain_file::{ChainFile, Record};
use pow_tests::fixture::{Fixture, Plan};
use std::fs::File;

tests! {
    the_fixture_holds, truncated_at_every_byte, foreign_files, last_block_removed,
    blocks_reordered_or_repeated, another_run_s_blocks_pasted_in, an_edited_body,
    another_genesis_than_the_pinned, the_first_of_two_wrong_batches
}

pub(super) fn fixture() -> (Fixture, ChainFile) {
    let fixture = Fixture::default();
    let file = fixture.file();
    (fixture, file)
}

fn the_fixture_holds() {
    let (fixture, file) = fixture();
    let report = report(&fixture.run);
    assert!(report.holds(), "{report}");
    for level in [Level::Chain, Level::Finished, Level::State, Level::Artifact] {
        expect(&report, level, Verdict::Holds, &[]);
    }
    expect(&report, Level::Data, Verdict::Partly, &[]);
    // Six blocks of 256 hashes, and one of 65,537.
    let words = [
        "67073 expected hashes: 2 ms on a CPU core",
        "under 1 ms on a large GPU",
    ];
    expect(&report, Level::Work, Verdict::Holds, &words);
    // Taking the file apart and putting it together changes nothing.
    let bytes = std::fs::read(fixture.run.chain()).unwrap();
    assert_eq!(file.to_bytes(), bytes);
    assert_eq!(file.boundaries().last(), Some(&bytes.len()));
}

fn truncated_at_every_byte() {
    let (fixture, file) = fixture();
    let (bytes, boundaries) = (file.to_bytes(), file.boundaries());
    let chain = File::options()
        .write(true)
        .open(fixture.run.chain())
        .unwrap();
    for cut in (0..bytes.len()).rev() {
        chain.set_len(cut as u64).unwrap();
        let report = unfinished_report(&fixture.run);
        // Whole blocks before the cut.
        let blocks = boundaries.iter().skip(1).filter(|end| **end <= cut).count();
        assert_eq!(report.holds(), blocks > 0, "cut at {cut}: {report}");
        let height = report.chain.as_ref().map(|chain| chain.height as usize + 1);
        assert_eq!(height.unwrap_or(0), blocks, "cut at {cut}");
        let finished = verdict(&report, Level::Finished);
        assert_ne!(finished, Verdict::Holds, "cut at {cut}");
        if blocks > 0 && !boundaries.contains(&cut) {
            let torn = format!("byte {}: the file ends inside a record", boundaries[blocks]);
            assert!(report.to_string().contains(&torn), "cut at {cut}: {report}");
        }
    }
}

fn foreign_files() {
    let (fixture, _) = fixture();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".to_vec();
    let text = b"{\"blocks\": []}\n".repeat(100);
    let padded = b"POWCHAIN\x01\0\0\0\0\0\0\x01".to_vec();
    for foreign in [png, elf, text, vec![0; 4096], padded] {
        fixture.write(foreign);
        assert_chain_fails(&fixture.run, &["byte 0: not a chain file"]);
    }
    for format in [0, 2, u32::MAX] {
        let header = [&b"POWCHAIN"[..], &format.to_le_bytes(), &[0; 4]].concat();
        fixture.write(header);
        let words = format!("byte 8: a chain file of format {format}; this program reads format 1");
        assert_chain_fails(&fixture.run, &[&words]);
    }
    fixture.write(b"");
    assert_chain_fails(&fixture.run, &["byte 0: the file ends within its header"]);
    fixture.write(b"POWCHAIN");
    assert_chain_fails(&fixture.run, &["byte 8: the file ends within its header"]);
    fixture.write(b"POWCHAIN\x01\0\0\0\0\0\0\0");
    // Nothing is wrong with a header alone, but nothing holds either.
    let report = unfinished_report(&fixture.run);
    assert!(!report.holds(), "{report}");
    expect(&report, Level::Chain, Verdict::NotChecked, &[]);
}

fn last_block_removed() {
    let (fixture, mut file) = fixture();
    file.records.pop();
    file.write(&fixture.run.chain());
    let report = report(&fixture.run);
    assert!(!report.holds());
    expect(&report, Level::Chain, Verdict::Holds, &[]);
    let words = "no final block after block 5";
    expect(&report, Level::Finished, Verdict::Fails, &[words]);
    let report = unfinished_report(&fixture.run);
    assert!(report.holds());
    assert_eq!(report.headline, "CONSISTENT, UNANCHORED, UNFINISHED");
    std::fs::write(fixture.run.config(), "[]").unwrap();
    let headline = "THE REQUIRED LEVELS HOLD, OTHERS FAIL, UNFINISHED";
    assert_eq!(unfinished_report(&fixture.run).headline, headline);
}

fn blocks_reordered_or_repeated() {
    let (fixture, file) = fixture();
    let fails = |at: usize, edit: &dyn Fn(&mut Vec<Record>)| {
        let mut bad = file.clone();
        edit(&mut bad.records);
        fixture.write(bad.to_bytes());
        let place = format!("byte {}: block {at}", file.boundaries()[at]);
        assert_chain_fails(&fixture.run, &[&place]);
    };
    for at in 0..6 {
        fails(at, &|records| records.swap(at, at + 1));
        fails(at, &|records| drop(records.remove(at)));
    }
    for at in 0..7 {
        fails(at + 1, &|records| records.insert(at, records[at].clone()));
    }
}

fn another_run_s_blocks_pasted_in() {
    let (fixture, file) = fixture();
    let other = Fixture::other().file();
    for at in 1..7 {
        let mut bad = file.clone();
        bad.records[at] = other.records[at].clone();
        fixture.write(bad.to_bytes());
        let place = format!("byte {}: block {at}: names ", file.boundaries()[at]);
        assert_chain_fails(&fixture.run, &[&place, "as its parent"]);
    }
    // A whole second chain behind the first.
    let end = file.boundaries()[7];
    fixture.write([file.to_bytes(), other.to_bytes()].concat());
    assert_chain_fails(&fixture.run, &[&format!("byte {end}: damaged")]);
    let mut both = file.clone();
    both.records.extend(other.records);
    fixture.write(both.to_bytes());
    assert_chain_fails(&fixture.run, &[&format!("byte {end}: block 7")]);
}

fn an_edited_body() {
    let (fixture, file) = fixture();
    let mut bad = file.clone();
    // The parameter root of the first entry of block 3: common fields, entry
    // count and step number stand before it.
    bad.records[3].body[55 + 4 + 8] ^= 1;
    fixture.write(bad.to_bytes());
    let at = file.boundaries()[3];
    let place = format!("byte {at}: block 3: coinbase commits to");
    assert_chain_fails(&fixture.run, &[&place]);
    // The body and the block of another run's same height, mixed.
    let other = Fixture::other().file();
    bad.records[3] = Record {
        block: file.records[3].block.clone(),
        body: other.records[3].body.clone(),
    };
    fixture.write(bad.to_bytes());
    assert_chain_fails(&fixture.run, &[&place]);
}

fn another_genesis_than_the_pinned() {
    let (fixture, _) = fixture();
    // The same run, mined again under another name, is consistent in itself.
    let other = Fixture::record(&Plan {
        name: "renamed".into(),
        ..Plan::default()
    });
    let pinned = |run: &RunDir, genesis| {
        let options = AuditOptions {
            genesis: Some(genesis),
            ..AuditOptions::default()
        };
        audit(run, &options, &mut |_| {}).unwrap()
    };
    assert!(report(&other.run).holds());
    assert!(pinned(&other.run, other.genesis).holds());
    let report = pinned(&other.run, fixture.genesis);
    assert!(!report.holds());
    let words = format!("byte 16: block 0: genesis is {}", other.genesis);
    assert!(report.to_string().contains(&words), "{report}");
}

fn the_first_of_two_wrong_batches() {
    let plan = Plan {
        planned: None,
        checkpoint_every: 0,
        ..Plan::default()
    };
    let fixture = Fixture::record_with(
        &plan,
        |_| {},
        |recorder| {
            recorder.steps(&[0]);
            recorder.forged_step(1);
            recorder.forged_step(2);
        },
    );
    let report = unfinished_report(&fixture.run);
    expect(&report, Level::Data, Verdict::Fails, &["step 1 (block 2, "]);
}
