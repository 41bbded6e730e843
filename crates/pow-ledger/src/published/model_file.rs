//! A tensor file of a published model, read at any place and by several threads.

use super::PublishedTensor;
use crate::error::LedgerError;
use crate::tensors::tensor_reader::header;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

/// A tensor file of a published model. Its header is in memory.
#[derive(Debug)]
pub struct ModelFile {
    path: PathBuf,
    file: File,
    #[cfg(not(any(unix, windows)))]
    place: std::sync::Mutex<()>,
    tensors: Vec<PublishedTensor>,
    data_start: u64,
}

impl ModelFile {
    /// Reads the header of the regular file that was opened from `path`.
    pub(super) fn of_file(file: File, path: &Path) -> Result<Self, LedgerError> {
        let len = file.metadata().map_err(LedgerError::io(path))?.len();
        let (tensors, data_start) = header(&mut BufReader::new(&file), Some(len), path)?;
        Ok(ModelFile {
            path: path.to_owned(),
            file,
            #[cfg(not(any(unix, windows)))]
            place: std::sync::Mutex::new(()),
            tensors,
            data_start,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its tensors, in the order of their bytes.
    pub fn tensors(&self) -> &[PublishedTensor] {
        &self.tensors
    }

    /// Reads the bytes of one of its tensors from byte `offset` on, until `piece` is full.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the file cannot be read, [`LedgerError::Tensors`] if it was
    /// cut after it was opened.
    ///
    /// # Panics
    ///
    /// If the tensor ends before `piece` is full.
    pub fn read_at(
        &self,
        tensor: &PublishedTensor,
        offset: u64,
        piece: &mut [u8],
    ) -> Result<(), LedgerError> {
        let end = offset.checked_add(piece.len() as u64);
        assert!(
            end.is_some_and(|end| end <= tensor.byte_len()),
            "the piece ends after the tensor"
        );
        // The header matches the file, so this does not overflow.
        let mut at = self.data_start + tensor.offset() + offset;
        let mut filled = 0;
        while filled < piece.len() {
            match self.read_some(&mut piece[filled..], at) {
                Ok(0) => return Err(cut(&self.path, tensor)),
                Ok(read) => {
                    filled += read;
                    at += read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(LedgerError::io(&self.path)(error)),
            }
        }
        Ok(())
    }

    #[cfg(unix)]
    fn read_some(&self, piece: &mut [u8], at: u64) -> std::io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, piece, at)
    }

    #[cfg(windows)]
    fn read_some(&self, piece: &mut [u8], at: u64) -> std::io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, piece, at)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_some(&self, piece: &mut [u8], at: u64) -> std::io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        let _place = self.place.lock();
        (&self.file).seek(SeekFrom::Start(at))?;
        (&self.file).read(piece)
    }
}

/// The error that a file ends within a tensor.
pub(super) fn cut(path: &Path, tensor: &PublishedTensor) -> LedgerError {
    LedgerError::Tensors {
        path: path.to_owned(),
        reason: format!("the file was cut within tensor {}", tensor.info().path),
    }
}
