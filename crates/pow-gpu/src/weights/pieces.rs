//! Pieces of tensors, and the windows through which kernels see them.

use super::limits::Cut;
use super::plan::Window;
use pow_kernels::tree::CHUNK_LEN;

/// Whole chunks of a tensor that follow each other and begin at a unit of 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub tensor: usize,
    pub buffer: usize,
    /// Where the first chunk begins in the buffer.
    pub offset: u64,
    /// Where it begins in the tensor.
    pub first: u64,
    pub chunks: u64,
    /// The place of the first digest.
    pub out: u32,
}

impl Piece {
    /// The same chunks, to be copied.
    pub fn staged(&self) -> Staged {
        Staged {
            tensor: self.tensor,
            first: self.first,
            len: self.chunks * u64::from(CHUNK_LEN),
            out: self.out,
        }
    }
}

/// Bytes of a tensor that are copied before they are hashed. They begin at a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staged {
    pub tensor: usize,
    /// The first byte in the tensor.
    pub first: u64,
    /// How many bytes, at least one.
    pub len: u64,
    /// The place of the first digest.
    pub out: u32,
}

/// A window, and the pieces that are seen through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub window: Window,
    pub pieces: Vec<Piece>,
}

impl Seen {
    pub fn chunks(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.chunks).sum()
    }

    /// How many chunks from this offset on fit into the window, if it is lengthened.
    fn room(&self, piece: &Piece, cut: &Cut) -> u64 {
        // The rest of a divided piece may begin after the next one.
        if self.window.buffer != piece.buffer || piece.offset < self.window.offset {
            return 0;
        }
        let end = self.window.offset + cut.window;
        end.saturating_sub(piece.offset) / u64::from(CHUNK_LEN)
    }

    fn add(&mut self, piece: Piece) {
        let end = piece.offset + piece.chunks * u64::from(CHUNK_LEN);
        let len = end - self.window.offset;
        self.window.len = self.window.len.max(len);
        self.pieces.push(piece);
    }
}

/// The windows for all pieces. A piece that is larger than a window is divided.
pub fn windows(mut pieces: Vec<Piece>, cut: &Cut) -> Vec<Seen> {
    pieces.sort_by_key(|piece| (piece.buffer, piece.offset));
    let mut windows: Vec<Seen> = Vec::new();
    for mut piece in pieces {
        while piece.chunks > 0 {
            let room = windows.last().map_or(0, |seen| seen.room(&piece, cut));
            if room == 0 {
                windows.push(Seen {
                    window: Window {
                        buffer: piece.buffer,
                        offset: piece.offset - piece.offset % cut.align,
                        len: 0,
                    },
                    pieces: Vec::new(),
                });
                continue;
            }
            let chunks = piece.chunks.min(room);
            if let Some(seen) = windows.last_mut() {
                seen.add(Piece { chunks, ..piece });
            }
            let len = chunks * u64::from(CHUNK_LEN);
            piece.offset += len;
            piece.first += len;
            piece.chunks -= chunks;
            piece.out += chunks as u32;
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUT: Cut = Cut {
        align: 256,
        window: 3 * 4096,
        staging: 1,
        pass: 1,
        direct: 1,
        sources: 2,
        digests: 100,
    };

    fn piece(buffer: usize, offset: u64, chunks: u64, out: u32) -> Piece {
        Piece {
            tensor: 7,
            buffer,
            offset,
            first: 0,
            chunks,
            out,
        }
    }

    fn seen(window: (usize, u64, u64), pieces: Vec<Piece>) -> Seen {
        let (buffer, offset, len) = window;
        let window = Window {
            buffer,
            offset,
            len,
        };
        Seen { window, pieces }
    }

    #[test]
    fn pieces_of_a_buffer_share_windows_and_large_ones_are_divided() {
        // The third chunk would end 16 bytes after the window that begins at 256.
        let large = piece(0, 272, 4, 10);
        let expected = [
            seen((0, 256, 16 + 2 * 4096), vec![Piece { chunks: 2, ..large }]),
            seen(
                (0, 256 + 2 * 4096, 16 + 2 * 4096),
                vec![Piece {
                    offset: 272 + 2 * 4096,
                    first: 2 * 4096,
                    chunks: 2,
                    out: 12,
                    ..large
                }],
            ),
        ];
        assert_eq!(windows(vec![large], &CUT), expected);

        let (first, second) = (piece(0, 0, 1, 7), piece(0, 8192, 1, 6));
        let other = piece(1, 0, 1, 5);
        let expected = [
            seen((0, 0, 3 * 4096), vec![first, second]),
            seen((1, 0, 4096), vec![other]),
        ];
        assert_eq!(windows(vec![other, second, first], &CUT), expected);
    }

    #[test]
    fn a_piece_before_the_rest_of_another_gets_its_own_window() {
        let found = windows(vec![piece(0, 0, 5, 10), piece(0, 4096, 1, 20)], &CUT);
        for seen in &found {
            assert!(seen.window.len <= CUT.window);
            for piece in &seen.pieces {
                let end = piece.offset + 4096 * piece.chunks;
                assert!(seen.window.offset <= piece.offset);
                assert!(end <= seen.window.offset + seen.window.len);
            }
        }
        let chunks: u64 = found.iter().map(Seen::chunks).sum();
        assert_eq!(chunks, 6);
    }
}
