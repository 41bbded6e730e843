//! Blocks that are checked several at a time, with any hasher, get the answers
//! of one block after another: the same blocks, the same first error, the same
//! state behind it.

use pow_audit::RunHasher;
use pow_audit::source::ChainFile as ChainSource;
use pow_audit::walk::{StoppedBy, walk_with};
use pow_core::body::{Body, BodyKind};
use pow_core::chain::{ChainError, ChainVerifier, PreparedBlocks, VerifiedBlock, VerifiedChain};
use pow_core::coinbase::Height;
use pow_core::difficulty::Difficulty;
use pow_core::hash::PlainSha2;
use pow_core::header::Version;
use pow_core::target::{CompactTarget, MAX_TARGET};
use pow_cpu::{Kernel, Lanes};
use pow_ledger::{ChainReader, ReadError, TornTail};
use pow_tests::chain_file::{ChainFile, Record};
use pow_tests::seal::{Link, seal};
use pow_tests::stream::Stream;

tests! {
    a_fault_at_every_place_of_a_batch, any_other_byte_at_every_place,
    a_walk_stops_where_a_reader_of_one_block_does
}

/// More than a batch of headers, so that a fault has every place in one.
const COUNT: usize = 70;

fn hashers() -> Vec<(String, Box<dyn RunHasher>)> {
    let mut hashers: Vec<(String, Box<dyn RunHasher>)> =
        vec![("plain".into(), Box::new(PlainSha2))];
    for kernel in Kernel::available() {
        hashers.push((kernel.to_string(), Box::new(Lanes::new(kernel))));
    }
    hashers
}

/// What a verifier says: what it accepts, its error, and what it then knows.
type Answer = (Vec<String>, Option<ChainError>, String);

fn shown(block: &VerifiedBlock, chain: &VerifiedChain) -> String {
    let (head, work) = (chain.head_hash(), chain.work());
    format!("{block:?} {head} {work:?} {:?}", chain.last_entry())
}

fn one_after_another(records: &[Record]) -> Answer {
    let mut verifier = ChainVerifier::new(None);
    let mut accepted = Vec::new();
    for record in records {
        match verifier.push(&record.block, &record.body) {
            Ok(block) => accepted.push(shown(&block, verifier.chain().unwrap())),
            Err(error) => return (accepted, Some(error), format!("{verifier:?}")),
        }
    }
    (accepted, None, format!("{verifier:?}"))
}

/// The records in two batches.
fn in_batches(records: &[Record], cut: usize, hasher: &dyn RunHasher) -> Answer {
    let mut verifier = ChainVerifier::new(None);
    let mut accepted = Vec::new();
    let (first, second) = records.split_at(cut);
    for records in [first, second] {
        let bytes = records
            .iter()
            .map(|record| (&record.block[..], &record.body[..]));
        let blocks = PreparedBlocks::new(&bytes.collect::<Vec<_>>(), hasher);
        let mut each = |block, chain: &_| accepted.push(shown(&block, chain));
        if let Err(error) = verifier.push_all(blocks, hasher, &mut each) {
            return (accepted, Some(error), format!("{verifier:?}"));
        }
    }
    (accepted, None, format!("{verifier:?}"))
}

/// Compares the answers, and returns the error. `place` is where the fault is.
fn compare(records: &[Record], place: usize, what: &str) -> Option<ChainError> {
    let expected = one_after_another(records);
    for (name, hasher) in hashers() {
        for cut in [0, place] {
            let found = in_batches(records, cut, hasher.as_ref());
            assert!(
                found == expected,
                "{what} at {place}, {name}, cut at {cut}: {:?}",
                found.1
            );
        }
    }
    expected.1
}

/// A chain that holds, to be sealed with a fault.
fn links() -> Vec<Link> {
    let link = |(_, body): (Vec<u8>, Vec<u8>)| {
        let mut kind = Body::from_bytes(&body).unwrap().kind;
        if let BodyKind::Genesis(genesis) = &mut kind {
            genesis.difficulty = Difficulty::fixed(MAX_TARGET);
        }
        Link::new(kind, MAX_TARGET)
    };
    Stream::default().take(COUNT).map(link).collect()
}

/// A fault, and the rules of which it breaks the first.
type Fault = (&'static str, &'static [u8], fn(&mut Link));

const FAULTS: &[Fault] = &[
    ("bytes behind the body", &[1], |link| {
        link.body(|body| body.entries.push(vec![0]));
    }),
    ("bytes behind the coinbase", &[1], |link| {
        link.coinbase(|coinbase| coinbase.push(0));
    }),
    ("version", &[2], |link| {
        link.header(|header| header.version = Version(1));
    }),
    ("parent", &[3], |link| {
        link.header(|header| header.prev.0[9] ^= 1)
    }),
    ("transaction root", &[4], |link| {
        link.header(|header| header.tx_root.0[0] ^= 1);
    }),
    ("commitment", &[5], |link| {
        link.coinbase(|coinbase| {
            let at = coinbase.len() - 5;
            coinbase[at] ^= 1;
        });
    }),
    ("previous blocks", &[6], |link| {
        link.common(|common| common.previous_blocks.0[31] ^= 1);
    }),
    ("height", &[7], |link| {
        link.common(|common| common.height = Height::new(common.height.get() ^ 1).unwrap());
    }),
    ("clock", &[8], |link| {
        link.common(|common| common.parent_found.0 += 1 << 20)
    }),
    ("header time", &[9], |link| {
        link.header(|header| header.time.0 ^= 1 << 20)
    }),
    ("bits", &[11], |link| {
        link.header(|header| header.bits = CompactTarget(0x207f_fffe));
    }),
    ("work", &[11], Link::without_work),
    ("step", &[14, 15], |link| {
        if let BodyKind::Steps(entries) = link.kind() {
            entries[0].step.0 += 1;
        }
    }),
];

fn a_fault_at_every_place_of_a_batch() {
    assert_eq!(compare(&seal(&links()).records, COUNT, "none"), None);
    for (what, rules, fault) in FAULTS {
        for place in 0..COUNT {
            if *what == "step" && place == 0 {
                continue;
            }
            let mut links = links();
            fault(&mut links[place]);
            let error = compare(&seal(&links).records, place, what).unwrap();
            assert_eq!(error.height as usize, place, "{what}");
            assert!(rules.contains(&error.violation.rule()), "{what}: {error}");
        }
    }
}

/// No seal fits after it, so the error is mostly one of the first rules. Two
/// faults in one batch: the first counts.
fn any_other_byte_at_every_place() {
    let good: Vec<Record> = Stream::default()
        .take(20)
        .map(|(block, body)| Record { block, body })
        .collect();
    for place in 0..good.len() {
        let mut places = Vec::new();
        places.extend((0..good[place].block.len()).map(|at| (true, at)));
        places.extend((0..good[place].body.len()).map(|at| (false, at)));
        for (in_block, at) in places.into_iter().skip(place % 13).step_by(13) {
            let mut records = good.clone();
            let record = &mut records[place];
            let bytes = if in_block {
                &mut record.block
            } else {
                &mut record.body
            };
            bytes[at] ^= 0x11;
            records[good.len() - 1].body.clear();
            compare(&records, place, "another byte");
        }
        let mut records = good.clone();
        records[place].block.truncate(place);
        compare(&records, place, "a short block");
        let mut records = good.clone();
        records.remove(place);
        compare(&records, place, "a missing block");
        let mut records = good.clone();
        records.insert(place, good[place].clone());
        compare(&records, place, "a block twice");
    }
}

/// How a walk ended, and what it showed of each block.
type Seen = (Vec<(u64, u64, u64, String)>, String);

/// One block after another, as the walk once was.
fn plain_walk(file: &[u8]) -> Seen {
    let mut verifier = ChainVerifier::new(None);
    let mut seen = Vec::new();
    let mut reader = ChainReader::new(file).unwrap();
    while let Some(record) = reader.next() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return (seen, damage(&error)),
        };
        match verifier.push(&record.block, &record.body) {
            Ok(block) => {
                let blocks = seen.len() as u64 + 1;
                let shown = shown(&block, verifier.chain().unwrap());
                seen.push((record.offset, reader.offset(), blocks, shown));
            }
            Err(error) => return (seen, broken(record.offset, &error)),
        }
    }
    let end = reader
        .torn()
        .map_or_else(|| end(reader.offset()), |tail| torn(&tail));
    (seen, end)
}

fn damage(error: &ReadError) -> String {
    format!("damage: {error}")
}

fn broken(offset: u64, error: &ChainError) -> String {
    format!("byte {offset}: {error}")
}

fn torn(tail: &TornTail) -> String {
    format!("torn: {tail:?}")
}

fn end(offset: u64) -> String {
    format!("end at {offset}")
}

fn walked(path: &std::path::Path, hasher: &dyn RunHasher) -> Seen {
    let mut seen = Vec::new();
    let run = ChainSource::new(path);
    let result = walk_with(&run, None, hasher, &mut |walked, at| {
        let shown = shown(walked.block, walked.chain);
        seen.push((walked.record.offset, at.bytes, at.blocks, shown));
    });
    let result = result.unwrap();
    assert_eq!(result.blocks as usize, seen.len());
    let height = result
        .chain
        .as_ref()
        .map(|chain| chain.height().get() as usize + 1);
    assert_eq!(height.unwrap_or(0), seen.len());
    // A step in each block but genesis.
    assert_eq!(result.entries as usize, seen.len().saturating_sub(1));
    let end = match &result.stopped_by {
        StoppedBy::EndOfFile { offset } => end(*offset),
        StoppedBy::TornTail(tail) => torn(tail),
        StoppedBy::Damage(error) => damage(error),
        StoppedBy::BrokenRule { offset, error } => broken(*offset, error),
        other => panic!("{other:?}"),
    };
    (seen, end)
}

fn a_walk_stops_where_a_reader_of_one_block_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain.pow");
    let compare = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        let expected = plain_walk(bytes);
        for hasher in [&PlainSha2 as &dyn RunHasher, &Lanes::fastest()] {
            let found = walked(&path, hasher);
            assert_eq!(found.1, expected.1, "{what}");
            assert!(found == expected, "{what}");
        }
        expected.1
    };
    // Some batches, the last one not full.
    let records = Stream::default().take(4 * 256 + 9);
    let records = records
        .map(|(block, body)| Record { block, body })
        .collect();
    let file = ChainFile {
        header: b"POWCHAIN\x01\0\0\0\0\0\0\0".to_vec(),
        records,
    };
    let (good, starts) = (file.to_bytes(), file.boundaries());
    assert!(compare(&good, "good").starts_with("end at"));
    for place in [0, 1, 255, 256, 257, 511, 512, 767, 768, 1023, 1024, 1031] {
        // A bad block, with one more in the next batch and a torn end.
        let mut bad = file.clone();
        bad.records[place].block[3] ^= 0x40;
        if let Some(later) = bad.records.get_mut(place + 200) {
            later.body.clear();
        }
        let mut bytes = bad.to_bytes();
        bytes.pop();
        let end = compare(&bytes, &format!("a bad block at {place}"));
        assert!(end.contains(&format!("block {place}")), "{end}");
        let mut bytes = good.clone();
        bytes[starts[place] + 40] ^= 1;
        let end = compare(&bytes, &format!("a wrong checksum at {place}"));
        assert!(end.starts_with("damage"), "{end}");
        let end = compare(&good[..starts[place] + 30], &format!("torn at {place}"));
        assert!(end.starts_with("torn"), "{end}");
        let end = compare(&good[..starts[place]], &format!("cut at {place}"));
        assert!(end.starts_with("end at"), "{end}");
    }
}
