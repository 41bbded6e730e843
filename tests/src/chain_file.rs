//! A chain file taken apart, and put together again with fitting checksums, so
//! that damage reaches the checks behind them. Written from `docs/format.md`,
//! without the ledger's encoder.

use std::path::Path;

/// Length of the file header and of a record's header, in bytes.
pub const HEADER_LEN: usize = 16;

/// One record's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The serialised block.
    pub block: Vec<u8>,
    /// The serialised body.
    pub body: Vec<u8>,
}

/// A chain file in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFile {
    /// The file's first 16 bytes.
    pub header: Vec<u8>,
    /// Its records, in order.
    pub records: Vec<Record>,
}

impl ChainFile {
    /// Takes an undamaged file apart.
    pub fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read(path).unwrap())
    }

    /// Takes the bytes of an undamaged file apart.
    pub fn parse(bytes: &[u8]) -> Self {
        let (header, mut rest) = bytes.split_at(HEADER_LEN);
        let mut records = Vec::new();
        while !rest.is_empty() {
            let len = |at: usize| {
                u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]) as usize
            };
            let body_at = HEADER_LEN + len(4);
            let end = body_at + len(8);
            records.push(Record {
                block: rest[HEADER_LEN..body_at].to_vec(),
                body: rest[body_at..end].to_vec(),
            });
            rest = &rest[end + 4..];
        }
        ChainFile {
            header: header.to_vec(),
            records,
        }
    }

    /// Puts the file together again. All checksums fit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let records = self.records.iter().map(Record::to_bytes);
        [self.header.clone()]
            .into_iter()
            .chain(records)
            .flatten()
            .collect()
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.to_bytes()).unwrap();
    }

    /// Where each record begins in the file, and where the last one ends.
    pub fn boundaries(&self) -> Vec<usize> {
        let mut at = vec![self.header.len()];
        for record in &self.records {
            at.push(at[at.len() - 1] + record.to_bytes().len());
        }
        at
    }
}

impl Record {
    /// The record's bytes, with its checksums.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lengths = [self.block.len() as u32, self.body.len() as u32];
        let content = [&self.block[..], &self.body[..]].concat();
        let checksum = crc32c::crc32c(&content).to_le_bytes();
        [&record_header(lengths)[..], &content[..], &checksum[..]].concat()
    }
}

/// A record header that announces these lengths, with a fitting checksum.
pub fn record_header([block, body]: [u32; 2]) -> Vec<u8> {
    let mut header = b"PREC".to_vec();
    header.extend(block.to_le_bytes());
    header.extend(body.to_le_bytes());
    header.extend(crc32c::crc32c(&header).to_le_bytes());
    header
}
