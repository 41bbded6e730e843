//! Hashing tensors several chunks at a time.

use crate::kernel::Kernel;
use crate::message::{self, BLOCK};
use pow_core::tensor::{CHUNK_LEN, TensorHasher};
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Hashes several chunks of a tensor at a time, on the calling thread alone.
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
    /// Hashes with the vector unit that this kernel searches with. The portable
    /// one hashes a chunk at a time.
    pub fn new(kernel: Kernel) -> Self {
        Lanes(kernel)
    }

    /// The kernel that was fastest in a short trial, which takes a few
    /// milliseconds when first asked for. It need not be the one that
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

/// Chunks per trial: a fraction of a millisecond at most.
const TRIAL: usize = 48;

/// Trials per kernel. The best of several is the least disturbed one.
const TRIALS: usize = 5;

/// Runs the kernels in turns and takes the one with the shortest trial.
fn calibrate() -> Lanes {
    let chunks = vec![[0x5a; CHUNK_LEN]; TRIAL];
    let mut leaves = [[0; 32]; TRIAL];
    let mut times: Vec<(Duration, Kernel)> = Kernel::available()
        .into_iter()
        .map(|kernel| (Duration::MAX, kernel))
        .collect();
    for _ in 0..TRIALS {
        for (best, kernel) in &mut times {
            let began = Instant::now();
            kernel.hash(&message::CHUNKS, &chunks, &mut leaves);
            black_box(&leaves);
            *best = began.elapsed().min(*best);
        }
    }
    let fastest = times.into_iter().min_by_key(|(time, _)| *time);
    Lanes(fastest.map_or(Kernel::PORTABLE, |(_, kernel)| kernel))
}
