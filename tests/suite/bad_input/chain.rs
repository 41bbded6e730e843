//! Chain files that others put together, with fitting checksums: only the
//! chain's own rules stand against them.

use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_ledger::RunDir;
use pow_tests::audits::{assert_chain_fails, report, unfinished_report, verdict};
use pow_tests::chain_file::{ChainFile, Record};
use pow_tests::fixture::{Fixture, Plan};
use std::fs::File;

tests! {
    the_fixture_holds, truncated_at_every_byte, foreign_files, last_block_removed,
    blocks_reordered_or_repeated, another_run_s_blocks_pasted_in, an_edited_body,
    another_genesis_than_the_pinned
}

pub(super) fn fixture() -> (Fixture, ChainFile) {
    let fixture = Fixture::record(&Plan::default());
    let file = ChainFile::read(&fixture.run.chain());
    (fixture, file)
}

pub(super) fn write(run: &RunDir, bytes: impl AsRef<[u8]>) {
    std::fs::write(run.chain(), bytes).unwrap();
}

fn the_fixture_holds() {
    let (fixture, file) = fixture();
    let report = report(&fixture.run);
    assert!(report.holds(), "{report}");
    let holding = [Level::Chain, Level::Finished, Level::State, Level::Artifact];
    for level in holding {
        assert_eq!(verdict(&report, level), Verdict::Holds, "{report}");
    }
    assert_eq!(verdict(&report, Level::Data), Verdict::Partly, "{report}");
    // Our own taking apart and putting together changes nothing.
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
        assert_ne!(
            verdict(&report, Level::Finished),
            Verdict::Holds,
            "cut at {cut}"
        );
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
        write(&fixture.run, foreign);
        assert_chain_fails(&fixture.run, &["byte 0: not a chain file"]);
    }
    for format in [0, 2, u32::MAX] {
        let header = [&b"POWCHAIN"[..], &format.to_le_bytes(), &[0; 4]].concat();
        write(&fixture.run, header);
        let words = format!("byte 8: a chain file of format {format}; this program reads format 1");
        assert_chain_fails(&fixture.run, &[&words]);
    }
    write(&fixture.run, b"");
    assert_chain_fails(&fixture.run, &["byte 0: the file ends within its header"]);
    write(&fixture.run, b"POWCHAIN");
    assert_chain_fails(&fixture.run, &["byte 8: the file ends within its header"]);
    write(&fixture.run, b"POWCHAIN\x01\0\0\0\0\0\0\0");
    // Nothing is wrong with that, but nothing holds either.
    let report = unfinished_report(&fixture.run);
    assert!(!report.holds(), "{report}");
    assert_eq!(verdict(&report, Level::Chain), Verdict::NotChecked);
}

fn last_block_removed() {
    let (fixture, mut file) = fixture();
    file.records.pop();
    file.write(&fixture.run.chain());
    let report = report(&fixture.run);
    assert!(!report.holds());
    assert_eq!(verdict(&report, Level::Chain), Verdict::Holds);
    assert_eq!(verdict(&report, Level::Finished), Verdict::Fails);
    assert!(
        report.to_string().contains("no final block after block 5"),
        "{report}"
    );
    let report = unfinished_report(&fixture.run);
    assert!(report.holds());
    assert!(
        report.headline.contains("UNFINISHED"),
        "{}",
        report.headline
    );
}

fn blocks_reordered_or_repeated() {
    let (fixture, file) = fixture();
    let boundaries = file.boundaries();
    for (at, start) in boundaries[..6].iter().enumerate() {
        let mut bad = file.clone();
        bad.records.swap(at, at + 1);
        write(&fixture.run, bad.to_bytes());
        let place = format!("byte {start}: block {at}");
        assert_chain_fails(&fixture.run, &[&place]);

        let mut bad = file.clone();
        bad.records.remove(at);
        write(&fixture.run, bad.to_bytes());
        assert_chain_fails(&fixture.run, &[&place]);
    }
    for at in 0..7 {
        let mut bad = file.clone();
        bad.records.insert(at, file.records[at].clone());
        write(&fixture.run, bad.to_bytes());
        let place = format!("byte {}: block {}", boundaries[at + 1], at + 1);
        assert_chain_fails(&fixture.run, &[&place]);
    }
}

fn another_run_s_blocks_pasted_in() {
    let (fixture, file) = fixture();
    let other = Fixture::record(&Plan {
        seed: 8,
        ..Plan::default()
    });
    let other = ChainFile::read(&other.run.chain());
    for at in 1..7 {
        let mut bad = file.clone();
        bad.records[at] = other.records[at].clone();
        write(&fixture.run, bad.to_bytes());
        let place = format!("byte {}: block {at}: names ", file.boundaries()[at]);
        assert_chain_fails(&fixture.run, &[&place, "as its parent"]);
    }
    // A whole second chain behind the first.
    let place = format!("byte {}: block 7", file.boundaries()[7]);
    write(&fixture.run, [file.to_bytes(), other.to_bytes()].concat());
    assert_chain_fails(
        &fixture.run,
        &[&format!("byte {}: damaged", file.boundaries()[7])],
    );
    let mut both = file.clone();
    both.records.extend(other.records);
    write(&fixture.run, both.to_bytes());
    assert_chain_fails(&fixture.run, &[&place]);
}

fn an_edited_body() {
    let (fixture, file) = fixture();
    let mut bad = file.clone();
    // The parameter root of the first entry of block 3: common fields, entry
    // count and step number stand before it.
    bad.records[3].body[55 + 4 + 8] ^= 1;
    write(&fixture.run, bad.to_bytes());
    let place = format!(
        "byte {}: block 3: coinbase commits to",
        file.boundaries()[3]
    );
    assert_chain_fails(&fixture.run, &[&place]);
    // The body and the block of another run's same height, mixed.
    let other = Fixture::record(&Plan {
        seed: 8,
        ..Plan::default()
    });
    let other = ChainFile::read(&other.run.chain());
    bad.records[3] = Record {
        block: file.records[3].block.clone(),
        body: other.records[3].body.clone(),
    };
    write(&fixture.run, bad.to_bytes());
    assert_chain_fails(&fixture.run, &[&place]);
}

fn another_genesis_than_the_pinned() {
    let (fixture, _) = fixture();
    // The same run, mined anew under another name: consistent in itself.
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
