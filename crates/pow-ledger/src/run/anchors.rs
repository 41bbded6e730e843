//! The anchors of a run: proofs of when a block was there, which others made. They lie
//! beside the chain, in `anchors/`, each under the digest of its bytes.

use crate::error::LedgerError;
use crate::files::sync_dir;
use crate::run::beside::{make_dir, named_in, write_once};
use crate::run::run_dir::RunDir;
use pow_core::hash::FileDigest;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The directory of the anchors, in the run's directory.
const ANCHORS: &str = "anchors";

/// The name of an anchor: what its bytes are, and their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnchorFile {
    /// Digest of the file's bytes. A file with other bytes is damaged.
    pub digest: FileDigest,
    /// What it is.
    pub kind: AnchorKind,
}

/// The format of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AnchorKind {
    /// An OpenTimestamps proof, `.ots`.
    OpenTimestamps,
    /// A timestamp of a TSA by RFC 3161, `.tsr`: its answer, or the token alone.
    Rfc3161,
}

impl AnchorKind {
    const ALL: [AnchorKind; 2] = [AnchorKind::OpenTimestamps, AnchorKind::Rfc3161];

    fn extension(self) -> &'static str {
        match self {
            AnchorKind::OpenTimestamps => "ots",
            AnchorKind::Rfc3161 => "tsr",
        }
    }
}

impl AnchorFile {
    /// The name of the anchor with these bytes.
    pub fn of(kind: AnchorKind, bytes: &[u8]) -> Self {
        AnchorFile {
            digest: FileDigest::of(bytes),
            kind,
        }
    }

    /// The file's path in the run's directory.
    ///
    /// ```
    /// use pow_core::hash::FileDigest;
    /// use pow_ledger::{AnchorFile, AnchorKind};
    ///
    /// let anchor = AnchorFile { digest: FileDigest([0xab; 32]), kind: AnchorKind::OpenTimestamps };
    /// let name = format!("{}.ots", "ab".repeat(32));
    /// assert_eq!(anchor.path(), std::path::Path::new("anchors").join(name));
    /// ```
    pub fn path(self) -> PathBuf {
        Path::new(ANCHORS).join(format!("{}.{}", self.digest, self.kind.extension()))
    }

    /// The anchor with this file name, if it is the one name of an anchor.
    fn named(name: &str) -> Option<Self> {
        let (digest, extension) = name.split_once('.')?;
        let mut kinds = AnchorKind::ALL.into_iter();
        let anchor = AnchorFile {
            digest: digest.parse().ok()?,
            kind: kinds.find(|kind| kind.extension() == extension)?,
        };
        (anchor.path() == Path::new(ANCHORS).join(name)).then_some(anchor)
    }
}

impl RunDir {
    /// The anchors of the run, in the order of their digests. Other names in their
    /// directory have no meaning. If the directory is missing, there are none.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if the directory is a link or no directory,
    /// [`LedgerError::Io`] if it cannot be read.
    pub fn anchors(&self) -> Result<BTreeSet<AnchorFile>, LedgerError> {
        named_in(&self.path().join(ANCHORS), AnchorFile::named)
    }

    /// Writes an anchor beside the chain, and returns its path. If the run has it already,
    /// nothing changes. It takes no lock, because the chain's writer never looks there.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if `anchors` is a link or no directory, [`LedgerError::Io`]
    /// if it cannot be written.
    pub fn add_anchor(&self, kind: AnchorKind, bytes: &[u8]) -> Result<PathBuf, LedgerError> {
        let dir = self.path().join(ANCHORS);
        make_dir(&dir)?;
        let path = self.path().join(AnchorFile::of(kind, bytes).path());
        if write_once(&path, bytes)? {
            sync_dir(&dir)?;
            sync_dir(self.path())?;
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_found_again_and_other_names_are_not() {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path());
        assert_eq!(run.anchors().unwrap(), BTreeSet::new());
        let kind = AnchorKind::OpenTimestamps;
        let path = run.add_anchor(kind, b"proof").unwrap();
        assert_eq!(run.add_anchor(kind, b"proof").unwrap(), path);
        assert_eq!(std::fs::read(&path).unwrap(), b"proof");
        let dir = place.path().join(ANCHORS);
        let upper = "AB".repeat(32) + ".ots";
        for other in ["notes.txt", "00.ots", &upper, &"ab".repeat(32)] {
            std::fs::write(dir.join(other), "").unwrap();
        }
        let anchor = AnchorFile::of(kind, b"proof");
        assert_eq!(run.anchors().unwrap(), [anchor].into());
        assert_eq!(place.path().join(anchor.path()), path);
        let token = AnchorFile::of(AnchorKind::Rfc3161, b"token");
        let path = run.add_anchor(token.kind, b"token").unwrap();
        assert_eq!(path.extension(), Some("tsr".as_ref()));
        assert_eq!(run.anchors().unwrap(), [anchor, token].into());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_or_read_through_a_link() {
        let place = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path());
        std::os::unix::fs::symlink(elsewhere.path(), place.path().join(ANCHORS)).unwrap();
        assert!(matches!(run.anchors(), Err(LedgerError::Kind { .. })));
        let added = run.add_anchor(AnchorKind::OpenTimestamps, b"proof");
        assert!(matches!(added, Err(LedgerError::Kind { .. })));
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
