//! safetensors files and the roots of what they hold.

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

/// A named tensor whose bytes lie elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Path, dtype and dims.
    pub info: TensorInfo<'a>,
    /// Raw little-endian element bits, row-major.
    pub data: &'a [u8],
}

/// Writes tensors to a safetensors file: beside its place, synced, renamed.
///
/// # Errors
///
/// [`LedgerError::Tensors`] if a tensor's length does not fit its shape, two
/// share a path, or one is called `__metadata__`; [`LedgerError::Io`].
pub fn write_tensors(path: &Path, tensors: &[Tensor<'_>]) -> Result<(), LedgerError> {
    let fail = |reason: String| LedgerError::Tensors {
        path: path.to_owned(),
        reason,
    };
    let mut paths = BTreeSet::new();
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        // The name of safetensors' free text.
        if tensor.info.path == METADATA {
            return Err(fail(format!("no tensor can be called {METADATA}")));
        }
        if !paths.insert(tensor.info.path) {
            return Err(fail(format!("two tensors are called {}", tensor.info.path)));
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

/// A safetensors file, of which the header is in memory, and one tensor at a time.
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

/// Where a tensor lies in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    path: String,
    dtype: DType,
    dims: Vec<u64>,
    /// Where its bytes begin in the file, and how many there are.
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

    /// Its length in bytes, which fills its shape.
    pub fn byte_len(&self) -> u64 {
        self.len
    }
}

impl TensorFile {
    /// Opens a file and reads its header, whatever order and metadata it has.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`]; [`LedgerError::Tensors`] if the header is malformed,
    /// gives two tensors one name, does not fit the length of the file, or names
    /// a dtype that has no commitment.
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

    /// Its tensors, in the order of their bytes in the file.
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// The bytes of one of its tensors.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`], also if the file was cut since it was opened;
    /// [`LedgerError::Tensors`] if there is not enough memory for them.
    pub fn read(&mut self, tensor: &StoredTensor) -> Result<Vec<u8>, LedgerError> {
        let io = LedgerError::io(&self.path);
        // Relative, which keeps what is read ahead.
        let moved = self.file.stream_position().and_then(|here| {
            let by = tensor.offset.wrapping_sub(here) as i64;
            self.file.seek_relative(by)
        });
        if let Err(source) = moved {
            return Err(io(source));
        }
        let mut bytes = Vec::new();
        // The header fits the file, so no more is asked for than the file is long.
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
            let words = format!("the file was cut within tensor {}", tensor.path);
            let source = std::io::Error::new(ErrorKind::UnexpectedEof, words);
            return Err(LedgerError::io(&self.path)(source));
        }
        Ok(bytes)
    }

    /// The root over its tensors, whatever order they have in the file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn root(&mut self) -> Result<ParameterRoot, LedgerError> {
        self.root_with(&PlainSha2)
    }

    /// As [`root`](Self::root), with the chunks hashed by `hasher`.
    ///
    /// # Errors
    ///
    /// As [`root`](Self::root).
    pub fn root_with(&mut self, hasher: &dyn TensorHasher) -> Result<ParameterRoot, LedgerError> {
        let mut set = TensorSet::new();
        self.visit(|tensor, bytes| set.insert_with(&tensor.info(), &bytes, hasher))?;
        Ok(set.root())
    }

    /// Shows `visit` each tensor and its bytes, in the order of the file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and what `visit` returns, as
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

/// The longest header that is read, in bytes: what the `safetensors` crate takes.
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
            "it is too short to hold the length of its header".into(),
        ));
    }
    file.read_exact(&mut len).map_err(LedgerError::io(path))?;
    let (len, rest) = (u64::from_le_bytes(len), file_len - 8);
    if len > rest || len > MAX_HEADER_LEN {
        return Err(fail(format!(
            "its header is said to have {len} bytes; the file has {rest} more, and the most is \
             {MAX_HEADER_LEN}"
        )));
    }
    let mut header = Vec::new();
    let read = file.take(len).read_to_end(&mut header);
    if read.map_err(LedgerError::io(path))? as u64 != len {
        return Err(fail("it was cut within its header".into()));
    }
    let data_len = rest - len;
    check_header(&header, data_len).map_err(|error| fail(error.to_string()))?;
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| fail(error.to_string()))?;
    if metadata.data_len() as u64 != data_len {
        return Err(fail(format!(
            "its tensors end at byte {} of {data_len} bytes of data",
            metadata.data_len()
        )));
    }
    let mut tensors = Vec::new();
    for (name, info) in metadata.tensors() {
        let dtype = from_safetensors(info.dtype)
            .ok_or_else(|| fail(format!("tensor {name}: dtype {:?}", info.dtype)))?;
        let (begin, end) = info.data_offsets;
        tensors.push(StoredTensor {
            path: name,
            dtype,
            dims: info.shape.iter().map(|dim| *dim as u64).collect(),
            offset: 8 + len + begin as u64,
            len: (end - begin) as u64,
        });
    }
    // Empty tensors share an offset.
    tensors.sort_unstable_by(|a, b| (a.offset, &a.path).cmp(&(b.offset, &b.path)));
    Ok(tensors)
}

/// Pairs of equal element types.
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
    // Every type of ours is in the table; a bool has the fewest claims.
    DTYPES
        .iter()
        .find(|pair| pair.0 == ours)
        .map_or(Dtype::BOOL, |pair| pair.1)
}
