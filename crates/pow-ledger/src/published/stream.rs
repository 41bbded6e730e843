//! A published model that is read once, from its first byte to its last.

use super::PublishedTensor;
use super::model_file::cut;
use crate::error::LedgerError;
use crate::tensors::tensor_reader::header;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// A safetensors file that comes through a pipe. Its header is in memory, and its length is
/// not known.
#[derive(Debug)]
pub struct TensorStream<R> {
    path: PathBuf,
    bytes: BufReader<R>,
    tensors: Vec<PublishedTensor>,
    /// The tensor that is read, and how many of its bytes were.
    tensor: usize,
    offset: u64,
}

impl<R: Read> TensorStream<R> {
    /// Reads the header. `path` is the stream's name in errors.
    ///
    /// # Errors
    ///
    /// As [`TensorReader::new`](crate::TensorReader::new).
    pub fn new(bytes: R, path: &Path) -> Result<Self, LedgerError> {
        let mut bytes = BufReader::new(bytes);
        let (tensors, _) = header(&mut bytes, None, path)?;
        Ok(TensorStream {
            path: path.to_owned(),
            bytes,
            tensors,
            tensor: 0,
            offset: 0,
        })
    }

    /// The tensors, in the order of their bytes.
    pub fn tensors(&self) -> &[PublishedTensor] {
        &self.tensors
    }

    /// Reads the bytes that follow into `piece`, at most `most` of them, 1 or more, and all
    /// of one tensor. Returns the tensor's place in [`tensors`](Self::tensors) and the
    /// offset of the piece in it. `None` after the last byte of the last tensor. Tensors
    /// without bytes have no piece.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the stream cannot be read, [`LedgerError::Tensors`] if it ends
    /// within a tensor or continues after the last.
    pub fn next_piece(
        &mut self,
        piece: &mut Vec<u8>,
        most: usize,
    ) -> Result<Option<(usize, u64)>, LedgerError> {
        piece.clear();
        let tensor = loop {
            match self.tensors.get(self.tensor) {
                None => return self.end().map(|()| None),
                Some(tensor) if self.offset < tensor.byte_len() => break tensor,
                Some(_) => (self.tensor, self.offset) = (self.tensor + 1, 0),
            }
        };
        let wanted = (tensor.byte_len() - self.offset).min(most as u64);
        let mut bytes = self.bytes.by_ref().take(wanted);
        let read = bytes.read_to_end(piece);
        let read = read.map_err(LedgerError::io(&self.path))? as u64;
        if read != wanted {
            return Err(cut(&self.path, tensor));
        }
        let place = (self.tensor, self.offset);
        self.offset += read;
        Ok(Some(place))
    }

    /// Checks that nothing follows.
    fn end(&mut self) -> Result<(), LedgerError> {
        let mut next = Vec::new();
        let mut bytes = self.bytes.by_ref().take(1);
        bytes
            .read_to_end(&mut next)
            .map_err(LedgerError::io(&self.path))?;
        match next.is_empty() {
            true => Ok(()),
            false => Err(LedgerError::Tensors {
                path: self.path.clone(),
                reason: "bytes follow the last tensor".into(),
            }),
        }
    }

    /// The tensors, without the stream.
    pub fn into_tensors(self) -> Vec<PublishedTensor> {
        self.tensors
    }
}
