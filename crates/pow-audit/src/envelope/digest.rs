//! The SHA-256 of files.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// The SHA-256 of everything up to the end, as `sha256sum` prints it. Memory does not grow.
///
/// ```
/// let digest = pow_audit::envelope::file_sha256(&b"abc"[..])?;
/// assert!(pow_audit::hex::to_hex(&digest).starts_with("ba7816bf"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// That of the reader.
pub fn file_sha256(bytes: impl Read) -> io::Result<[u8; 32]> {
    Hashed::new(bytes).finish()
}

/// Hashes what is read through it.
pub(crate) struct Hashed<R> {
    bytes: R,
    digest: Sha256,
}

impl<R: Read> Hashed<R> {
    pub(crate) fn new(bytes: R) -> Self {
        Hashed {
            bytes,
            digest: Sha256::new(),
        }
    }

    /// Reads to the end. The digest is of everything from the first byte on.
    pub(crate) fn finish(mut self) -> io::Result<[u8; 32]> {
        let mut piece = vec![0; 1 << 16];
        loop {
            match self.read(&mut piece) {
                Ok(0) => return Ok(self.digest.finalize().into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.digest.update(&into[..read]);
        Ok(read)
    }
}
