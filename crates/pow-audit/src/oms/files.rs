//! The files of a model: one, or all in a directory.

use super::error::OmsError;
use pow_ledger::LedgerError;
use pow_ledger::open::{open_inside, open_regular};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Component, Path, PathBuf};

/// The most files of a model.
pub(super) const MAX_FILES: usize = 1 << 20;

/// What OMS always leaves out, at the top of a model.
pub(super) const ALWAYS_IGNORED: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// What belongs to a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// Files and directories to leave out, as paths within the model, with `/`.
    pub ignore: Vec<String>,
    /// A file that is none of the model's wherever it lies: its signature.
    pub signature: Option<PathBuf>,
    /// Whether a model may have files that were not signed.
    pub allow_unsigned: bool,
}

/// A model's files.
pub(super) struct ModelFiles {
    /// The last part of the model's path.
    pub(super) name: String,
    root: PathBuf,
    /// By the path within the model, with `/`. Empty for a model of one file.
    files: BTreeMap<String, PathBuf>,
    is_file: bool,
}

impl ModelFiles {
    /// Lists a model. `ignored` are paths within it. A path that leads out of it ignores
    /// nothing.
    pub(super) fn list(
        model: &Path,
        ignored: &[String],
        signature: Option<&Path>,
    ) -> Result<Self, OmsError> {
        let meta = std::fs::metadata(model).map_err(io(model))?;
        let mut found = ModelFiles {
            name: name(model)?,
            root: model.to_owned(),
            files: BTreeMap::new(),
            is_file: meta.is_file(),
        };
        if found.is_file {
            found.files.insert(found.name.clone(), PathBuf::new());
            return Ok(found);
        }
        if !meta.is_dir() {
            return Err(OmsError::Special(model.to_owned()));
        }
        let signature = signature.and_then(|path| path.canonicalize().ok());
        let mut directories = vec![(PathBuf::new(), String::new())];
        while let Some((directory, before)) = directories.pop() {
            let path = model.join(&directory);
            for entry in std::fs::read_dir(&path).map_err(io(&path))? {
                let entry = entry.map_err(io(&path))?;
                let file_name = entry.file_name();
                let inside = directory.join(&file_name);
                let path = entry.path();
                let text = file_name.to_str().ok_or(OmsError::Name(path.clone()))?;
                let name = format!("{before}{text}");
                let kind = entry.file_type().map_err(io(&path))?;
                if ignored.contains(&name) || is_same(&path, signature.as_deref()) {
                    continue;
                }
                if kind.is_symlink() {
                    return Err(OmsError::Link(path));
                }
                if kind.is_dir() {
                    directories.push((inside, format!("{name}/")));
                } else if kind.is_file() {
                    found.files.insert(name, inside);
                } else {
                    return Err(OmsError::Special(path));
                }
                if found.files.len() + directories.len() > MAX_FILES {
                    return Err(OmsError::ManyFiles);
                }
            }
        }
        Ok(found)
    }

    /// Whether the model is one file.
    pub(super) fn is_file(&self) -> bool {
        self.is_file
    }

    /// The names of its files.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.files.keys()
    }

    /// Opens a file by its name. No link within the model is followed.
    pub(super) fn open(&self, name: &str) -> Result<(File, PathBuf), OmsError> {
        match self.files.get(name) {
            Some(inside) if !self.is_file => {
                Ok((open_inside(&self.root, inside)?, self.root.join(inside)))
            }
            _ => Ok((open_regular(&self.root)?, self.root.clone())),
        }
    }
}

/// The paths to leave out, without a slash at the end.
pub(super) fn ignored(options: &ModelOptions) -> Result<Vec<String>, OmsError> {
    let paths = options.ignore.iter().map(|path| {
        let parts = Path::new(path).components();
        let mut parts = parts.map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        });
        let is_inside = !path.is_empty() && parts.all(|part| part.is_some());
        let has_pattern = path.contains(['*', '?', '[']);
        match path.trim_end_matches('/') {
            path if is_inside && !has_pattern => Ok(path.to_owned()),
            _ => Err(OmsError::Ignored(path.clone())),
        }
    });
    paths.collect()
}

fn is_same(path: &Path, signature: Option<&Path>) -> bool {
    signature.is_some_and(|signature| path.canonicalize().is_ok_and(|path| path == signature))
}

/// The last part of a path, also of `.` or `..`.
fn name(model: &Path) -> Result<String, OmsError> {
    let whole;
    let name = match model.file_name() {
        Some(name) => Some(name),
        None => {
            whole = model.canonicalize().map_err(io(model))?;
            whole.file_name()
        }
    };
    let name = name.map_or(Some("model"), |name| name.to_str());
    Ok(name.ok_or(OmsError::Name(model.to_owned()))?.to_owned())
}

pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OmsError {
    let path = path.to_owned();
    |source| OmsError::Ledger(LedgerError::Io { path, source })
}
