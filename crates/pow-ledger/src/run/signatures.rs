//! The signatures of a run: each over a statement about its chain. They lie beside the
//! chain, in `signatures/`, each under the digest of its bytes, with its statement.

use crate::error::LedgerError;
use crate::files::sync_dir;
use crate::run::beside::{make_dir, named_in, write_once};
use crate::run::run_dir::RunDir;
use pow_core::hash::FileDigest;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The directory of the signatures, in the run's directory.
const SIGNATURES: &str = "signatures";

/// The name of a signature: what its bytes are, and their digest. Its statement has the
/// same name with another extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignatureFile {
    /// Digest of the signature's bytes. A file with other bytes is damaged.
    pub digest: FileDigest,
    /// What it is.
    pub kind: SignatureKind,
}

/// The format of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SignatureKind {
    /// An SSH signature, as `ssh-keygen -Y sign` writes it: `.sig`.
    Ssh,
    /// A minisign signature, `.minisig`.
    Minisign,
}

impl SignatureKind {
    fn extension(self) -> &'static str {
        match self {
            SignatureKind::Ssh => "sig",
            SignatureKind::Minisign => "minisig",
        }
    }
}

impl SignatureFile {
    /// The name of the signature with these bytes.
    pub fn of(kind: SignatureKind, bytes: &[u8]) -> Self {
        SignatureFile {
            digest: FileDigest::of(bytes),
            kind,
        }
    }

    /// The signature's path in the run's directory.
    ///
    /// ```
    /// use pow_core::hash::FileDigest;
    /// use pow_ledger::{SignatureFile, SignatureKind};
    /// use std::path::Path;
    ///
    /// let file = SignatureFile { digest: FileDigest([0xab; 32]), kind: SignatureKind::Ssh };
    /// let stem = "ab".repeat(32);
    /// assert_eq!(file.path(), Path::new("signatures").join(format!("{stem}.sig")));
    /// assert_eq!(file.statement_path(), Path::new("signatures").join(format!("{stem}.txt")));
    /// ```
    pub fn path(self) -> PathBuf {
        self.with_extension(self.kind.extension())
    }

    /// The path of the statement that is signed, in the run's directory.
    pub fn statement_path(self) -> PathBuf {
        self.with_extension("txt")
    }

    fn with_extension(self, extension: &str) -> PathBuf {
        Path::new(SIGNATURES).join(format!("{}.{extension}", self.digest))
    }

    /// The signature with this file name, if it is the one name of a signature.
    fn named(name: &str) -> Option<Self> {
        let (digest, extension) = name.split_once('.')?;
        let kinds = [SignatureKind::Ssh, SignatureKind::Minisign];
        let file = SignatureFile {
            digest: digest.parse().ok()?,
            kind: kinds
                .into_iter()
                .find(|kind| kind.extension() == extension)?,
        };
        (file.path() == Path::new(SIGNATURES).join(name)).then_some(file)
    }
}

impl RunDir {
    /// The signatures of the run, in the order of their digests. Other names in their
    /// directory have no meaning. If the directory is missing, there are none.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if the directory is a link or no directory,
    /// [`LedgerError::Io`] if it cannot be read.
    pub fn signatures(&self) -> Result<BTreeSet<SignatureFile>, LedgerError> {
        named_in(&self.path().join(SIGNATURES), SignatureFile::named)
    }

    /// Writes a signature and its statement beside the chain, and returns the path of the
    /// signature. What the run has already does not change. It takes no lock, because the
    /// chain's writer never looks there.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if `signatures` is a link or no directory, [`LedgerError::Io`]
    /// if something cannot be written.
    pub fn add_signature(
        &self,
        kind: SignatureKind,
        signature: &[u8],
        statement: &[u8],
    ) -> Result<PathBuf, LedgerError> {
        let dir = self.path().join(SIGNATURES);
        make_dir(&dir)?;
        let file = SignatureFile::of(kind, signature);
        // The statement first, so that no signature is seen without one.
        write_once(&self.path().join(file.statement_path()), statement)?;
        let path = self.path().join(file.path());
        write_once(&path, signature)?;
        sync_dir(&dir)?;
        sync_dir(self.path())?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_found_again_with_its_statement() {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path());
        assert_eq!(run.signatures().unwrap(), BTreeSet::new());
        let ssh = run.add_signature(SignatureKind::Ssh, b"one", b"words");
        let ssh = ssh.unwrap();
        let again = run.add_signature(SignatureKind::Ssh, b"one", b"words");
        assert_eq!(again.unwrap(), ssh);
        assert_eq!(std::fs::read(&ssh).unwrap(), b"one");
        let minisign = run.add_signature(SignatureKind::Minisign, b"two", b"words");
        assert_eq!(std::fs::read(minisign.unwrap()).unwrap(), b"two");
        let dir = place.path().join(SIGNATURES);
        let upper = "AB".repeat(32) + ".sig";
        for other in ["id_ed25519", "00.sig", &upper, &"ab".repeat(32)] {
            std::fs::write(dir.join(other), "").unwrap();
        }
        let ssh = SignatureFile::of(SignatureKind::Ssh, b"one");
        let minisign = SignatureFile::of(SignatureKind::Minisign, b"two");
        assert_eq!(run.signatures().unwrap(), [ssh, minisign].into());
        for file in [ssh, minisign] {
            let statement = place.path().join(file.statement_path());
            assert_eq!(std::fs::read(statement).unwrap(), b"words");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_or_read_through_a_link() {
        let place = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path());
        std::os::unix::fs::symlink(elsewhere.path(), place.path().join(SIGNATURES)).unwrap();
        assert!(matches!(run.signatures(), Err(LedgerError::Kind { .. })));
        let added = run.add_signature(SignatureKind::Ssh, b"one", b"words");
        assert!(matches!(added, Err(LedgerError::Kind { .. })));
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
