//! Hashes tensors piece by piece, on several threads.
//!
//! A piece has a power of two of chunks, so the root over its chunks is a node of the tensor's
//! tree, and the tree over these nodes has the tensor's data root.

use super::Workers;
use pow_core::hash::TreeRoot;
use pow_core::merkle::{Frontier, empty_root};
use pow_core::tensor::{CHUNK_LEN, data_root_with};
use pow_ledger::LedgerError;
use pow_ledger::published::{ModelFile, PublishedTensor, TensorStream};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes of a piece: a power of two of chunks. The last piece of a tensor may be shorter.
const PIECE: usize = 512 * CHUNK_LEN;

/// The place of a piece: its tensor and its number in that tensor.
type Place = (usize, u64);

/// Hands out pieces of tensors, in order and each once.
pub(super) trait Pieces: Sync {
    /// Reads the next piece into `piece`. `None` after the last.
    fn next(&self, piece: &mut Vec<u8>) -> Result<Option<Place>, LedgerError>;
}

/// The pieces of a model's files. They are read outside of the lock, by all threads at once.
pub(super) struct FilePieces<'a> {
    tensors: Vec<(&'a ModelFile, &'a PublishedTensor)>,
    next: Mutex<Place>,
}

impl<'a> FilePieces<'a> {
    pub(super) fn new(tensors: Vec<(&'a ModelFile, &'a PublishedTensor)>) -> Self {
        let next = Mutex::new((0, 0));
        FilePieces { tensors, next }
    }

    fn take(&self) -> Option<Place> {
        let mut next = lock(&self.next);
        loop {
            let (_, tensor) = self.tensors.get(next.0)?;
            let place = *next;
            if place.1 < pieces_of(tensor.byte_len()) {
                next.1 += 1;
                return Some(place);
            }
            *next = (place.0 + 1, 0);
        }
    }
}

impl Pieces for FilePieces<'_> {
    fn next(&self, piece: &mut Vec<u8>) -> Result<Option<Place>, LedgerError> {
        let Some(place) = self.take() else {
            return Ok(None);
        };
        let (file, tensor) = self.tensors[place.0];
        let offset = place.1 * PIECE as u64;
        let len = (tensor.byte_len() - offset).min(PIECE as u64);
        piece.resize(len as usize, 0);
        file.read_at(tensor, offset, piece)?;
        Ok(Some(place))
    }
}

/// The pieces of a stream. One thread reads, and the others hash.
pub(super) struct StreamPieces<R>(Mutex<TensorStream<R>>);

impl<R: Read + Send> StreamPieces<R> {
    pub(super) fn new(stream: TensorStream<R>) -> Self {
        StreamPieces(Mutex::new(stream))
    }

    pub(super) fn into_stream(self) -> TensorStream<R> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Read + Send> Pieces for StreamPieces<R> {
    fn next(&self, piece: &mut Vec<u8>) -> Result<Option<Place>, LedgerError> {
        let next = lock(&self.0).next_piece(piece, PIECE)?;
        Ok(next.map(|(tensor, offset)| (tensor, offset / PIECE as u64)))
    }
}

/// The data roots of tensors of these lengths.
pub(super) fn data_roots(
    pieces: &impl Pieces,
    lens: &[u64],
    workers: &Workers<'_>,
) -> Result<Vec<TreeRoot>, LedgerError> {
    let shared = Shared {
        pieces,
        lens,
        roots: Mutex::new(Roots::new(lens.len())),
        failed: AtomicBool::new(false),
    };
    let mut result = Ok(());
    thread::scope(|scope| {
        let others: Vec<_> = (1..workers.threads.get())
            .map(|_| scope.spawn(|| shared.work(workers)))
            .collect();
        result = shared.work(workers);
        for other in others {
            match other.join() {
                Ok(other) => result = std::mem::replace(&mut result, Ok(())).and(other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    result?;
    let roots = shared.roots.into_inner();
    Ok(roots.unwrap_or_else(PoisonError::into_inner).done)
}

struct Shared<'a, P> {
    pieces: &'a P,
    lens: &'a [u64],
    roots: Mutex<Roots>,
    /// Whether a thread met an error. The others then stop, too.
    failed: AtomicBool,
}

impl<P: Pieces> Shared<'_, P> {
    fn work(&self, workers: &Workers<'_>) -> Result<(), LedgerError> {
        let mut piece = Vec::new();
        while !self.failed.load(Ordering::Relaxed) {
            let next = self.pieces.next(&mut piece).inspect_err(|_| {
                self.failed.store(true, Ordering::Relaxed);
            })?;
            let Some((tensor, number)) = next else {
                break;
            };
            let root = data_root_with(&piece, workers.hasher);
            lock(&self.roots).put(tensor, pieces_of(self.lens[tensor]), number, root);
            (workers.progress)(piece.len() as u64);
        }
        Ok(())
    }
}

/// The roots of whole tensors, and the tensors that are being hashed.
struct Roots {
    done: Vec<TreeRoot>,
    growing: BTreeMap<usize, Growing>,
}

/// The tree over a tensor's first pieces, and roots of later ones.
#[derive(Default)]
struct Growing {
    tree: Frontier,
    later: BTreeMap<u64, [u8; 32]>,
}

impl Roots {
    fn new(tensors: usize) -> Self {
        Roots {
            // That of a tensor without bytes.
            done: vec![empty_root(); tensors],
            growing: BTreeMap::new(),
        }
    }

    /// Takes the root of a piece. The tensor has `pieces` of them.
    fn put(&mut self, tensor: usize, pieces: u64, number: u64, root: TreeRoot) {
        let growing = self.growing.entry(tensor).or_default();
        growing.later.insert(number, root.0);
        while let Some(next) = growing.later.remove(&growing.tree.count()) {
            growing.tree.push(next);
        }
        if growing.tree.count() == pieces {
            self.done[tensor] = growing.tree.root();
            self.growing.remove(&tensor);
        }
    }
}

fn pieces_of(len: u64) -> u64 {
    len.div_ceil(PIECE as u64)
}

/// The value, also if a thread panicked while it held the lock: the panic is passed on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::hash::PlainSha2;
    use pow_core::tensor::data_root;
    use std::num::NonZeroUsize;
    use std::sync::atomic::AtomicU64;

    /// Pieces of bytes in memory.
    struct InMemory {
        tensors: Vec<Vec<u8>>,
        next: Mutex<Place>,
    }

    impl Pieces for InMemory {
        fn next(&self, piece: &mut Vec<u8>) -> Result<Option<Place>, LedgerError> {
            let mut next = lock(&self.next);
            while let Some(tensor) = self.tensors.get(next.0) {
                if let Some(bytes) = tensor.chunks(PIECE).nth(next.1 as usize) {
                    piece.clear();
                    piece.extend(bytes);
                    next.1 += 1;
                    return Ok(Some((next.0, next.1 - 1)));
                }
                *next = (next.0 + 1, 0);
            }
            Ok(None)
        }
    }

    #[test]
    fn pieces_on_any_number_of_threads_give_the_data_roots() {
        let lens = [
            0,
            1,
            PIECE - 1,
            PIECE,
            PIECE + 1,
            0,
            3 * PIECE,
            5 * PIECE + 9,
        ];
        let tensors: Vec<Vec<u8>> = lens
            .iter()
            .map(|len| {
                (0..*len as u32)
                    .map(|i| (i % 251 + i / 4096) as u8)
                    .collect()
            })
            .collect();
        let expected: Vec<TreeRoot> = tensors.iter().map(|data| data_root(data)).collect();
        let all: u64 = lens.iter().map(|len| *len as u64).sum();
        for threads in [1, 2, 5] {
            let pieces = InMemory {
                tensors: tensors.clone(),
                next: Mutex::new((0, 0)),
            };
            let seen = AtomicU64::new(0);
            let workers = Workers {
                hasher: &PlainSha2,
                threads: NonZeroUsize::new(threads).unwrap(),
                progress: &|bytes| {
                    seen.fetch_add(bytes, Ordering::Relaxed);
                },
            };
            let lens = lens.map(|len| len as u64);
            assert_eq!(data_roots(&pieces, &lens, &workers).unwrap(), expected);
            assert_eq!(seen.into_inner(), all);
        }
    }

    #[test]
    fn pieces_that_end_in_any_order_give_the_same_root() {
        let data: Vec<u8> = (0..5 * PIECE as u32).map(|i| (i % 253) as u8).collect();
        let roots: Vec<TreeRoot> = data.chunks(PIECE).map(data_root).collect();
        for order in [[4, 3, 2, 1, 0], [1, 0, 4, 2, 3], [0, 1, 2, 3, 4]] {
            let mut all = Roots::new(1);
            for number in order {
                all.put(0, 5, number, roots[number as usize]);
            }
            assert_eq!(all.done, [data_root(&data)]);
            assert!(all.growing.is_empty());
        }
    }
}
