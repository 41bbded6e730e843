//! The tensors of a safetensors file, read from its first byte to its last.

use crate::error::LedgerError;
use crate::tensors::tensor_header::{ElementType, StoredTensor, read_header};
use pow_core::hash::{ParameterRoot, TreeRoot};
use pow_core::tensor::{
    CHUNK_BATCH, CHUNK_LEN, DataHasher, TensorError, TensorHasher, TensorSet, leaf_of_root,
};
use std::fmt;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The longest header that is read, in bytes. It is the limit of the `safetensors`
/// crate.
const MAX_HEADER_LEN: u64 = 100_000_000;

/// The bytes that are hashed at once. Whole batches of chunks are the fastest.
const PIECE: usize = CHUNK_BATCH * CHUNK_LEN;

/// A safetensors file that is read once, in order. Its header is in memory, and of its
/// tensors a piece at a time.
///
/// The header takes at most eight times its length, however it is made up.
#[derive(Debug)]
pub struct TensorReader<R> {
    path: PathBuf,
    bytes: BufReader<R>,
    tensors: Vec<StoredTensor>,
    data_start: u64,
}

impl<R: Read> TensorReader<R> {
    /// Reads the header. The file has `len` bytes, and `path` is its name in errors.
    /// Tensors may be in any order, and metadata is ignored.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the file cannot be read. [`LedgerError::Tensors`] if the
    /// header is malformed, gives two tensors one name, does not match the length of
    /// the file, or has an element type without a commitment.
    pub fn new(bytes: R, len: u64, path: &Path) -> Result<Self, LedgerError> {
        let mut bytes = BufReader::new(bytes);
        let (tensors, data_start) = header(&mut bytes, Some(len), path)?;
        Ok(TensorReader {
            path: path.to_owned(),
            bytes,
            tensors,
            data_start,
        })
    }

    /// The file's tensors, in the order of their bytes in the file.
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// Calls `visit` with each tensor and its bytes, in the order of the file. Bytes that
    /// `visit` leaves are skipped.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the file cannot be read or was cut after it was opened, and what
    /// `visit` returns.
    pub fn stream<E: From<LedgerError>>(
        mut self,
        visit: impl FnMut(&StoredTensor, &mut TensorBytes<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        stream(&mut self.bytes, &self.tensors, &self.path, visit)
    }

    /// Computes the root of the file's tensors; `hasher` hashes the chunks. It does not
    /// depend on their order, and the memory it takes does not depend on their lengths.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream).
    pub fn root_with(mut self, hasher: &dyn TensorHasher) -> Result<ParameterRoot, LedgerError> {
        root(&mut self.bytes, &self.tensors, &self.path, hasher)
    }

    /// The file, its tensors, and where their data start.
    pub(crate) fn into_parts(self) -> (BufReader<R>, Vec<StoredTensor>, u64) {
        (self.bytes, self.tensors, self.data_start)
    }
}

/// The bytes of one tensor, in pieces.
pub struct TensorBytes<'a> {
    bytes: &'a mut dyn Read,
    piece: &'a mut Vec<u8>,
    tensor: &'a StoredTensor,
    path: &'a Path,
    left: u64,
}

impl TensorBytes<'_> {
    /// The bytes that follow. `None` at the end of the tensor. Each piece but the last has
    /// whole chunks.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the file cannot be read, [`LedgerError::Tensors`] if it was
    /// cut after it was opened.
    pub fn next_piece(&mut self) -> Result<Option<&[u8]>, LedgerError> {
        if self.left == 0 {
            return Ok(None);
        }
        let wanted = self.left.min(PIECE as u64);
        self.piece.clear();
        let read = self.bytes.take(wanted).read_to_end(self.piece);
        let found = read.map_err(LedgerError::io(self.path))? as u64;
        if found != wanted {
            return Err(self.cut());
        }
        self.left -= found;
        Ok(Some(self.piece))
    }

    /// All bytes that follow.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoMemory`] if they do not fit. Otherwise as
    /// [`next_piece`](Self::next_piece).
    pub fn read_all(&mut self) -> Result<Vec<u8>, LedgerError> {
        let mut all = Vec::new();
        // The header matches the file, so this is at most the length of the file.
        let room = usize::try_from(self.left).ok();
        if room
            .and_then(|len| all.try_reserve_exact(len).ok())
            .is_none()
        {
            return Err(LedgerError::NoMemory {
                path: self.path.to_owned(),
                tensor: self.tensor.info().path.to_owned(),
                len: self.left,
            });
        }
        let read = self.bytes.take(self.left).read_to_end(&mut all);
        let found = read.map_err(LedgerError::io(self.path))? as u64;
        if found != self.left {
            return Err(self.cut());
        }
        self.left = 0;
        Ok(all)
    }

    /// The root over the chunks of the bytes that follow; `hasher` hashes the chunks.
    ///
    /// # Errors
    ///
    /// As [`next_piece`](Self::next_piece).
    pub fn data_root(&mut self, hasher: &dyn TensorHasher) -> Result<TreeRoot, LedgerError> {
        let mut data = DataHasher::new(hasher);
        while let Some(piece) = self.next_piece()? {
            data.update(piece);
        }
        Ok(data.finish())
    }

    fn cut(&self) -> LedgerError {
        LedgerError::Tensors {
            path: self.path.to_owned(),
            reason: format!("the file was cut within tensor {}", self.tensor.info().path),
        }
    }
}

impl fmt::Debug for TensorBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorBytes")
            .field("tensor", self.tensor)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// Calls `visit` with each tensor and its bytes. `bytes` is where the data start.
pub(crate) fn stream<E: From<LedgerError>>(
    bytes: &mut dyn Read,
    tensors: &[StoredTensor],
    path: &Path,
    mut visit: impl FnMut(&StoredTensor, &mut TensorBytes<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut piece = Vec::new();
    for tensor in tensors {
        let mut bytes = TensorBytes {
            bytes,
            piece: &mut piece,
            tensor,
            path,
            left: tensor.byte_len(),
        };
        visit(tensor, &mut bytes)?;
        while bytes.next_piece()?.is_some() {}
    }
    Ok(())
}

/// The root of the tensors. `bytes` is where the data start.
pub(crate) fn root(
    bytes: &mut dyn Read,
    tensors: &[StoredTensor],
    path: &Path,
    hasher: &dyn TensorHasher,
) -> Result<ParameterRoot, LedgerError> {
    let mut set = TensorSet::new();
    stream(bytes, tensors, path, |tensor, bytes| {
        let data = bytes.data_root(hasher)?;
        insert(&mut set, tensor, data).map_err(|error| LedgerError::Tensors {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    })?;
    Ok(set.root())
}

fn insert(set: &mut TensorSet, tensor: &StoredTensor, data: TreeRoot) -> Result<(), TensorError> {
    let info = tensor.info();
    set.insert_leaf(info.path, leaf_of_root(&info, data)?)
}

/// Reads the header of a file of `file_len` bytes, or of a stream. Returns the tensors, and
/// where their data start.
pub(crate) fn header<D: ElementType>(
    file: &mut impl Read,
    file_len: Option<u64>,
    path: &Path,
) -> Result<(Vec<StoredTensor<D>>, u64), LedgerError> {
    let fail = |reason: String| LedgerError::Tensors {
        path: path.to_owned(),
        reason,
    };
    let too_short = || fail("the file is too short to hold the length of its header".into());
    let mut len = [0; 8];
    if file_len.is_some_and(|file_len| file_len < len.len() as u64) {
        return Err(too_short());
    }
    file.read_exact(&mut len)
        .map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof if file_len.is_none() => too_short(),
            _ => LedgerError::io(path)(error),
        })?;
    let (len, rest) = (
        u64::from_le_bytes(len),
        file_len.map(|file_len| file_len - 8),
    );
    if len > rest.unwrap_or(u64::MAX) || len > MAX_HEADER_LEN {
        let follow = rest.map_or(String::new(), |rest| format!("{rest} bytes follow, and "));
        return Err(fail(format!(
            "the file claims a header of {len} bytes, but {follow}at most {MAX_HEADER_LEN} are \
             allowed"
        )));
    }
    let mut header = file.take(len);
    let tensors = read_header(&mut header, rest.map(|rest| rest - len)).map_err(|error| {
        if error.is_io() {
            LedgerError::io(path)(error.into())
        } else {
            fail(error.to_string())
        }
    })?;
    if header.limit() > 0 {
        return Err(fail("the file ends within its header".into()));
    }
    Ok((tensors, 8 + len))
}

#[cfg(test)]
mod tests;
