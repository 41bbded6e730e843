//! What of a job the kernels need, computed once.

use pow_core::header::Nonce;
use pow_core::search::Job;
use pow_kernels::sha256::INITIAL;
#[cfg(target_arch = "x86_64")]
use pow_kernels::{HOISTED, hoisted};
use sha2::block_api::compress256;

/// A job's constants.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// SHA-256 state after the header's first 64 bytes.
    pub midstate: [u32; 8],
    /// The header's words 16 to 18 (bytes 64 to 75), read as big-endian.
    pub tail: [u32; 3],
    /// What the traced kernels need besides.
    #[cfg(target_arch = "x86_64")]
    pub hoisted: [u32; HOISTED],
    /// The target's most significant 32 bits.
    pub top: u32,
}

impl Prepared {
    pub fn new(job: &Job) -> Self {
        let header = job.header_bytes(Nonce(0));
        let mut first = [0; 64];
        first.copy_from_slice(&header[..64]);
        let mut midstate = INITIAL;
        compress256(&mut midstate, &[first]);
        let word = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let tail = [word(64), word(68), word(72)];
        Prepared {
            midstate,
            tail,
            #[cfg(target_arch = "x86_64")]
            hoisted: hoisted(&midstate, &tail),
            top: job.target().top_u32(),
        }
    }
}
