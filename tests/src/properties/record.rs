//! Chain files as a stream of records, whatever they hold.

use super::memory::metered;
use crate::oracle::{crc32c, word};
use pow_ledger::{ChainReader, ReadError};
use std::io::Read;

const HEADER_LEN: usize = 16;
const MAX_LENS: [usize; 2] = [200, 16 << 20];
const MAX_RECORD_LEN: usize = 16_777_436;

/// A chain file without its first 16 bytes, after one byte of settings: which
/// parts are made to fit, and in what pieces the reader gets the file.
pub fn record(data: &[u8]) {
    let Some((settings, data)) = data.split_first() else {
        return;
    };
    let mut file = data.to_vec();
    if settings & 1 == 0 {
        file.splice(..0, *b"POWCHAIN\x01\0\0\0\0\0\0\0");
    }
    if settings & 2 == 0 {
        fit_checksums(&mut file);
    }
    let pieces = Pieces {
        bytes: &file,
        len: 1 + usize::from(settings >> 4),
    };
    let expected = read(&file);
    let ours = metered(file.len(), || read_with_ours(pieces));
    assert_eq!(ours, expected);
    // Each record's bytes are those that a writer gives it.
    for (at, block, body) in &expected.records {
        let record = crate::chain_file::Record {
            block: block.clone(),
            body: body.clone(),
        };
        assert!(file[*at..].starts_with(&record.to_bytes()));
    }
}

/// What a chain file holds, and how it ends.
#[derive(Debug, PartialEq)]
pub(super) struct Contents {
    /// Offset, block and body.
    pub(super) records: Vec<(usize, Vec<u8>, Vec<u8>)>,
    pub(super) end: End,
}

#[derive(Debug, PartialEq)]
pub(super) enum End {
    Whole,
    Torn { offset: usize, len: usize },
    Damaged { offset: usize },
}

/// Reads a file as `docs/format.md` says, from memory.
pub(super) fn read(file: &[u8]) -> Contents {
    let mut records = Vec::new();
    let mut at = HEADER_LEN;
    let ended = |records, end| Contents { records, end };
    if !file.starts_with(b"POWCHAIN\x01\0\0\0\0\0\0\0") {
        return ended(records, End::Damaged { offset: 0 });
    }
    while at < file.len() {
        let left = &file[at..];
        let torn = || {
            // Whether it holds the whole header of another record.
            let inside = (1..left.len()).any(|at| lengths(&left[at..]).is_some());
            if inside {
                End::Damaged { offset: at }
            } else {
                let len = left.len();
                End::Torn { offset: at, len }
            }
        };
        if left.len() < HEADER_LEN {
            return ended(records, torn());
        }
        // Of a bad record: the zeros after what was written of it reach to the end of the file.
        let bad = |len: usize| {
            let written = 1 + left.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            let all_zero = left.iter().all(|byte| *byte == 0);
            let zeros_at = (at + written).next_multiple_of(512);
            if left.len() <= MAX_RECORD_LEN && (all_zero || zeros_at < at + len) {
                torn()
            } else {
                End::Damaged { offset: at }
            }
        };
        let Some([block, body]) = lengths(left) else {
            return ended(records, bad(HEADER_LEN));
        };
        let end = HEADER_LEN + block + body;
        if left.len() < end + 4 {
            return ended(records, torn());
        }
        let content = &left[HEADER_LEN..end];
        if crc32c(content) != word(left, end) {
            return ended(records, bad(end + 4));
        }
        let (block, body) = content.split_at(block);
        records.push((at, block.to_vec(), body.to_vec()));
        at += end + 4;
    }
    ended(records, End::Whole)
}

/// The lengths in a valid record header.
fn lengths(bytes: &[u8]) -> Option<[usize; 2]> {
    let header = bytes.get(..HEADER_LEN)?;
    let lens = [word(header, 4) as usize, word(header, 8) as usize];
    let valid = header.starts_with(b"PREC")
        && word(header, 12) == crc32c(&header[..12])
        && lens[0] <= MAX_LENS[0]
        && lens[1] <= MAX_LENS[1];
    valid.then_some(lens)
}

fn read_with_ours(input: impl Read) -> Contents {
    let mut records = Vec::new();
    let mut reader = match ChainReader::new(input) {
        Ok(reader) => reader,
        Err(ReadError::Foreign | ReadError::Format(_) | ReadError::NoHeader(_)) => {
            let end = End::Damaged { offset: 0 };
            return Contents { records, end };
        }
        Err(error) => panic!("{error}"),
    };
    let mut end = End::Whole;
    while let Some(record) = reader.next() {
        match record {
            Ok(record) => {
                let len = HEADER_LEN + record.block.len() + record.body.len() + 4;
                assert_eq!(reader.offset(), record.offset + len as u64);
                records.push((record.offset as usize, record.block, record.body));
            }
            Err(
                ReadError::RecordHeader { offset, .. }
                | ReadError::Checksum { offset, .. }
                | ReadError::MissingBytes { offset, .. },
            ) => {
                let offset = offset as usize;
                end = End::Damaged { offset };
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(reader.next().is_none(), "the reader goes on after its end");
    if let Some(torn) = reader.torn() {
        assert_eq!(end, End::Whole, "torn and damaged");
        end = End::Torn {
            offset: torn.offset as usize,
            len: torn.len as usize,
        };
    }
    Contents { records, end }
}

/// Makes the checksums fit, record by record, so that the fuzzer need not
/// guess them; the first record that does not fit in is left as it is.
pub(super) fn fit_checksums(file: &mut [u8]) {
    let mut at = HEADER_LEN;
    while at + HEADER_LEN <= file.len() {
        let checksum = crc32c(&file[at..at + 12]).to_le_bytes();
        file[at + 12..at + 16].copy_from_slice(&checksum);
        let lens = [word(file, at + 4), word(file, at + 8)].map(|len| len as usize);
        let start = at + HEADER_LEN;
        let end = start.saturating_add(lens[0]).saturating_add(lens[1]);
        if end.saturating_add(4) > file.len() {
            return;
        }
        let checksum = crc32c(&file[start..end]).to_le_bytes();
        file[end..end + 4].copy_from_slice(&checksum);
        at = end + 4;
    }
}

/// A file that comes in pieces, as from a slow disk.
struct Pieces<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len = self.len.min(out.len()).min(self.bytes.len());
        let (piece, rest) = self.bytes.split_at(len);
        out[..len].copy_from_slice(piece);
        self.bytes = rest;
        Ok(len)
    }
}
