//! The root of a published model, and those of its tensors.

use super::Workers;
use super::pieces::{FilePieces, StreamPieces, data_roots};
use pow_core::draft::{AnyDType, AnyTensorInfo, AnyTensorSet, ModelRoot};
use pow_core::hash::TreeRoot;
use pow_ledger::LedgerError;
use pow_ledger::published::{PublishedModel, PublishedTensor, TensorStream};
use std::io::Read;
use std::path::Path;

/// The root of a model, and those of its tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The root. If all element types are of version 1, it is the parameter root that a run's
    /// blocks commit to.
    pub root: ModelRoot,
    /// The tensors, sorted by the bytes of their paths.
    pub tensors: Vec<TensorFingerprint>,
}

/// The roots of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorFingerprint {
    /// Path within the model.
    pub path: Box<str>,
    /// Element type.
    pub dtype: AnyDType,
    /// Dimensions, row-major; empty for a scalar.
    pub dims: Box<[u64]>,
    /// Length in bytes.
    pub byte_len: u64,
    /// The root over its bytes alone. Tensors of the same bytes have the same, whatever their
    /// paths.
    pub data: TreeRoot,
    /// The leaf, which binds path, element type, dims and bytes.
    pub leaf: [u8; 32],
}

impl Fingerprint {
    /// Bytes of all tensors.
    pub fn byte_len(&self) -> u64 {
        self.tensors
            .iter()
            .fold(0, |sum, tensor| sum.saturating_add(tensor.byte_len))
    }
}

/// Computes the root of a published model. It is the same however the tensors are divided
/// over files, and in whichever order they lie there.
///
/// # Errors
///
/// [`LedgerError`] if a file cannot be read, or was cut after it was opened.
///
/// ```
/// use pow_audit::published::{Workers, fingerprint};
/// use pow_core::draft::ModelRoot;
/// use pow_core::hash::PlainSha2;
/// use pow_core::tensor::{DType, TensorInfo, TensorSet};
/// use pow_ledger::published::PublishedModel;
/// use pow_ledger::{Tensor, write_tensors};
///
/// let dir = tempfile::tempdir()?;
/// let info = TensorInfo { path: "bias", dtype: DType::U8, dims: &[2] };
/// let data = [3, 4];
/// write_tensors(&dir.path().join("model.safetensors"), &[Tensor { info, data: &data }])?;
/// let mut set = TensorSet::new();
/// set.insert(&info, &data)?;
///
/// let threads = std::thread::available_parallelism()?;
/// let workers = Workers { hasher: &PlainSha2, threads, progress: &|_| {} };
/// let found = fingerprint(&PublishedModel::open(dir.path())?, &workers)?;
/// assert_eq!(found.root, ModelRoot::V1(set.root()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fingerprint(
    model: &PublishedModel,
    workers: &Workers<'_>,
) -> Result<Fingerprint, LedgerError> {
    let tensors: Vec<_> = model.tensors().collect();
    let lens: Vec<u64> = lens(tensors.iter().map(|(_, tensor)| *tensor));
    let roots = data_roots(&FilePieces::new(tensors), &lens, workers)?;
    let tensors = model.tensors().map(|(_, tensor)| tensor);
    whole(model.path(), tensors, roots)
}

/// Computes the root of a model that comes through a pipe. `path` is its name in errors.
///
/// # Errors
///
/// [`LedgerError`] if the stream cannot be read, is malformed or does not end where its last
/// tensor does.
pub fn fingerprint_stream(
    bytes: impl Read + Send,
    path: &Path,
    workers: &Workers<'_>,
) -> Result<Fingerprint, LedgerError> {
    let stream = TensorStream::new(bytes, path)?;
    let lens = lens(stream.tensors().iter());
    let pieces = StreamPieces::new(stream);
    let roots = data_roots(&pieces, &lens, workers)?;
    whole(path, pieces.into_stream().tensors().iter(), roots)
}

fn lens<'a>(tensors: impl Iterator<Item = &'a PublishedTensor>) -> Vec<u64> {
    tensors.map(PublishedTensor::byte_len).collect()
}

/// Puts the roots of tensors, in the same order, together.
fn whole<'a>(
    path: &Path,
    tensors: impl Iterator<Item = &'a PublishedTensor>,
    roots: Vec<TreeRoot>,
) -> Result<Fingerprint, LedgerError> {
    let mut set = AnyTensorSet::new();
    let mut found = Vec::with_capacity(roots.len());
    for (tensor, data) in tensors.zip(roots) {
        let info = tensor.info();
        let leaf = set
            .insert(&info, data)
            .map_err(|error| LedgerError::Tensors {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        found.push(TensorFingerprint {
            path: info.path.into(),
            dtype: info.dtype,
            dims: info.dims.into(),
            byte_len: tensor.byte_len(),
            data,
            leaf,
        });
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Fingerprint {
        root: set.root(),
        tensors: found,
    })
}

impl TensorFingerprint {
    /// Path, element type and dims.
    pub fn info(&self) -> AnyTensorInfo<'_> {
        AnyTensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }
}
