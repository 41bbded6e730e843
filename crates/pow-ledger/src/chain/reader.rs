//! Reading a chain file record by record, also while it is being written.

use crate::chain::record::{Record, decode_header, find_header};
use crate::error::{LedgerError, ReadError};
use crate::format::{
    FILE_FORMAT, FILE_HEADER, FILE_HEADER_LEN, FILE_MAGIC, MAX_RECORD_LEN, RECORD_HEADER_LEN,
};
use crate::open::open_named;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

/// A disk writes whole sectors: each is on the disk or it is not. Their length is
/// this number of bytes or a multiple of it.
const SECTOR: u64 = 512;

/// The most memory, in bytes, that is reserved for a block or a body before its
/// bytes have been read.
const RESERVED: usize = 1 << 16;

/// The incomplete record at the end of a file: the writer was killed or is still
/// writing, or somebody cut the file. A power cut can leave zeros at the end where
/// nothing was written. They belong to the torn tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Offset of the incomplete record in the file, in bytes.
    pub offset: u64,
    /// Number of bytes from `offset` to the end of the file.
    pub len: u64,
}

/// Iterates over the records of a chain file. It stops after the first error.
///
/// A torn tail is not an error: the iterator ends, and [`ChainReader::torn`] returns
/// it.
#[derive(Debug)]
pub struct ChainReader<R> {
    input: R,
    offset: u64,
    torn: Option<TornTail>,
    done: bool,
}

impl ChainReader<BufReader<File>> {
    /// Opens the chain file that somebody named, and checks its header. It may be a link or
    /// a pipe. [`RunDir::open_chain`](crate::RunDir::open_chain) opens that of a run.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] or [`LedgerError::Kind`] if it cannot be opened,
    /// [`LedgerError::Chain`] if the file header is missing or wrong.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::of_file(open_named(path)?, path)
    }

    /// Reads the chain file that was opened from `path`.
    pub(crate) fn of_file(file: File, path: &Path) -> Result<Self, LedgerError> {
        ChainReader::new(BufReader::with_capacity(1 << 16, file)).map_err(|source| {
            LedgerError::Chain {
                path: path.to_owned(),
                source,
            }
        })
    }
}

impl<R: Read> ChainReader<R> {
    /// Reads from the start of a chain file's bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file header is missing or wrong.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut reader = ChainReader {
            input,
            offset: 0,
            torn: None,
            done: false,
        };
        let (header, len) = reader.read_fixed::<FILE_HEADER_LEN>()?;
        if !FILE_HEADER.starts_with(&header[..len]) {
            let format = header[..len].strip_prefix(&FILE_MAGIC);
            let format = format.and_then(|rest| rest.first_chunk());
            return Err(match format.map(|format| u32::from_le_bytes(*format)) {
                Some(found) if found != FILE_FORMAT => ReadError::Format(found),
                _ => ReadError::Foreign,
            });
        }
        if len < FILE_HEADER_LEN {
            return Err(ReadError::NoHeader(len as u64));
        }
        reader.offset = FILE_HEADER_LEN as u64;
        Ok(reader)
    }

    /// The torn tail, once the iterator has ended at one.
    pub fn torn(&self) -> Option<TornTail> {
        self.torn
    }

    /// Offset of the next record, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads `len` bytes, or fewer at the end of the file. Memory grows with the
    /// bytes that are really there.
    fn read_up_to(&mut self, len: usize) -> Result<Vec<u8>, ReadError> {
        let mut out = Vec::with_capacity(len.min(RESERVED));
        self.input
            .by_ref()
            .take(len as u64)
            .read_to_end(&mut out)
            .map_err(self.io_error())?;
        Ok(out)
    }

    /// Reads `N` bytes, or fewer at the end of the file.
    fn read_fixed<const N: usize>(&mut self) -> Result<([u8; N], usize), ReadError> {
        let mut out = [0; N];
        let mut len = 0;
        while len < N {
            match self.input.read(&mut out[len..]) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.io_error()(error)),
            }
        }
        Ok((out, len))
    }

    fn io_error(&self) -> impl FnOnce(std::io::Error) -> ReadError + use<R> {
        let offset = self.offset;
        move |source| ReadError::Io { offset, source }
    }

    fn read_record(&mut self) -> Result<Option<Record>, ReadError> {
        let (header, len) = self.read_fixed::<RECORD_HEADER_LEN>()?;
        match len {
            0 => return Ok(None),
            RECORD_HEADER_LEN => {}
            _ => return self.tear(&header[..len]),
        }
        let lengths = match decode_header(self.offset, &header) {
            Ok(lengths) => lengths,
            Err(error) => return self.unwritten_or(error, &header),
        };
        // Nothing is read after the first end of file: a growing file may have more by then.
        let block = self.read_up_to(lengths.block)?;
        if block.len() < lengths.block {
            return self.tear(&[&header[..], &block].concat());
        }
        let body = self.read_up_to(lengths.body)?;
        if body.len() < lengths.body {
            return self.tear(&[&header[..], &block, &body].concat());
        }
        let (checksum, len) = self.read_fixed()?;
        if len < checksum.len() {
            return self.tear(&[&header[..], &block, &body, &checksum[..len]].concat());
        }
        let found = u32::from_le_bytes(checksum);
        let expected = crc32c::crc32c_append(crc32c::crc32c(&block), &body);
        if found != expected {
            let error = ReadError::Checksum {
                offset: self.offset,
                found,
                expected,
            };
            return self.unwritten_or(error, &[&header[..], &block, &body, &checksum].concat());
        }
        let offset = self.offset;
        self.offset += (RECORD_HEADER_LEN + lengths.rest()) as u64;
        Ok(Some(Record {
            offset,
            block,
            body,
        }))
    }

    /// Decides about a bad record. If only zeros follow, either from its first byte or
    /// from the start of a sector, it was never written to its end: it is a torn
    /// tail. Anything else is `error`.
    fn unwritten_or(
        &mut self,
        error: ReadError,
        partial: &[u8],
    ) -> Result<Option<Record>, ReadError> {
        let written = partial.iter().rposition(|byte| *byte != 0);
        let zeros_begin = match written {
            None => self.offset,
            Some(last) => (self.offset + last as u64 + 1).next_multiple_of(SECTOR),
        };
        if zeros_begin >= self.offset + partial.len() as u64 {
            return Err(error);
        }
        let Some(more) = self.count_zeros(MAX_RECORD_LEN - partial.len())? else {
            return Err(error);
        };
        // Enough zeros to complete a record header that starts before them.
        let zeros = &[0; RECORD_HEADER_LEN - 1][..more.min(RECORD_HEADER_LEN - 1)];
        self.tear(&[partial, zeros].concat())?;
        self.torn = Some(TornTail {
            offset: self.offset,
            len: (partial.len() + more) as u64,
        });
        Ok(None)
    }

    /// The number of zeros up to the end of the file. `None` if there is anything
    /// else, or if there are more than `most`.
    fn count_zeros(&mut self, most: usize) -> Result<Option<usize>, ReadError> {
        let mut count = 0;
        loop {
            let (piece, len) = self.read_fixed::<4096>()?;
            if len > most - count || piece[..len].iter().any(|byte| *byte != 0) {
                return Ok(None);
            }
            count += len;
            if len < piece.len() {
                return Ok(Some(count));
            }
        }
    }

    /// Ends at an incomplete record, unless another record starts inside it.
    fn tear(&mut self, partial: &[u8]) -> Result<Option<Record>, ReadError> {
        if let Some(at) = find_header(partial) {
            return Err(ReadError::MissingBytes {
                offset: self.offset,
                next: self.offset + at as u64,
            });
        }
        self.torn = Some(TornTail {
            offset: self.offset,
            len: partial.len() as u64,
        });
        Ok(None)
    }
}

impl<R: Read> Iterator for ChainReader<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.read_record().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::record::encode;

    fn file() -> Vec<u8> {
        let mut bytes = FILE_HEADER.to_vec();
        for i in 0..3u8 {
            bytes.extend(encode(&[i; 80], &vec![i; 100 + usize::from(i)]));
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<(usize, Option<TornTail>), ReadError> {
        let mut reader = ChainReader::new(bytes)?;
        let mut count = 0;
        for record in reader.by_ref() {
            record?;
            count += 1;
        }
        Ok((count, reader.torn()))
    }

    #[test]
    fn every_truncation_is_a_torn_tail_or_a_clean_end() {
        let bytes = file();
        let mut ends = vec![FILE_HEADER_LEN];
        for i in 0..3 {
            ends.push(ends[i] + RECORD_HEADER_LEN + 80 + 100 + i + 4);
        }
        for cut in FILE_HEADER_LEN..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            let (count, torn) = read(&bytes[..cut]).unwrap();
            assert_eq!(count, whole, "cut at {cut}");
            let expected = (ends[whole] != cut).then_some(TornTail {
                offset: ends[whole] as u64,
                len: (cut - ends[whole]) as u64,
            });
            assert_eq!(torn, expected, "cut at {cut}");
        }
    }

    /// A file that ends once, and is longer when it is read again. Every other call is
    /// interrupted.
    struct Growing<'a> {
        now: &'a [u8],
        later: &'a [u8],
        interrupt: bool,
    }

    impl Read for Growing<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            self.interrupt = !self.interrupt;
            if !self.interrupt {
                return Err(ErrorKind::Interrupted.into());
            }
            let len = self.now.read(out)?;
            if len == 0 {
                self.now = std::mem::take(&mut self.later);
            }
            Ok(len)
        }
    }

    #[test]
    fn bytes_that_are_written_later_do_not_complete_a_record() {
        let bytes = file();
        for cut in FILE_HEADER_LEN..bytes.len() {
            let (now, later) = bytes.split_at(cut);
            let growing = Growing {
                now,
                later,
                interrupt: true,
            };
            let mut reader = ChainReader::new(growing).unwrap();
            let count = reader.by_ref().map(Result::unwrap).count();
            let found = (count, reader.torn());
            assert_eq!(found, read(now).unwrap(), "cut at {cut}");
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error_that_names_its_record() {
        let bytes = file();
        for at in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert!(read(&bad).is_err(), "bit {at}");
        }
    }

    /// Reads `file` with its end from byte `from` on replaced by `zeros` zeros.
    fn zeroed(from: usize, zeros: usize) -> Result<(usize, Option<TornTail>), ReadError> {
        let mut bytes = file();
        bytes.truncate(from);
        bytes.resize(from + zeros, 0);
        read(&bytes)
    }

    #[test]
    fn zeros_that_were_never_written_are_a_torn_tail() {
        // The last record has 202 bytes and starts at 417. Byte 512 starts a sector in it.
        let (third, len) = (417, file().len());
        assert_eq!(len, 619);
        for zeros in [1, 16, 100, 202, 4096, 100_000] {
            let torn = |len: usize| {
                let offset = third as u64;
                Some(TornTail {
                    offset,
                    len: len as u64,
                })
            };
            assert_eq!(zeroed(third, zeros).unwrap(), (2, torn(zeros)));
            assert_eq!(zeroed(512, zeros).unwrap(), (2, torn(512 - third + zeros)));
        }
        // The last byte that was written may be zero.
        assert!(zeroed(511, 512).is_ok());
        // A power cut leaves zeros only from the start of a sector.
        assert!(zeroed(513, 512).is_err());
        assert!(zeroed(len - 1, 1).is_err());
        // Zeros after a whole but bad record do not make it torn.
        let mut bad = file();
        bad[450] ^= 1;
        bad.resize(4096, 0);
        assert!(matches!(
            read(&bad),
            Err(ReadError::Checksum { offset: 417, .. })
        ));
        // Something else may follow the zeros.
        let mut more = file();
        more[third..].fill(0);
        more.resize(100_000, 0);
        more.push(1);
        assert!(matches!(
            read(&more),
            Err(ReadError::RecordHeader { offset: 417, .. })
        ));
    }

    #[test]
    fn a_hole_before_a_whole_record_is_damage() {
        let mut bytes = file();
        bytes[512..].fill(0);
        bytes.resize(1024, 0);
        bytes.extend(encode(&[9; 80], &[9; 100]));
        assert!(matches!(
            read(&bytes),
            Err(ReadError::Checksum { offset: 417, .. })
        ));
    }

    #[test]
    fn endless_zeros_are_not_a_torn_tail() {
        let most = MAX_RECORD_LEN;
        assert!(zeroed(417, most).is_ok());
        assert!(zeroed(417, most + 1).is_err());
        assert!(zeroed(512, most - 95).is_ok());
        assert!(zeroed(512, most - 94).is_err());
        // However many follow, the reader does not read to their end.
        let bytes = file();
        let endless = bytes[..417].chain(std::io::repeat(0));
        let mut reader = ChainReader::new(endless).unwrap();
        assert!(reader.nth(2).unwrap().is_err());
    }

    #[test]
    fn a_whole_record_that_ends_with_a_sector_is_not_torn() {
        let mut bytes = [&FILE_HEADER[..], &encode(&[1; 80], &[1; 396])].concat();
        assert_eq!(bytes.len() as u64, SECTOR);
        bytes[100] ^= 1;
        assert!(matches!(read(&bytes), Err(ReadError::Checksum { .. })));
    }

    #[test]
    fn bytes_missing_in_the_middle_are_not_a_torn_tail() {
        let missing = |bytes: &[u8]| match read(bytes) {
            Err(ReadError::MissingBytes { offset, next }) => Some((offset, next)),
            _ => None,
        };
        // In the second record, which starts at 216. The last one still has a good header.
        let mut bytes = file();
        bytes.drain(250..280);
        assert_eq!(missing(&bytes[..387 + RECORD_HEADER_LEN]), Some((216, 387)));
        // A cut header may be anything.
        assert_eq!(missing(&bytes[..387 + RECORD_HEADER_LEN - 1]), None);
        // Zeros at the end excuse nothing.
        let inner = encode(&[1; 80], &[1; 100]);
        let outer = encode(&[2; 80], &[&inner[..], &[2; 3000]].concat());
        let mut bytes = [&FILE_HEADER[..], &outer].concat();
        bytes[2 * SECTOR as usize..].fill(0);
        assert_eq!(missing(&bytes), Some((16, 16 + 16 + 80)));
    }
}
