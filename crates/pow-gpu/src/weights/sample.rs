//! Weights to measure with.

use super::{ByteLen, ByteOffset, DeviceTensor, HashError, WeightHasher};
use crate::adapter::{self, AdapterSummary};
use crate::faults::{Faults, caught, poll};
use crate::kernel::Fault;
use pow_core::hash::TreeRoot;
use pow_kernels::trace::Trace;
use pow_kernels::tree::instructions_per_byte;
use std::sync::mpsc::channel;

/// How many bytes of weights take as many instructions as one nonce of a search. So the
/// rate of a search, times this, bounds the rate of hashing on the same device.
///
/// ```
/// let bytes = pow_gpu::weights::bytes_per_nonce();
/// assert!((100.0..120.0).contains(&bytes));
/// ```
pub fn bytes_per_nonce() -> f64 {
    Trace::search().counts().instructions() as f64 / instructions_per_byte()
}

/// Bytes of a matrix: 2048 times 2048 numbers of 4 bytes.
const MATRIX: u64 = 16 << 20;

/// Bytes of the vector that follows each matrix.
const VECTOR: u64 = 4 * 2048;

/// The most bytes that are read back in one go.
const READBACK: u64 = 256 << 20;

/// Weights in the memory of a GPU, shaped as those of a model: matrices of 16 MiB, each
/// with a vector of 8 KiB. They are noise. Their device is their own.
#[derive(Debug)]
pub struct SampleWeights {
    device: wgpu::Device,
    queue: wgpu::Queue,
    faults: Faults,
    tensors: Vec<wgpu::Buffer>,
    hasher: WeightHasher,
}

impl SampleWeights {
    /// Opens the adapter with all limits that it has, as Burn does, and makes weights of
    /// this length. It becomes a multiple of four.
    ///
    /// # Errors
    ///
    /// [`HashError::OutOfMemory`] if they do not fit, and others if the device fails.
    pub fn new(adapter: &AdapterSummary, len: ByteLen) -> Result<Self, HashError> {
        let adapter = adapter::find(adapter)?;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("sample weights"),
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let request = adapter.request_device(&descriptor);
        let (device, queue) = pollster::block_on(request).map_err(Fault::new)?;
        let faults = Faults::watch(&device);
        let hasher = WeightHasher::new(device.clone(), queue.clone())?;
        let mut sample = SampleWeights {
            device,
            queue,
            faults,
            tensors: Vec::new(),
            hasher,
        };
        let noise = noise();
        let mut left = len.0.next_multiple_of(4);
        while left > 0 {
            for len in [MATRIX.min(left), VECTOR.min(left - MATRIX.min(left))] {
                if len > 0 {
                    sample.add(&noise[..len as usize])?;
                    left -= len;
                }
            }
        }
        sample.faults.check()?;
        Ok(sample)
    }

    /// The number of tensors.
    pub fn tensors(&self) -> usize {
        self.tensors.len()
    }

    /// The bytes of all tensors.
    pub fn len(&self) -> ByteLen {
        ByteLen(self.tensors.iter().map(wgpu::Buffer::size).sum())
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Bytes that were read back to hash in place: 32 for each tensor and call.
    pub fn bytes_read(&self) -> u64 {
        self.hasher.bytes_read()
    }

    /// The root of each tensor, computed by the GPU.
    ///
    /// # Errors
    ///
    /// [`HashError`] if the device fails.
    pub fn hash_in_place(&mut self) -> Result<Vec<TreeRoot>, HashError> {
        let whole = |buffer| {
            let len = ByteLen(wgpu::Buffer::size(buffer));
            DeviceTensor::contiguous(buffer, ByteOffset(0), len)
        };
        let tensors: Vec<_> = self.tensors.iter().map(whole).collect();
        let roots = self.hasher.data_roots(&tensors);
        self.faults.check()?;
        roots
    }

    /// Reads all tensors back, as a program that hashes on the CPU must. Calls `see`
    /// with the bytes of each.
    ///
    /// # Errors
    ///
    /// [`HashError`] if the device fails.
    pub fn read_back(&self, mut see: impl FnMut(Vec<u8>)) -> Result<(), HashError> {
        let mut rest = self.tensors.as_slice();
        while !rest.is_empty() {
            let mut len = 0;
            let fits = |buffer: &&wgpu::Buffer| {
                len += buffer.size();
                len <= READBACK
            };
            let count = rest.iter().take_while(fits).count();
            let (tensors, later) = rest.split_at(count);
            rest = later;
            for bytes in self.read(tensors)? {
                see(bytes);
            }
        }
        Ok(())
    }

    fn read(&self, tensors: &[wgpu::Buffer]) -> Result<Vec<Vec<u8>>, HashError> {
        let len = tensors.iter().map(wgpu::Buffer::size).sum();
        let (readback, submission, mapped) = caught(&self.device, || {
            let readback = self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("weights read back"),
                size: len,
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let mut encoder = self.device.create_command_encoder(&Default::default());
            let mut at = 0;
            for tensor in tensors {
                encoder.copy_buffer_to_buffer(tensor, 0, &readback, at, tensor.size());
                at += tensor.size();
            }
            let submission = self.queue.submit([encoder.finish()]);
            let (sender, mapped) = channel();
            readback.map_async(wgpu::MapMode::Read, .., move |result| {
                let _ = sender.send(result);
            });
            (readback, submission, mapped)
        })?;
        let wait = wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: None,
        };
        poll(&self.device, wait)?;
        self.faults.check()?;
        mapped.recv().map_err(Fault::new)?.map_err(Fault::new)?;
        let view = readback.get_mapped_range(..).map_err(Fault::new)?;
        let mut rest = &view[..];
        let mut read = Vec::with_capacity(tensors.len());
        for tensor in tensors {
            let (bytes, later) = rest.split_at(tensor.size() as usize);
            read.push(bytes.to_vec());
            rest = later;
        }
        Ok(read)
    }

    /// Adds a tensor. Its index makes it unlike the others.
    fn add(&mut self, bytes: &[u8]) -> Result<(), HashError> {
        let buffer = caught(&self.device, || {
            let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("sample weights"),
                size: bytes.len() as u64,
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_SRC
                    | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            self.queue.write_buffer(&buffer, 0, bytes);
            let index = self.tensors.len() as u32;
            self.queue.write_buffer(&buffer, 0, &index.to_le_bytes());
            // The copies of the bytes that wait for the device are given back.
            self.queue.submit([]);
            buffer
        })?;
        poll(&self.device, wgpu::PollType::wait_indefinitely())?;
        self.tensors.push(buffer);
        Ok(())
    }
}

impl From<Fault> for HashError {
    fn from(fault: Fault) -> Self {
        HashError::Device(fault.to_string())
    }
}

/// Noise for the largest tensor.
fn noise() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(MATRIX as usize);
    while bytes.len() < MATRIX as usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}
