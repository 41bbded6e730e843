//! Reads records from a place in the chain file.

use crate::host::{Host, HostFile, HostReader};
use crate::overview::Mark;
use pow_core::body::Body;
use pow_core::codec::DecodeError;
use pow_core::hash::BlockHash;
use pow_core::header::{HEADER_LEN, Header};
use pow_ledger::{ChainReader, FILE_FORMAT, FILE_HEADER_LEN, FILE_MAGIC, ReadError, Record};
use std::io::{BufReader, Read};

/// A block of the chain that was checked, read once more.
#[derive(Debug)]
pub struct StoredBlock {
    /// Its height.
    pub height: u64,
    /// Offset of its record in the chain file, in bytes.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its header.
    pub header: Header,
    /// Its hash.
    pub hash: BlockHash,
    /// The bytes of its body.
    pub body_bytes: Vec<u8>,
    /// Its body.
    pub body: Body,
}

/// Why a block could not be read once more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file could not be read, or is another one by now.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The bytes of a block are no longer those that were checked.
    #[error("block {height} is no longer what was checked")]
    Changed {
        /// Its height.
        height: u64,
        /// What is wrong with its body. Absent if it is the header.
        #[source]
        source: Option<DecodeError>,
    },
    /// There is no such block.
    #[error("there is no block {0} among those that hold")]
    None(u64),
}

/// Calls `take` with each block from a mark on, until it answers false.
///
/// # Errors
///
/// [`RecordError`] if a block cannot be read.
pub fn read_from<H: Host>(
    host: &H,
    chain: HostFile,
    mark: Mark,
    mut take: impl FnMut(StoredBlock) -> bool,
) -> Result<(), RecordError> {
    let mut header = [0; FILE_HEADER_LEN];
    header[..FILE_MAGIC.len()].copy_from_slice(&FILE_MAGIC);
    header[FILE_MAGIC.len()..][..4].copy_from_slice(&FILE_FORMAT.to_le_bytes());
    let records = HostReader::new(host.clone(), chain, mark.offset);
    let reader = ChainReader::new(BufReader::new((&header[..]).chain(records)))?;
    for (height, record) in (mark.height..).zip(reader) {
        let mut record = record?;
        // The reader counts from the file header that stands before the mark.
        record.offset = record.offset - FILE_HEADER_LEN as u64 + mark.offset;
        if !take(stored(height, record)?) {
            return Ok(());
        }
    }
    Ok(())
}

fn stored(height: u64, record: Record) -> Result<StoredBlock, RecordError> {
    let changed = |source| RecordError::Changed { height, source };
    let header: &[u8; HEADER_LEN] = record.block.first_chunk().ok_or(changed(None))?;
    let header = Header::from_bytes(header);
    let body = Body::from_bytes(&record.body).map_err(|error| changed(Some(error)))?;
    if u64::from(body.common.height.get()) != height {
        return Err(changed(None));
    }
    Ok(StoredBlock {
        height,
        offset: record.offset,
        hash: header.hash(),
        header,
        bytes: record.block,
        body_bytes: record.body,
        body,
    })
}
