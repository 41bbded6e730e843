//! Roots that a device is computing.

use super::error::HashError;
use crate::faults::{caught, poll};
use pow_core::hash::TreeRoot;
use pow_core::merkle::empty_root;
use pow_kernels::tree::DIGEST_LEN;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How long to wait for a device in one go.
const ATTENTION: Duration = Duration::from_millis(100);

/// How long a device may take for other work that was given to it before.
const PATIENCE: Duration = Duration::from_secs(60);

/// A device that hashes fewer bytes in a second counts as hung. One core of a CPU
/// hashes ten times as many.
const SLOWEST: u64 = 16 << 20;

/// The callback of a finished copy may run on another thread that polls the device.
const CALLBACK_PATIENCE: Duration = Duration::from_secs(5);

/// Roots that a device is computing, from [`WeightHasher::start`].
///
/// If it is dropped, the device still computes them, and nobody reads them.
///
/// [`WeightHasher::start`]: super::WeightHasher::start
#[derive(Debug)]
pub struct PendingRoots {
    pub(super) device: wgpu::Device,
    /// Where each tensor's root is. `None` if it has no bytes.
    pub(super) roots: Vec<Option<u32>>,
    /// Bytes that are hashed.
    pub(super) hashed: u64,
    pub(super) bytes_read: Arc<AtomicU64>,
    /// `None` if no tensor has bytes.
    pub(super) readback: Option<Readback>,
}

/// The copy of the roots.
#[derive(Debug)]
pub(super) struct Readback {
    pub buffer: wgpu::Buffer,
    pub submission: wgpu::SubmissionIndex,
    pub mapped: Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl PendingRoots {
    /// Waits for the device. Returns the root over each tensor's chunks, in the order in
    /// which the tensors were given: what [`pow_core::tensor::data_root`] returns for
    /// their bytes.
    ///
    /// # Errors
    ///
    /// [`HashError::Device`] if the device is lost, or has not finished after a minute
    /// and a second for each 16 MiB.
    pub fn wait(self) -> Result<Vec<TreeRoot>, HashError> {
        let Some(readback) = &self.readback else {
            return Ok(self.in_order(&[]));
        };
        let patience = PATIENCE + Duration::from_secs(self.hashed / SLOWEST);
        let began = Instant::now();
        let device = |error: &dyn std::fmt::Display| HashError::Device(error.to_string());
        while !poll(
            &self.device,
            wgpu::PollType::Wait {
                submission_index: Some(readback.submission.clone()),
                timeout: Some(ATTENTION),
            },
        )
        .map_err(|fault| device(&fault))?
        {
            if began.elapsed() > patience {
                return Err(device(&format_args!("no roots after {patience:?}")));
            }
        }
        let mapped = readback.mapped.recv_timeout(CALLBACK_PATIENCE);
        mapped
            .map_err(|_| device(&"it did not report that the roots can be read"))?
            .map_err(|error| device(&error))?;
        let words: Vec<u32> = caught(&self.device, || {
            let view = readback.buffer.get_mapped_range(..);
            view.map(|view| bytemuck::pod_collect_to_vec(&view[..]))
        })?
        .map_err(|error| device(&error))?;
        self.bytes_read
            .fetch_add(size_of_val(words.as_slice()) as u64, Ordering::Relaxed);
        let (digests, _) = words.as_chunks::<{ DIGEST_LEN as usize / 4 }>();
        Ok(self.in_order(digests))
    }

    /// The roots of all tensors, from those of tensors with bytes.
    fn in_order(&self, digests: &[[u32; 8]]) -> Vec<TreeRoot> {
        let root = |at: &u32| {
            let mut root = [0; 32];
            let (words, _) = root.as_chunks_mut::<4>();
            for (bytes, word) in words.iter_mut().zip(digests[*at as usize]) {
                *bytes = word.to_be_bytes();
            }
            TreeRoot(root)
        };
        let roots = self.roots.iter();
        roots
            .map(|at| at.as_ref().map_or_else(empty_root, root))
            .collect()
    }
}
