//! The repository's files, as a fresh clone has them.

use super::page::Page;
use std::path::{Component, Path, PathBuf};

/// Paths are relative to the repository's root.
pub struct Repository {
    root: PathBuf,
    /// What programs write: not there in a fresh clone.
    ignored: Vec<PathBuf>,
}

impl Repository {
    /// The one that this test is part of.
    pub fn this() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let rules = std::fs::read_to_string(root.join(".gitignore")).unwrap();
        let ignored = rules.lines().filter_map(|rule| rule.strip_prefix('/'));
        Repository {
            ignored: ignored.map(PathBuf::from).collect(),
            root,
        }
    }

    /// Whether it is a file or a directory, and not one that programs write.
    pub fn has(&self, path: &Path) -> bool {
        normal(path).is_some_and(|path| !self.is_ignored(&path) && self.root.join(path).exists())
    }

    /// Whether it is, or lies in, something that programs write.
    pub fn is_ignored(&self, path: &Path) -> bool {
        self.ignored.iter().any(|ignored| path.starts_with(ignored))
    }

    /// Whether a word in a command begins with a directory of the repository.
    pub fn is_source(&self, word: &str) -> bool {
        let first = word.split('/').next().unwrap_or_default();
        !self.is_ignored(Path::new(word)) && self.root.join(first).is_dir()
    }

    /// What lies in a directory, in the order of names.
    pub fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.root.join(folder)).unwrap();
        let mut paths: Vec<_> = entries
            .map(|entry| folder.join(entry.unwrap().file_name()))
            .collect();
        paths.sort();
        paths
    }

    /// A Markdown file.
    pub fn page(&self, path: &Path) -> Page {
        let text = std::fs::read_to_string(self.root.join(path)).unwrap();
        Page::new(path.to_owned(), &text)
    }
}

/// The path without `.` and `..`; `None` if it leads out of the repository.
pub fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}
