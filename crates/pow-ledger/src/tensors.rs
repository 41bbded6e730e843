//! safetensors files and the roots of their tensors.

use crate::error::LedgerError;
use crate::files::{open_regular, write_atomically};
use crate::tensor_header::{METADATA, check_header};
use pow_core::hash::{ParameterRoot, PlainSha2};
use pow_core::tensor::{DType, TensorError, TensorHasher, TensorInfo, TensorSet};
use safetensors::tensor::{Dtype, Metadata, TensorView};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

/// A named tensor that borrows its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Path, dtype and dims.
    pub info: TensorInfo<'a>,
    /// The raw little-endian bytes of the elements, row-major.
    pub data: &'a [u8],
}

/// Writes tensors to a safetensors file. The file appears whole and survives a power
/// cut. It has one writer.
///
/// # Errors
///
/// [`LedgerError::Tensors`] if a tensor's length does not match its shape, if two
/// tensors have one path, or if a path is `__metadata__`. [`LedgerError::Io`] if the
/// file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[Tensor<'_>]) -> Result<(), LedgerError> {
    let fail = |reason: String| LedgerError::Tensors {
        path: path.to_owned(),
        reason,
    };
    let mut paths = BTreeSet::new();
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        // Safetensors files use this name for free text.
        if tensor.info.path == METADATA {
            return Err(fail(format!("a tensor cannot have the path {METADATA}")));
        }
        if !paths.insert(tensor.info.path) {
            return Err(fail(format!(
                "two tensors have the path {}",
                tensor.info.path
            )));
        }
        let dims = tensor
            .info
            .dims
            .iter()
            .map(|dim| usize::try_from(*dim))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| fail(error.to_string()))?;
        let view = TensorView::new(to_safetensors(tensor.info.dtype), dims, tensor.data)
            .map_err(|error| fail(format!("tensor {}: {error}", tensor.info.path)))?;
        views.push((tensor.info.path, view));
    }
    let bytes = safetensors::serialize(views, None).map_err(|error| fail(error.to_string()))?;
    write_atomically(path, &bytes)
}

/// An open safetensors file. Its header is in memory. Tensors are read one at a time.
///
/// ```
/// use pow_core::tensor::{DType, TensorInfo};
/// use pow_ledger::{Tensor, TensorFile, write_tensors};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("model.safetensors");
/// let info = TensorInfo { path: "bias", dtype: DType::U8, dims: &[2] };
/// write_tensors(&path, &[Tensor { info, data: &[3, 4] }])?;
///
/// let mut file = TensorFile::open(&path)?;
/// let bias = file.tensors()[0].clone();
/// assert_eq!(bias.info().path, "bias");
/// assert_eq!(file.read(&bias)?, [3, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    file: BufReader<File>,
    tensors: Vec<StoredTensor>,
}

/// Where a tensor is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    path: String,
    dtype: DType,
    dims: Vec<u64>,
    /// Offset of its first byte in the file, and number of its bytes.
    offset: u64,
    len: u64,
}

impl StoredTensor {
    /// Path, dtype and dims.
    pub fn info(&self) -> TensorInfo<'_> {
        TensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }

    /// Its length in bytes. It matches the shape.
    pub fn byte_len(&self) -> u64 {
        self.len
    }
}

impl TensorFile {
    /// Opens a file and reads its header. Tensors may be in any order, and metadata is
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the file cannot be read. [`LedgerError::Tensors`] if the
    /// header is malformed, gives two tensors one name, does not match the length of
    /// the file, or has an element type without a commitment.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let file = open_regular(path).map_err(LedgerError::io(path))?;
        let file_len = file.metadata().map_err(LedgerError::io(path))?.len();
        let mut file = BufReader::new(file);
        let tensors = read_header(path, &mut file, file_len)?;
        Ok(TensorFile {
            path: path.to_owned(),
            file,
            tensors,
        })
    }

    /// The file's tensors, in the order of their bytes in the file.
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// Reads the bytes of one of the file's tensors.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the file cannot be read or was cut after it was opened.
    /// [`LedgerError::Tensors`] if there is not enough memory.
    pub fn read(&mut self, tensor: &StoredTensor) -> Result<Vec<u8>, LedgerError> {
        let io = LedgerError::io(&self.path);
        // A relative seek keeps the buffer.
        let moved = self.file.stream_position().and_then(|here| {
            let by = tensor.offset.wrapping_sub(here) as i64;
            self.file.seek_relative(by)
        });
        if let Err(source) = moved {
            return Err(io(source));
        }
        let mut bytes = Vec::new();
        // The header matches the file, so this is at most the length of the file.
        let room = usize::try_from(tensor.len).ok();
        if room
            .and_then(|len| bytes.try_reserve_exact(len).ok())
            .is_none()
        {
            let reason = format!("no memory for the {} bytes of {}", tensor.len, tensor.path);
            return Err(LedgerError::Tensors {
                path: self.path.clone(),
                reason,
            });
        }
        let file = self.file.by_ref();
        let found = file.take(tensor.len).read_to_end(&mut bytes).map_err(io)?;
        if found as u64 != tensor.len {
            let reason = format!("the file was cut within tensor {}", tensor.path);
            let source = std::io::Error::new(ErrorKind::UnexpectedEof, reason);
            return Err(LedgerError::io(&self.path)(source));
        }
        Ok(bytes)
    }

    /// Computes the root of the file's tensors. It does not depend on their order.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn root(&mut self) -> Result<ParameterRoot, LedgerError> {
        self.root_with(&PlainSha2)
    }

    /// Like [`root`](Self::root), but `hasher` hashes the chunks.
    ///
    /// # Errors
    ///
    /// As [`root`](Self::root).
    pub fn root_with(&mut self, hasher: &dyn TensorHasher) -> Result<ParameterRoot, LedgerError> {
        let mut set = TensorSet::new();
        self.visit(|tensor, bytes| set.insert_with(&tensor.info(), &bytes, hasher))?;
        Ok(set.root())
    }

    /// Calls `visit` with each tensor and its bytes, in the order of the file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). An error of `visit` becomes
    /// [`LedgerError::Tensors`].
    pub fn visit(
        &mut self,
        mut visit: impl FnMut(&StoredTensor, Vec<u8>) -> Result<(), TensorError>,
    ) -> Result<(), LedgerError> {
        for at in 0..self.tensors.len() {
            let tensor = self.tensors[at].clone();
            let bytes = self.read(&tensor)?;
            visit(&tensor, bytes).map_err(|error| LedgerError::Tensors {
                path: self.path.clone(),
                reason: error.to_string(),
            })?;
        }
        Ok(())
    }
}

/// The longest header that is read, in bytes. It is the limit of the `safetensors`
/// crate.
const MAX_HEADER_LEN: u64 = 100_000_000;

fn read_header(
    path: &Path,
    file: &mut impl Read,
    file_len: u64,
) -> Result<Vec<StoredTensor>, LedgerError> {
    let fail = |reason: String| LedgerError::Tensors {
        path: path.to_owned(),
        reason,
    };
    let mut len = [0; 8];
    if file_len < len.len() as u64 {
        return Err(fail(
            "the file is too short to hold the length of its header".into(),
        ));
    }
    file.read_exact(&mut len).map_err(LedgerError::io(path))?;
    let (len, rest) = (u64::from_le_bytes(len), file_len - 8);
    if len > rest || len > MAX_HEADER_LEN {
        return Err(fail(format!(
            "the file claims a header of {len} bytes, but {rest} bytes follow, and at most \
             {MAX_HEADER_LEN} are allowed"
        )));
    }
    let mut header = Vec::new();
    let read = file.take(len).read_to_end(&mut header);
    if read.map_err(LedgerError::io(path))? as u64 != len {
        return Err(fail("the file was cut within its header".into()));
    }
    let data_len = rest - len;
    check_header(&header, data_len).map_err(|error| fail(error.to_string()))?;
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| fail(error.to_string()))?;
    if metadata.data_len() as u64 != data_len {
        return Err(fail(format!(
            "the tensors end at byte {}, but there are {data_len} bytes of data",
            metadata.data_len()
        )));
    }
    let mut tensors = Vec::new();
    for (name, info) in metadata.tensors() {
        let dtype = from_safetensors(info.dtype).ok_or_else(|| {
            fail(format!(
                "tensor {name}: element type {:?} has no commitment",
                info.dtype
            ))
        })?;
        let (begin, end) = info.data_offsets;
        tensors.push(StoredTensor {
            path: name,
            dtype,
            dims: info.shape.iter().map(|dim| *dim as u64).collect(),
            offset: 8 + len + begin as u64,
            len: (end - begin) as u64,
        });
    }
    // Empty tensors share an offset, so their paths decide the order.
    tensors.sort_unstable_by(|a, b| (a.offset, &a.path).cmp(&(b.offset, &b.path)));
    Ok(tensors)
}

/// Our element types and the same types of the `safetensors` crate.
const DTYPES: [(DType, Dtype); 13] = [
    (DType::Bool, Dtype::BOOL),
    (DType::U8, Dtype::U8),
    (DType::I8, Dtype::I8),
    (DType::U16, Dtype::U16),
    (DType::I16, Dtype::I16),
    (DType::F16, Dtype::F16),
    (DType::Bf16, Dtype::BF16),
    (DType::U32, Dtype::U32),
    (DType::I32, Dtype::I32),
    (DType::F32, Dtype::F32),
    (DType::U64, Dtype::U64),
    (DType::I64, Dtype::I64),
    (DType::F64, Dtype::F64),
];

fn from_safetensors(theirs: Dtype) -> Option<DType> {
    DTYPES
        .iter()
        .find(|pair| pair.1 == theirs)
        .map(|pair| pair.0)
}

fn to_safetensors(ours: DType) -> Dtype {
    // Every type of ours is in the table, so the default is never used.
    DTYPES
        .iter()
        .find(|pair| pair.0 == ours)
        .map_or(Dtype::BOOL, |pair| pair.1)
}
