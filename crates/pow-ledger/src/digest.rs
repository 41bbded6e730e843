//! The digest of a file, without holding the file in memory.

use pow_core::hash::{FileDigest, Tag};
use std::io::Read;

/// The most bytes that are in memory at once.
const PIECE: usize = 1 << 14;

/// The digest of a file's bytes, which are read piece by piece.
///
/// # Errors
///
/// Those of `file`.
pub fn file_digest(mut file: impl Read) -> std::io::Result<FileDigest> {
    let mut hasher = Tag::File.hasher();
    let mut piece = Vec::with_capacity(PIECE);
    while file.by_ref().take(PIECE as u64).read_to_end(&mut piece)? > 0 {
        hasher.update(&piece);
        piece.clear();
    }
    Ok(FileDigest(hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_the_digest_of_the_whole() {
        for len in [0, 1, PIECE, PIECE + 1, 100_000] {
            let bytes = vec![7; len];
            assert_eq!(file_digest(&bytes[..]).unwrap(), FileDigest::of(&bytes));
        }
    }
}
