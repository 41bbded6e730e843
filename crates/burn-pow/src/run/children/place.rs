//! The directory that parent and child share.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest file that the parent reads, in bytes.
const MAX_LEN: u64 = 1 << 20;

/// The shared directory. The parent writes `job`, the child the other files.
#[derive(Clone, Debug)]
pub(super) struct Place(pub(super) PathBuf);

impl Place {
    /// What the child is to do.
    pub(super) fn job(&self) -> PathBuf {
        self.0.join("job")
    }

    /// The child's memory limit, if it has one.
    pub(super) fn memory(&self) -> PathBuf {
        self.0.join("memory")
    }

    /// How many entries the child has compared, and how many steps it has taken.
    pub(super) fn progress(&self) -> PathBuf {
        self.0.join("progress")
    }

    /// What the child knows about the machine, before it has a result.
    pub(super) fn machine(&self) -> PathBuf {
        self.0.join("machine")
    }

    /// What came out.
    pub(super) fn result(&self) -> PathBuf {
        self.0.join("result")
    }
}

/// Writes a file that appears whole.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes)?;
    fs::rename(beside, path)
}

/// Reads a file of the child. `None` if there is none yet.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_LEN).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
