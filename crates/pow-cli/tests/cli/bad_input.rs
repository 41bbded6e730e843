//! Damaged and foreign runs, through the program: the exit code, the place,
//! and no panic. What exactly is found out is tested in `tests/`.

use crate::program::{inspect, verify};
use pow_tests::chain_file::{ChainFile, record_header};
use pow_tests::fixture::Fixture;

/// Both commands fail with the exit code of a bad chain and name the place,
/// also where unfinished runs are accepted.
#[track_caller]
fn refuses(fixture: &Fixture, bytes: &[u8], place: &str) {
    fixture.write(bytes);
    let run = fixture.run.path();
    verify(run, &[]).expect(1, &["DOES NOT HOLD (chain)", place]);
    verify(run, &["--allow-unfinished", "--json"]).expect(1, &[place]);
    inspect(run, &[]).expect(1, &[place]);
}

#[test]
fn an_unreadable_run_is_exit_code_2() {
    let fixture = Fixture::default();
    let run = fixture.run.path();
    for path in [run.join("nothing"), fixture.run.config()] {
        verify(&path, &[]).expect(2, &["pow: ", "chain.pow"]);
        inspect(&path, &[]).expect(2, &["pow: ", "chain.pow"]);
    }
    // Files of a run, but no chain.
    for path in [fixture.run.config(), fixture.run.artifact()] {
        let words = "not a chain file; give the run directory, or its chain.pow";
        verify(&path, &[]).expect(2, &[words]);
        inspect(&path, &[]).expect(2, &[words]);
        let (outcome, _) = crate::program::export(&path, &["--format", "blk"]);
        outcome.expect(2, &[words]);
    }
    std::fs::remove_file(fixture.run.chain()).unwrap();
    let outcome = verify(run, &[]);
    outcome.expect(2, &["chain.pow"]);
    // One line, on stderr.
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr.lines().count(), 1);
}

#[test]
fn files_that_are_no_chain() {
    let fixture = Fixture::default();
    let file = fixture.file();
    refuses(&fixture, b"", "byte 0: the file ends within its header");
    refuses(&fixture, &file.header[..7], "byte 7: the file ends within");
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";
    refuses(&fixture, png, "byte 0: not a chain file");
    refuses(&fixture, &[0; 1000], "byte 0: not a chain file");
    let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";
    refuses(&fixture, elf, "byte 0: not a chain file");
}

#[test]
fn a_cut_file_is_unfinished() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let (bytes, boundaries) = (file.to_bytes(), file.boundaries());
    let run = fixture.run.path();
    for record in 1..7 {
        let start = boundaries[record];
        let end = boundaries[record + 1];
        for cut in [start, start + 1, start + 16, start + 100, end - 4, end - 1] {
            fixture.write(&bytes[..cut]);
            let last = format!("no final block after block {}", record - 1);
            verify(run, &[]).expect(1, &["DOES NOT HOLD (finished)", &last]);
            verify(run, &["--allow-unfinished"]).expect(0, &["UNFINISHED", &last]);
        }
    }
}

#[test]
fn damage_names_its_byte() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let (bytes, boundaries) = (file.to_bytes(), file.boundaries());
    for (record, start) in boundaries[..7].iter().enumerate() {
        // Magic, lengths, their checksum; block, body, their checksum.
        for at in [0, 5, 9, 13, 16, 120, 300] {
            let mut bad = bytes.clone();
            bad[start + at] ^= 0x10;
            refuses(&fixture, &bad, &format!("byte {start}: "));
        }
        let mut bad = bytes.clone();
        bad[boundaries[record + 1] - 1] ^= 0x10;
        refuses(&fixture, &bad, &format!("byte {start}: record checksum"));
    }
}

#[test]
fn lying_lengths_are_refused_at_once() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let at = file.boundaries()[2];
    for lengths in [[u32::MAX, u32::MAX], [201, 0], [0, (16 << 20) + 1]] {
        let mut bad = file.to_bytes();
        bad[at..at + 16].copy_from_slice(&record_header(lengths));
        refuses(&fixture, &bad, &format!("byte {at}: damaged record header"));
    }
    // The entry count of a steps body, under a fitting checksum.
    let mut bad = file.clone();
    bad.records[2].body[55..59].copy_from_slice(&[0xff; 4]);
    let place = format!("byte {at}: block 2: malformed body: byte 55: entry count");
    refuses(&fixture, &bad.to_bytes(), &place);
}

#[test]
fn forged_chains_name_their_block() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let boundaries = file.boundaries();
    let place = |height: usize| format!("byte {}: block {height}: ", boundaries[height]);

    type Edit = fn(&mut ChainFile);
    let edits: [(usize, Edit); 5] = [
        (2, |file| file.records.swap(2, 3)),
        (3, |file| file.records.insert(3, file.records[2].clone())),
        (4, |file| file.records[4].body[60] ^= 1),
        (5, |file| file.records[5].block[76] ^= 1),
        (7, |file| {
            file.records.extend(Fixture::other().file().records)
        }),
    ];
    for (height, edit) in edits {
        let mut bad = file.clone();
        edit(&mut bad);
        refuses(&fixture, &bad.to_bytes(), &place(height));
    }

    let mut bad = file.clone();
    bad.records.pop();
    fixture.write(bad.to_bytes());
    let run = fixture.run.path();
    let last = "no final block after block 5";
    verify(run, &[]).expect(1, &["DOES NOT HOLD (finished)", last]);
    verify(run, &["--allow-unfinished"]).expect(0, &["UNFINISHED"]);
}

#[test]
fn wrong_files_beside_the_chain() {
    let fixture = Fixture::default();
    let run = fixture.run.path();
    let artifact = std::fs::read(fixture.run.artifact()).unwrap();
    let checkpoints = std::fs::read_dir(fixture.run.checkpoints()).unwrap();
    let checkpoints: Vec<_> = checkpoints.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(checkpoints.len(), 3);

    let png = b"\x89PNG\r\n\x1a\n";
    for content in [&b""[..], png, &[0xff; 64], &artifact[..100]] {
        std::fs::write(fixture.run.artifact(), content).unwrap();
        let words = ["DOES NOT HOLD (artifact)", "model.safetensors"];
        verify(run, &[]).expect(1, &words);
        verify(run, &["--allow-unfinished"]).expect(1, &words);
    }
    std::fs::write(fixture.run.artifact(), &artifact).unwrap();
    verify(run, &["--require", "state"]).expect(0, &[]);

    // One checkpoint's files in the place of another's.
    for name in ["model.safetensors", "optimizer.safetensors", "state.json"] {
        let file = checkpoints[0].join(name);
        let own = std::fs::read(&file).unwrap();
        std::fs::copy(checkpoints[1].join(name), &file).unwrap();
        verify(run, &["--require", "state"]).expect(1, &["DOES NOT HOLD (state)", "holds step"]);
        std::fs::write(&file, own).unwrap();
    }
    std::fs::remove_dir_all(&checkpoints[2]).unwrap();
    verify(run, &["--require", "state"]).expect(1, &["is missing"]);
    verify(run, &[]).expect(0, &["OTHERS FAIL"]);
}
