//! Arbitrary batches of tensors, cut into arbitrary pieces.

use super::{buffer, gathered, noise, open};
use crate::caller::Caller;
use crate::forall::forall;
use pow_core::tensor::data_root;
use pow_gpu::weights::{ByteLen, ByteOffset, ChunkCount, DeviceTensor, Dim, PieceLimits};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::cell::Cell;

tests! {
    Gpu: roots_are_those_of_the_cpu
}

/// The bytes in each buffer.
const LEN: u64 = 300_000;

#[derive(Clone, Debug)]
struct Tensor {
    buffer: usize,
    offset: u64,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    Contiguous(u64),
    Strided(u64, Vec<Dim>),
}

/// Contiguous tensors, short ones more often.
fn contiguous() -> impl Strategy<Value = (u64, Shape)> {
    let len = prop_oneof![0..200u64, 0..10_000u64, 0..LEN];
    let offset = prop_oneof![
        Just(0),
        (0..600u64).prop_map(|units| 16 * units),
        0..10_000u64
    ];
    (offset, len).prop_map(|(offset, len)| (offset, Shape::Contiguous(len.min(LEN - offset))))
}

/// Dimensions in any order, with gaps between neighbours or none, or the same
/// neighbour again and again.
fn strided() -> impl Strategy<Value = (u64, Shape)> {
    let dim = (1..14u64, prop_oneof![4 => Just(0u64), 1 => 1..3u64], 0..8u8);
    let dims = vec(dim, 0..5).prop_shuffle();
    let element = select(&[1, 2, 3, 4, 8, 16][..]);
    (0..40u64, element, dims, any::<u64>()).prop_map(|(offset, element, lens, order)| {
        let mut stride = 1;
        let mut dims = Vec::new();
        for (len, gap, kind) in lens {
            let broadcast = kind == 0;
            dims.push(Dim {
                len,
                stride: if broadcast { 0 } else { stride + gap },
            });
            if !broadcast {
                stride = (stride + gap) * len;
            }
        }
        // From the largest stride to the smallest, or turned around once.
        dims.reverse();
        if !dims.is_empty() {
            let first = order as usize % dims.len();
            dims.rotate_left(first);
        }
        (offset, Shape::Strided(element, dims))
    })
}

fn tensor() -> impl Strategy<Value = Tensor> {
    let placed = prop_oneof![contiguous(), strided()];
    (0..3usize, placed).prop_map(|(buffer, (offset, shape))| Tensor {
        buffer,
        offset,
        shape,
    })
}

fn limits() -> impl Strategy<Value = PieceLimits> {
    let window = prop_oneof![Just(0), 4096..100_000u64, Just(u64::MAX)];
    let chunks = || prop_oneof![1..10u32, 1..200u32, Just(u32::MAX)];
    (window, chunks(), chunks(), chunks()).prop_map(|(window, staging, pass, direct)| PieceLimits {
        window: ByteLen(window),
        staging: ChunkCount(staging.min(1 << 12)),
        pass: ChunkCount(pass.min(1 << 14)),
        direct: ChunkCount(direct),
    })
}

/// The byte after the last of a tensor.
fn end(tensor: &Tensor) -> u64 {
    match &tensor.shape {
        Shape::Contiguous(len) => tensor.offset + len,
        Shape::Strided(element, dims) => {
            let last: u64 = dims.iter().map(|dim| (dim.len - 1) * dim.stride).sum();
            tensor.offset + (last + 1) * element
        }
    }
}

fn roots_are_those_of_the_cpu() {
    let caller = Caller::new();
    let bytes = noise(3 * LEN);
    let bytes: Vec<&[u8]> = bytes.chunks(LEN as usize).collect();
    let buffers: Vec<_> = bytes.iter().map(|bytes| buffer(&caller, bytes)).collect();
    // A case that fails takes it away.
    let hasher = Cell::new(None);
    let hash = |tensors: &[DeviceTensor<'_>], limits| {
        let opened = hasher.take().unwrap_or_else(|| open(&caller));
        let mut limited = opened.with_limits(limits).unwrap();
        let roots = limited.data_roots(tensors).unwrap();
        hasher.set(Some(limited));
        roots
    };
    forall(
        100,
        (vec(tensor(), 0..12), limits()),
        |(tensors, limits)| {
            let tensors: Vec<&Tensor> = tensors.iter().filter(|at| end(at) <= LEN).collect();
            let on_device = |tensor: &&Tensor| {
                let buffer = &buffers[tensor.buffer];
                let offset = ByteOffset(tensor.offset);
                match &tensor.shape {
                    Shape::Contiguous(len) => {
                        DeviceTensor::contiguous(buffer, offset, ByteLen(*len))
                    }
                    Shape::Strided(element, dims) => {
                        DeviceTensor::strided(buffer, offset, ByteLen(*element), dims)
                    }
                }
            };
            let given: Vec<_> = tensors.iter().map(on_device).collect();
            let roots = hash(&given, limits);
            assert_eq!(roots.len(), tensors.len());
            for (root, tensor) in roots.iter().zip(tensors) {
                let bytes = bytes[tensor.buffer];
                let expected = match &tensor.shape {
                    Shape::Contiguous(len) => {
                        data_root(&bytes[tensor.offset as usize..][..*len as usize])
                    }
                    Shape::Strided(element, dims) => {
                        data_root(&gathered(bytes, tensor.offset, *element, dims))
                    }
                };
                assert_eq!(*root, expected, "{tensor:?} {limits:?}");
            }
        },
    );
    assert_eq!(caller.errors(), 0);
}
