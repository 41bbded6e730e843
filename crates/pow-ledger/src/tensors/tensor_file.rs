//! A safetensors file whose tensors are read in any order.

use crate::error::LedgerError;
use crate::open::open_regular;
use crate::tensors::tensor_header::StoredTensor;
use crate::tensors::tensor_reader::{TensorBytes, TensorReader, root, stream};
use pow_core::hash::{ParameterRoot, PlainSha2};
use pow_core::tensor::TensorHasher;
use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

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
    /// Where the data start in the file.
    data_start: u64,
}

impl TensorFile {
    /// Opens the regular file at `path`, which may be a link to one, and reads its header.
    /// [`RunDir`](crate::RunDir) and [`CheckpointFiles`](crate::CheckpointFiles) open
    /// those of a run.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if it is not a regular file. Otherwise as
    /// [`TensorReader::new`].
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::of_file(open_regular(path)?, path)
    }

    /// Reads the header of the file that was opened from `path`.
    ///
    /// # Errors
    ///
    /// As [`TensorReader::new`].
    pub fn of_file(file: File, path: &Path) -> Result<Self, LedgerError> {
        let len = file.metadata().map_err(LedgerError::io(path))?.len();
        let (file, tensors, data_start) = TensorReader::new(file, len, path)?.into_parts();
        Ok(TensorFile {
            path: path.to_owned(),
            file,
            tensors,
            data_start,
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
    /// [`LedgerError::Io`] if the file cannot be read, [`LedgerError::Tensors`] if it was
    /// cut after it was opened, [`LedgerError::NoMemory`] if there is not enough memory.
    pub fn read(&mut self, tensor: &StoredTensor) -> Result<Vec<u8>, LedgerError> {
        self.seek(tensor.offset())?;
        let mut all = Vec::new();
        let one = std::slice::from_ref(tensor);
        stream::<LedgerError>(&mut self.file, one, &self.path, |_, bytes| {
            all = bytes.read_all()?;
            Ok(())
        })?;
        Ok(all)
    }

    /// Computes the root of the file's tensors. It does not depend on their order.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream).
    pub fn root(&mut self) -> Result<ParameterRoot, LedgerError> {
        self.root_with(&PlainSha2)
    }

    /// Like [`root`](Self::root), but `hasher` hashes the chunks.
    ///
    /// # Errors
    ///
    /// As [`root`](Self::root).
    pub fn root_with(&mut self, hasher: &dyn TensorHasher) -> Result<ParameterRoot, LedgerError> {
        self.seek(0)?;
        root(&mut self.file, &self.tensors, &self.path, hasher)
    }

    /// Calls `visit` with each tensor and its bytes, in the order of the file. Bytes that
    /// `visit` leaves are skipped.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the file cannot be read or was cut after it was opened, and what
    /// `visit` returns.
    pub fn stream<E: From<LedgerError>>(
        &mut self,
        visit: impl FnMut(&StoredTensor, &mut TensorBytes<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.seek(0)?;
        stream(&mut self.file, &self.tensors, &self.path, visit)
    }

    /// Goes to a byte of the data.
    fn seek(&mut self, offset: u64) -> Result<(), LedgerError> {
        // A relative seek keeps the buffer.
        let moved = self.file.stream_position().and_then(|here| {
            let by = (self.data_start + offset).wrapping_sub(here) as i64;
            self.file.seek_relative(by)
        });
        moved.map_err(LedgerError::io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::write::{Tensor, write_tensors};
    use pow_core::tensor::{DType, TensorInfo, TensorSet, tensor_leaf};

    #[test]
    fn tensors_are_read_again_and_in_any_order() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("model.safetensors");
        let tensor = |path, data| {
            let dims: &[u64] = &[2];
            let dtype = DType::U8;
            let info = TensorInfo { path, dtype, dims };
            Tensor { info, data }
        };
        let tensors = [tensor("a", &[1, 2]), tensor("b", &[3, 4])];
        write_tensors(&path, &tensors).unwrap();
        let mut set = TensorSet::new();
        for tensor in &tensors {
            let leaf = tensor_leaf(&tensor.info, tensor.data).unwrap();
            set.insert_leaf(tensor.info.path, leaf).unwrap();
        }

        let mut file = TensorFile::open(&path).unwrap();
        let stored = file.tensors().to_vec();
        for _ in 0..2 {
            assert_eq!(file.root().unwrap(), set.root());
            for at in [1, 0] {
                assert_eq!(stored[at].info(), tensors[at].info);
                assert_eq!(file.read(&stored[at]).unwrap(), tensors[at].data);
            }
            let mut all = Vec::new();
            let seen = file.stream::<LedgerError>(|_, bytes| {
                all.extend(bytes.read_all()?);
                Ok(())
            });
            seen.unwrap();
            assert_eq!(all, [1, 2, 3, 4]);
        }
        let twice = write_tensors(&path, &[tensors[0], tensors[0]]).unwrap_err();
        assert!(
            twice.to_string().ends_with("two tensors have the path a"),
            "{twice}"
        );
    }
}
