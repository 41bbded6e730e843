//! Roots of tensors, computed where the tensors are.
//!
//! A training step on a GPU leaves the weights in the GPU's memory. [`WeightHasher`]
//! hashes them there, on the device and the queue that train, and reads back 32 bytes
//! for each tensor: the root over its chunks, with the same bits as
//! [`pow_core::tensor::data_root`] of its bytes. `pow_core::tensor::leaf_of_root` then
//! binds path, dtype and shape.
//!
//! ```no_run
//! use pow_gpu::weights::{ByteLen, ByteOffset, DeviceTensor, WeightHasher};
//! # fn example(device: wgpu::Device, queue: wgpu::Queue, buffer: wgpu::Buffer)
//! # -> Result<(), pow_gpu::weights::HashError> {
//! // Of Burn's backend for wgpu, or any other program's.
//! let mut hasher = WeightHasher::new(device, queue)?;
//! let weight = DeviceTensor::contiguous(&buffer, ByteOffset(0), ByteLen(4 * 512 * 512));
//! let bias = DeviceTensor::contiguous(&buffer, ByteOffset(4 * 512 * 512), ByteLen(4 * 512));
//! let pending = hasher.start(&[weight, bias])?;
//! // The buffer may be changed from here on: the queue keeps the order.
//! let roots = pending.wait()?;
//! assert_eq!(hasher.bytes_read(), 2 * 32);
//! # Ok(())
//! # }
//! ```
//!
//! - **Large tensors** are hashed where they lie, several at once. What a binding cannot
//!   hold is seen through several windows.
//! - **Small tensors**, ends of tensors and offsets that are not a multiple of 16 are
//!   copied together on the device first, so that thousands of chunks are hashed at once.
//! - **Strided tensors** are copied element by element, in the order of their dimensions.
//! - **Memory.** [`PieceLimits`] says how much of the device's memory all this takes.
//!   It does not grow with the model, but for 32 bytes for each tensor.

mod error;
mod kernels;
mod layout;
mod levels;
mod limits;
mod pending;
mod pieces;
mod plan;
mod sample;
mod self_test;
mod staging;
mod submit;
mod tensor;

pub use error::{HashError, LayoutError};
pub use limits::{ChunkCount, PieceLimits};
pub use pending::PendingRoots;
pub use sample::{SampleWeights, bytes_per_nonce};
pub use tensor::{ByteLen, ByteOffset, DeviceTensor, Dim};

use crate::faults::caught;
use kernels::Kernels;
use layout::Layout;
use limits::Cut;
use pending::Readback;
use plan::{Placed, Plan};
use pow_core::hash::TreeRoot;
use pow_kernels::tree::DIGEST_LEN;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use submit::{Memory, Target};

const _: () = assert!(pow_kernels::tree::CHUNK_LEN as usize == pow_core::tensor::CHUNK_LEN);

/// Hashes tensors in the memory of a device.
///
/// It shares the device with its owner: it does not change the device's error handlers,
/// and its work runs in the order of the queue, after what was submitted before. It keeps
/// some memory of the device until it is dropped ([`PieceLimits`]).
#[derive(Debug)]
pub struct WeightHasher {
    device: wgpu::Device,
    queue: wgpu::Queue,
    kernels: Kernels,
    cut: Cut,
    memory: Memory,
    bytes_read: Arc<AtomicU64>,
}

impl WeightHasher {
    /// Compiles the kernels, and compares the roots of some tensors with the CPU's.
    ///
    /// The device needs no features and no limits above [`wgpu::Limits::default`]. It
    /// manages with [`wgpu::Limits::downlevel_defaults`], where fewer tensors are hashed
    /// at the same time.
    ///
    /// # Errors
    ///
    /// [`HashError`] if the device fails, allows too little or computes wrong hashes.
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, HashError> {
        let allowed = device.limits();
        let cut = Cut::new(self_test::LIMITS, &allowed)?;
        let kernels = caught(&device, || Kernels::compile(&device, cut.sources))?;
        let mut hasher = WeightHasher {
            device,
            queue,
            kernels,
            cut,
            memory: Memory::new(),
            bytes_read: Arc::default(),
        };
        self_test::run_self_test(&mut hasher)?;
        hasher.bytes_read = Arc::default();
        hasher.with_limits(PieceLimits::default())
    }

    /// The same hasher, with other limits for pieces and memory. It gives back the memory
    /// that it has.
    ///
    /// # Errors
    ///
    /// [`HashError::Limits`] if the device allows too little.
    pub fn with_limits(mut self, limits: PieceLimits) -> Result<Self, HashError> {
        self.cut = Cut::new(limits, &self.device.limits())?;
        self.memory.clear();
        Ok(self)
    }

    /// The root over the chunks of each tensor. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`HashError`] if a tensor does not lie in its buffer or cannot be followed, or if
    /// the device fails.
    pub fn data_roots(&mut self, tensors: &[DeviceTensor<'_>]) -> Result<Vec<TreeRoot>, HashError> {
        self.start(tensors)?.wait()
    }

    /// Submits the work and returns. The roots are those of the bytes that the buffers
    /// have at this point of the queue, whatever is submitted later. Several calls may be
    /// in flight. As long as this runs, no other thread may submit a change of the
    /// tensors: large models are hashed in several submissions.
    ///
    /// A library that collects commands before it submits them must have submitted
    /// those that write the tensors. Burn's does so with `flush`.
    ///
    /// # Errors
    ///
    /// [`HashError`] if a tensor does not lie in its buffer or cannot be followed, or if
    /// the device is out of memory or refuses the work.
    pub fn start(&mut self, tensors: &[DeviceTensor<'_>]) -> Result<PendingRoots, HashError> {
        let (buffers, placed) = place(tensors)?;
        let plan = Plan::new(&placed, &self.cut)?;
        let roots = plan.roots.clone();
        let hashed = placed.iter().map(|tensor| tensor.layout.len()).sum();
        let readback = if plan.found == 0 {
            None
        } else {
            let submitted = self.submit(&buffers, &placed, plan);
            if submitted.is_err() {
                // Some of it may be a buffer that could not be made.
                self.memory.clear();
            }
            Some(submitted?)
        };
        Ok(PendingRoots {
            device: self.device.clone(),
            roots,
            hashed,
            bytes_read: Arc::clone(&self.bytes_read),
            readback,
        })
    }

    /// How many bytes were read back from the device so far: 32 for each tensor with
    /// bytes.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn submit(
        &mut self,
        buffers: &[&wgpu::Buffer],
        placed: &[Placed],
        plan: Plan,
    ) -> Result<Readback, HashError> {
        let target = Target {
            device: &self.device,
            queue: &self.queue,
            kernels: &self.kernels,
            cut: &self.cut,
            buffers,
        };
        let memory = &mut self.memory;
        let submitted = caught(target.device, || {
            let buffer = target.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("roots of weights"),
                size: u64::from(plan.found) * u64::from(DIGEST_LEN),
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let submission = submit::submit(&target, memory, plan, placed, &buffer);
            let (sender, mapped) = channel();
            buffer.map_async(wgpu::MapMode::Read, .., move |result| {
                // Nobody waits for roots that were dropped.
                let _ = sender.send(result);
            });
            Readback {
                buffer,
                submission,
                mapped,
            }
        })?;
        Ok(submitted)
    }
}

/// The buffers of tensors, each once, and where the tensors lie in them.
#[expect(
    clippy::mutable_key_type,
    reason = "buffers are hashed and compared by their identity"
)]
fn place<'a>(
    tensors: &[DeviceTensor<'a>],
) -> Result<(Vec<&'a wgpu::Buffer>, Vec<Placed>), HashError> {
    let mut buffers: Vec<&wgpu::Buffer> = Vec::new();
    let mut known: HashMap<&wgpu::Buffer, usize> = HashMap::new();
    let mut placed = Vec::with_capacity(tensors.len());
    for (tensor, given) in tensors.iter().enumerate() {
        let layout = Layout::new(given.offset, &given.shape)
            .map_err(|reason| HashError::Layout { tensor, reason })?;
        // Kernels read whole words, and copies have whole words.
        let buffer = given.buffer.size() - given.buffer.size() % 4;
        match layout.end() {
            Some(end) if end <= buffer => {}
            end => {
                return Err(HashError::OutOfBuffer {
                    tensor,
                    end: end.unwrap_or(u64::MAX),
                    buffer,
                });
            }
        }
        let needed = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let found = given.buffer.usage();
        if !found.contains(needed) {
            return Err(HashError::Usage { tensor, found });
        }
        let next = buffers.len();
        let buffer = *known.entry(given.buffer).or_insert(next);
        if buffer == next {
            buffers.push(given.buffer);
        }
        placed.push(Placed { buffer, layout });
    }
    Ok((buffers, placed))
}
