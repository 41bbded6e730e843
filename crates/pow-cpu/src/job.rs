//! What the kernels need of a job, computed once.

use pow_core::search::Job;
#[cfg(target_arch = "x86_64")]
use pow_kernels::{HOISTED, hoisted};

/// The constants of a job.
#[derive(Clone, Debug)]
pub struct PreparedJob {
    /// SHA-256 state after the header's first 64 bytes.
    pub midstate: [u32; 8],
    /// The header's words 16 to 18 (bytes 64 to 75), read as big-endian.
    pub tail: [u32; 3],
    /// The values that the traced kernels also need.
    #[cfg(target_arch = "x86_64")]
    pub hoisted: [u32; HOISTED],
    /// The target's most significant 32 bits.
    pub top: u32,
}

impl PreparedJob {
    pub fn new(job: &Job) -> Self {
        let (midstate, tail) = (job.midstate(), job.tail());
        PreparedJob {
            midstate,
            tail,
            #[cfg(target_arch = "x86_64")]
            hoisted: hoisted(&midstate, &tail),
            top: job.target().top_u32(),
        }
    }
}
