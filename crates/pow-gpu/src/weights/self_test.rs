//! A test of every kernel with known tensors.

use super::WeightHasher;
use super::{ByteLen, ByteOffset, ChunkCount, DeviceTensor, Dim, HashError, PieceLimits};
use crate::faults::caught;
use pow_core::tensor::data_root;

/// Some chunks and a part of one.
const LEN: usize = 40 * 4096 + 1236;

/// Pieces so small that every kernel runs, and every level.
pub const LIMITS: PieceLimits = PieceLimits {
    window: ByteLen(1 << 16),
    staging: ChunkCount(3),
    pass: ChunkCount(16),
    direct: ChunkCount(4),
};

/// Compares roots with the CPU's. The hasher must have [`LIMITS`].
pub fn run_self_test(hasher: &mut WeightHasher) -> Result<(), HashError> {
    let bytes: Vec<u8> = (0..LEN as u32)
        .map(|i| (i.wrapping_mul(0x9e37_79b9) >> 23) as u8)
        .collect();
    let buffer = caught(&hasher.device, || {
        let buffer = hasher.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("weights, self-test"),
            size: LEN as u64,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_SRC
                | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        hasher.queue.write_buffer(&buffer, 0, &bytes);
        buffer
    })?;
    let run = |offset: usize, len: usize| {
        let expected = data_root(&bytes[offset..offset + len]);
        let (offset, len) = (ByteOffset(offset as u64), ByteLen(len as u64));
        (DeviceTensor::contiguous(&buffer, offset, len), expected)
    };
    // Columns before rows, of pairs of bytes.
    let (rows, columns) = (100, 50);
    let transposed: Vec<u8> = (0..columns * rows)
        .flat_map(|at| {
            let first = 2 * (at % rows * columns + at / rows);
            [bytes[first], bytes[first + 1]]
        })
        .collect();
    let dim = |len: usize, stride: usize| Dim {
        len: len as u64,
        stride: stride as u64,
    };
    let dims = [dim(columns, 1), dim(rows, columns)];
    let strided = DeviceTensor::strided(&buffer, ByteOffset(0), ByteLen(2), &dims);
    let known = [
        run(0, LEN),
        run(16, 5 * 4096),
        run(20, 9000),
        run(3, 4096 + 55),
        run(0, 0),
        (strided, data_root(&transposed)),
    ];
    let (tensors, expected): (Vec<_>, Vec<_>) = known.into_iter().unzip();
    if hasher.data_roots(&tensors)? == expected {
        Ok(())
    } else {
        Err(HashError::SelfTest)
    }
}
