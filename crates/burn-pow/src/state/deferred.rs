//! The tensors of a checkpoint. Each is read when Burn asks for it, because a state
//! of many gigabytes must not be in memory twice.

use crate::state::tensors::{ConvertError, NamedTensor, burn_dtype, burn_shape, unnamed};
use burn::tensor::Bytes;
use burn_pack::Error;
use pow_core::hash::ParameterRoot;
use pow_core::tensor::{DType, TensorError, TensorInfo};
use pow_cpu::Lanes;
use pow_ledger::{CheckpointFiles, CheckpointPart, LedgerError, StoredTensor, TensorFile};
use std::sync::{Arc, Mutex, PoisonError};

/// A tensor whose bytes are read from the file each time they are needed.
#[derive(Clone)]
pub(crate) struct DeferredTensor {
    pub(crate) path: String,
    pub(crate) dtype: DType,
    pub(crate) dims: Vec<u64>,
    len: u64,
    bytes: Arc<dyn Fn() -> Result<Bytes, Error> + Send + Sync>,
}

impl DeferredTensor {
    /// The tensors of a checkpoint's file, sorted by path, and the root over them. The
    /// file stays open.
    pub(crate) fn open(
        files: &CheckpointFiles,
        part: CheckpointPart,
    ) -> Result<(Vec<Self>, ParameterRoot), LedgerError> {
        let mut file = files.open_tensors(part)?;
        let root = file.root_with(&Lanes::fastest())?;
        let tensors = file.tensors().to_vec();
        let file = Arc::new(Mutex::new(file));
        let mut deferred: Vec<DeferredTensor> = tensors
            .into_iter()
            .map(|tensor| DeferredTensor::of(&file, tensor))
            .collect();
        // The file may have them in any order.
        deferred.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok((deferred, root))
    }

    fn of(file: &Arc<Mutex<TensorFile>>, tensor: StoredTensor) -> Self {
        let (file, info) = (file.clone(), tensor.info());
        DeferredTensor {
            path: info.path.into(),
            dtype: info.dtype,
            dims: info.dims.to_vec(),
            len: tensor.byte_len(),
            bytes: Arc::new(move || {
                // A panic during a read leaves at worst another position in the file.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let bytes = file.read(&tensor);
                bytes
                    .map(Bytes::from_bytes_vec)
                    .map_err(|error| Error::IoError(error.to_string()))
            }),
        }
    }

    /// The path, the element type and the dimensions.
    pub(crate) fn info(&self) -> TensorInfo<'_> {
        TensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }

    /// The same tensor under another path.
    pub(crate) fn renamed(self, path: String) -> Self {
        DeferredTensor { path, ..self }
    }

    /// Reads its bytes.
    pub(crate) fn bytes(&self) -> Result<Bytes, Error> {
        (self.bytes)()
    }

    /// The tensor as Burn packs it, under `name`. Its bytes are not read yet.
    pub(crate) fn packed(
        &self,
        name: String,
        id: Option<u64>,
    ) -> Result<burn_pack::Tensor, ConvertError> {
        let info = self.info();
        let dtype = burn_dtype(self.dtype).ok_or_else(|| unnamed(&self.path, self.dtype))?;
        self.packed_as(name, id, burn_shape(&info, self.len)?, dtype)
    }

    /// The same as [`packed`](Self::packed), with the shape and the element type that
    /// the bytes have in Burn.
    pub(crate) fn packed_as(
        &self,
        name: String,
        id: Option<u64>,
        dims: Vec<usize>,
        dtype: burn::tensor::DType,
    ) -> Result<burn_pack::Tensor, ConvertError> {
        let len = usize::try_from(self.len).map_err(|_| TensorError::Length {
            path: self.path.clone(),
            expected: usize::MAX as u64,
            found: self.len,
        })?;
        let bytes = self.bytes.clone();
        let read = move || bytes();
        Ok(burn_pack::Tensor::deferred(
            name, dtype, dims, id, len, read,
        ))
    }
}

impl From<&NamedTensor> for DeferredTensor {
    fn from(tensor: &NamedTensor) -> Self {
        let bytes = tensor.bytes.clone();
        DeferredTensor {
            path: tensor.path.clone(),
            dtype: tensor.dtype,
            dims: tensor.dims.clone(),
            len: bytes.len() as u64,
            bytes: Arc::new(move || Ok(Bytes::clone(&bytes))),
        }
    }
}

/// Reads all parameters of a checkpoint, sorted by path.
pub(crate) fn read_model(files: &CheckpointFiles) -> Result<Vec<NamedTensor>, LedgerError> {
    let mut tensors = Vec::new();
    let mut file = files.open_tensors(CheckpointPart::Model)?;
    file.stream::<LedgerError>(|tensor, bytes| {
        let info = tensor.info();
        let bytes = bytes.read_all()?;
        tensors.push(NamedTensor {
            path: info.path.into(),
            dtype: info.dtype,
            dims: info.dims.to_vec(),
            bytes: Arc::new(Bytes::from_bytes_vec(bytes)),
        });
        Ok(())
    })?;
    tensors.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(tensors)
}
