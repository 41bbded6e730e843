//! The digest of a file, without holding the file in memory.

use pow_core::hash::{FileDigest, Tag};
use std::io::{ErrorKind, Read};

/// The digest of a file's bytes, which are read piece by piece.
///
/// # Errors
///
/// Those of `file`.
pub fn file_digest(mut file: impl Read) -> std::io::Result<FileDigest> {
    let mut hasher = Tag::File.hasher();
    let mut piece = [0; 1 << 14];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(FileDigest(hasher.finish())),
            Ok(len) => hasher.update(&piece[..len]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_the_digest_of_the_whole() {
        for len in [0, 1, 1 << 14, (1 << 14) + 1, 100_000] {
            let bytes = vec![7; len];
            assert_eq!(file_digest(&bytes[..]).unwrap(), FileDigest::of(&bytes));
        }
    }
}
