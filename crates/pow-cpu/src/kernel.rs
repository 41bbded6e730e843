//! The kernels of this CPU, and which one is fastest.

use crate::calibration;
use crate::job::PreparedJob;
use crate::message::{BLOCK, MessageShape};
use crate::portable;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512, ShaNi, ShaNiWide};
use pow_core::header::{Header, Nonce};
use pow_core::search::{Job, NonceRange};
use pow_core::target::Target;
use std::fmt;
use std::sync::OnceLock;

/// A way to search nonces and to hash messages that this CPU supports. All
/// kernels give the same results; only their speed differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Implementation);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Implementation {
    #[cfg(target_arch = "x86_64")]
    ShaNiWide(ShaNiWide),
    #[cfg(target_arch = "x86_64")]
    ShaNi(ShaNi),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable,
}

/// A name that no kernel of this CPU has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this CPU has no kernel {name:?}; choose {}", available.join(" or "))]
pub struct KernelError {
    /// The name asked for.
    pub name: String,
    /// The names of this CPU's kernels.
    pub available: Vec<String>,
}

impl Kernel {
    /// The `sha2` crate's compression function, which runs on every CPU.
    pub const PORTABLE: Kernel = Kernel(Implementation::Portable);

    /// The kernels that this CPU supports. The portable kernel is the last.
    pub fn available() -> Vec<Kernel> {
        #[cfg(target_arch = "x86_64")]
        let simd = [
            ShaNiWide::detect().map(Implementation::ShaNiWide),
            ShaNi::detect().map(Implementation::ShaNi),
            Avx512::detect().map(Implementation::Avx512),
            Avx2::detect().map(Implementation::Avx2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let simd: [Option<Implementation>; 0] = [];
        let portable = std::iter::once(Implementation::Portable);
        simd.into_iter()
            .flatten()
            .chain(portable)
            .map(Kernel)
            .collect()
    }

    /// The kernel with this name.
    ///
    /// # Errors
    ///
    /// [`KernelError`] if this CPU has no kernel with this name.
    ///
    /// ```
    /// use pow_cpu::Kernel;
    /// assert_eq!(Kernel::named("portable"), Ok(Kernel::PORTABLE));
    /// ```
    pub fn named(name: &str) -> Result<Kernel, KernelError> {
        let available = Kernel::available();
        let found = available.iter().find(|kernel| kernel.name() == name);
        found.copied().ok_or_else(|| KernelError {
            name: name.into(),
            available: available.iter().map(Kernel::to_string).collect(),
        })
    }

    /// The kernel that the environment variable `POW_CPU_KERNEL` names. If it
    /// is not set or empty: the [fastest](Self::fastest).
    ///
    /// # Errors
    ///
    /// [`KernelError`] if the variable names no kernel of this CPU.
    pub fn from_env() -> Result<Kernel, KernelError> {
        match std::env::var("POW_CPU_KERNEL") {
            Ok(name) if !name.is_empty() => Kernel::named(&name),
            _ => Ok(Kernel::fastest()),
        }
    }

    /// The kernel that searches fastest. The first call finds it in a short
    /// trial of a few milliseconds.
    pub fn fastest() -> Kernel {
        static FASTEST: OnceLock<Kernel> = OnceLock::new();
        *FASTEST.get_or_init(calibrate)
    }

    /// A short name: `sha-ni-x3`, `sha-ni-x2`, `avx512`, `avx2` or `portable`.
    pub fn name(&self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNiWide(_) => "sha-ni-x3",
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNi(_) => "sha-ni-x2",
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(_) => "avx2",
            Implementation::Portable => "portable",
        }
    }

    /// Searches the nonces from `start` to `start + count - 1`, both inclusive.
    /// Appends the offset of each nonce whose hash has most significant 32 bits
    /// at or below the target's, in order.
    pub(crate) fn search(
        self,
        job: &PreparedJob,
        start: Nonce,
        count: u32,
        candidates: &mut Vec<u32>,
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNiWide(kernel) => kernel.search(job, start.0, count, candidates),
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNi(kernel) => kernel.search(job, start.0, count, candidates),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx512(kernel) => kernel.search(job, start.0, count, candidates),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(kernel) => kernel.search(job, start.0, count, candidates),
            Implementation::Portable => portable::search(job, start.0, count, candidates),
        }
    }

    /// Writes the hash of each message to the same index in `digests`.
    pub(crate) fn hash<const LEN: usize>(
        self,
        shape: &MessageShape,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNiWide(kernel) => kernel.hash(shape, messages, digests),
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNi(kernel) => kernel.hash(shape, messages, digests),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx512(kernel) => kernel.hash(shape, messages, digests),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(kernel) => kernel.hash(shape, messages, digests),
            Implementation::Portable => portable::hash(shape, messages, digests),
        }
    }

    /// Writes SHA-256 of SHA-256 of each message to the same index in
    /// `digests`. A message of two blocks ends with its padding.
    pub(crate) fn hash_twice(self, messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNiWide(kernel) => kernel.hash_twice(messages, digests),
            #[cfg(target_arch = "x86_64")]
            Implementation::ShaNi(kernel) => kernel.hash_twice(messages, digests),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx512(kernel) => kernel.hash_twice(messages, digests),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2(kernel) => kernel.hash_twice(messages, digests),
            Implementation::Portable => portable::hash_twice(messages, digests),
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Nonces in a trial. They take less than a millisecond.
const TRIAL: u32 = 4096;

/// Finds the kernel that searches fastest.
fn calibrate() -> Kernel {
    let header = Header::from_bytes(&[0x5a; 80]);
    // No hash meets this target, so there are no candidates to store.
    let job = Job::new(header, Target::from_le_bytes([0; 32]), NonceRange::FULL);
    let job = PreparedJob::new(&job);
    let mut candidates = Vec::new();
    calibration::fastest(|kernel| kernel.search(&job, Nonce(0), TRIAL, &mut candidates))
}
