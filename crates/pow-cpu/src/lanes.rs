//! Hashes the chunks of tensors, headers and coinbases, several at a time.

use crate::calibration;
use crate::kernel::Kernel;
use crate::message::{self, BLOCK};
use pow_core::chain::headers::{HASH_BATCH, HeaderHasher};
use pow_core::hash::{BlockHash, PlainSha2, TxRoot};
use pow_core::header::HEADER_LEN;
use pow_core::tensor::{CHUNK_LEN, TensorHasher};
use std::hint::black_box;
use std::sync::OnceLock;

/// Hashes several chunks of a tensor at a time, or several headers, on the
/// calling thread only.
///
/// ```
/// use pow_core::tensor::{data_root, data_root_with};
/// use pow_cpu::Lanes;
/// let data = vec![7; 1 << 20];
/// assert_eq!(data_root_with(&data, &Lanes::fastest()), data_root(&data));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes(Kernel);

impl Lanes {
    /// Hashes with the instructions that this kernel uses. The portable kernel
    /// hashes one chunk at a time.
    pub fn new(kernel: Kernel) -> Self {
        Lanes(kernel)
    }

    /// Hashes with the kernel that is fastest at it. The first call finds it in
    /// a short trial of a few milliseconds. It may differ from the kernel that
    /// [searches](Kernel::fastest) fastest.
    pub fn fastest() -> Self {
        static FASTEST: OnceLock<Lanes> = OnceLock::new();
        *FASTEST.get_or_init(calibrate)
    }

    /// The kernel.
    pub fn kernel(self) -> Kernel {
        self.0
    }
}

impl Default for Lanes {
    /// [`Lanes::fastest`].
    fn default() -> Self {
        Lanes::fastest()
    }
}

impl TensorHasher for Lanes {
    fn chunks(&self, chunks: &[[u8; CHUNK_LEN]], leaves: &mut [[u8; 32]]) {
        self.0.hash(&message::CHUNKS, chunks, leaves);
    }

    fn nodes(&self, pairs: &[[[u8; 32]; 2]], nodes: &mut [[u8; 32]]) {
        let (pairs, _) = pairs.as_flattened().as_flattened().as_chunks::<BLOCK>();
        self.0.hash(&message::NODES, pairs, nodes);
    }
}

impl HeaderHasher for Lanes {
    fn hash(&self, headers: &[[u8; HEADER_LEN]], hashes: &mut [BlockHash]) {
        let mut messages = [message::PADDED_HEADER; HASH_BATCH];
        let mut digests = [[0; 32]; HASH_BATCH];
        let batches = headers.chunks(HASH_BATCH);
        for (headers, hashes) in batches.zip(hashes.chunks_mut(HASH_BATCH)) {
            for (message, header) in messages.iter_mut().zip(headers) {
                message[..HEADER_LEN].copy_from_slice(header);
            }
            let digests = &mut digests[..headers.len()];
            self.0.hash_twice(&messages[..headers.len()], digests);
            for (hash, digest) in hashes.iter_mut().zip(digests) {
                *hash = BlockHash(*digest);
            }
        }
    }

    fn coinbases(&self, coinbases: &[&[u8]], ids: &mut [TxRoot]) {
        let mut messages = [[0; 2 * BLOCK]; HASH_BATCH];
        let mut digests = [[0; 32]; HASH_BATCH];
        let batches = coinbases.chunks(HASH_BATCH);
        for (coinbases, ids) in batches.zip(ids.chunks_mut(HASH_BATCH)) {
            let mut padded = messages.iter_mut().zip(coinbases);
            if !padded.all(|(message, coinbase)| message::pad(message, coinbase)) {
                // There is one of another length, which no valid block has.
                PlainSha2.coinbases(coinbases, ids);
                continue;
            }
            let digests = &mut digests[..coinbases.len()];
            self.0.hash_twice(&messages[..coinbases.len()], digests);
            for (id, digest) in ids.iter_mut().zip(digests) {
                *id = TxRoot(*digest);
            }
        }
    }
}

/// Chunks in a trial. They take less than a millisecond.
const TRIAL: usize = 48;

/// Finds the kernel that hashes fastest: chunks, and the nodes above them.
fn calibrate() -> Lanes {
    let chunks = vec![[0x5a; CHUNK_LEN]; TRIAL];
    let mut leaves = [[0; 32]; TRIAL];
    let mut nodes = [[0; 32]; TRIAL / 2];
    Lanes(calibration::fastest(|kernel| {
        let lanes = Lanes(kernel);
        lanes.chunks(&chunks, &mut leaves);
        lanes.nodes(leaves.as_chunks().0, &mut nodes);
        black_box(&nodes);
    }))
}
