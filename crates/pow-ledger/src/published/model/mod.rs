//! A published model: one tensor file, or several and their index.

use super::PublishedTensor;
use super::error::{IndexError, PublishedError};
use super::index::{Index, MAX_INDEX_LEN};
use super::model_file::ModelFile;
use crate::error::LedgerError;
use crate::open::{kind_at, open_inside, open_regular, read_limited};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Name of the tensor file in the directory of a model of one file.
pub const MODEL_FILE: &str = "model.safetensors";

/// Name of the index in the directory of a model of several files.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// An open published model. The headers of its files are in memory, and all its files are
/// open.
///
/// ```
/// use pow_core::tensor::{DType, TensorInfo};
/// use pow_ledger::published::PublishedModel;
/// use pow_ledger::{Tensor, write_tensors};
///
/// let dir = tempfile::tempdir()?;
/// let info = TensorInfo { path: "bias", dtype: DType::U8, dims: &[2] };
/// let bias = Tensor { info, data: &[3, 4] };
/// write_tensors(&dir.path().join("model.safetensors"), &[bias])?;
///
/// let model = PublishedModel::open(dir.path())?;
/// let (file, bias) = model.tensors().next().ok_or("no tensor")?;
/// let mut last = [0];
/// file.read_at(bias, 1, &mut last)?;
/// assert_eq!(last, [4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PublishedModel {
    path: PathBuf,
    files: Vec<ModelFile>,
}

impl PublishedModel {
    /// Opens the model at `path`: a safetensors file, an index (its name ends in `.json`),
    /// or a directory that has a [`MODEL_FILE`] or an [`INDEX_FILE`]. `path` may be a link.
    /// What is beside an index or in a directory is not reached through a link.
    ///
    /// # Errors
    ///
    /// [`PublishedError`] if a file cannot be read or is malformed, if the files and the
    /// index do not have exactly the same tensors, or if a directory has no model or two.
    pub fn open(path: &Path) -> Result<Self, PublishedError> {
        let is_dir = std::fs::metadata(path)
            .map_err(LedgerError::io(path))?
            .is_dir();
        let files = if is_dir {
            open_directory(path)?
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let directory = path.parent().unwrap_or(Path::new(""));
            open_shards(open_regular(path)?, path, directory)?
        } else {
            vec![ModelFile::of_file(open_regular(path)?, path)?]
        };
        Ok(PublishedModel {
            path: path.to_owned(),
            files,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its files.
    pub fn files(&self) -> &[ModelFile] {
        &self.files
    }

    /// Its tensors and their files, file by file. No two have the same path.
    pub fn tensors(&self) -> impl Iterator<Item = (&ModelFile, &PublishedTensor)> {
        self.files
            .iter()
            .flat_map(|file| file.tensors().iter().map(move |tensor| (file, tensor)))
    }

    /// Bytes of all tensors.
    pub fn byte_len(&self) -> u64 {
        // Each length is a part of a file's, so only made-up file systems get to the end.
        self.tensors()
            .fold(0, |sum, (_, tensor)| sum.saturating_add(tensor.byte_len()))
    }
}

fn open_directory(path: &Path) -> Result<Vec<ModelFile>, PublishedError> {
    let (model, index) = (path.join(MODEL_FILE), path.join(INDEX_FILE));
    let there = (kind_at(&model)?.is_some(), kind_at(&index)?.is_some());
    match there {
        (true, true) => Err(PublishedError::TwoModels(path.to_owned())),
        (false, false) => Err(PublishedError::NoModel(path.to_owned())),
        (true, false) => {
            let file = open_inside(path, Path::new(MODEL_FILE))?;
            Ok(vec![ModelFile::of_file(file, &model)?])
        }
        (false, true) => open_shards(open_inside(path, Path::new(INDEX_FILE))?, &index, path),
    }
}

/// The files that an index names. They are in `directory`.
fn open_shards(
    index: File,
    path: &Path,
    directory: &Path,
) -> Result<Vec<ModelFile>, PublishedError> {
    let wrong = |source| PublishedError::Index {
        path: path.to_owned(),
        source,
    };
    let mut index = Index::read(&read_limited(index, path, MAX_INDEX_LEN)?).map_err(wrong)?;
    let mut files = Vec::new();
    for (place, name) in index.files.iter().enumerate() {
        let opened = open_inside(directory, Path::new(name)).map_err(|error| match error {
            LedgerError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
                wrong(IndexError::MissingFile { file: name.clone() })
            }
            error => error.into(),
        })?;
        let file = ModelFile::of_file(opened, &directory.join(name))?;
        for tensor in file.tensors() {
            let tensor = tensor.info().path;
            let expected = index.tensors.get_mut(tensor);
            if let Some(expected) = expected
                && expected.file == place as u32
            {
                expected.is_found = true;
            } else {
                return Err(wrong(IndexError::OtherTensor {
                    tensor: tensor.into(),
                    file: name.clone(),
                    expected: index
                        .tensors
                        .get(tensor)
                        .map(|expected| index.files[expected.file as usize].clone()),
                }));
            }
        }
        files.push(file);
    }
    if let Some((tensor, expected)) = index.tensors.iter().find(|(_, tensor)| !tensor.is_found) {
        return Err(wrong(IndexError::MissingTensor {
            tensor: tensor.to_string(),
            file: index.files[expected.file as usize].clone(),
        }));
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
