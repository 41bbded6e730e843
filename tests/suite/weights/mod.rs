//! Roots of tensors that a GPU hashes where they lie: the CPU's, bit for bit.

mod arbitrary;
mod faults;
mod measured;

use crate::caller::Caller;
use pow_core::hash::TreeRoot;
use pow_core::tensor::{CHUNK_LEN, data_root, data_root_with};
use pow_cpu::Lanes;
use pow_gpu::weights::{
    ByteLen, ByteOffset, ChunkCount, DeviceTensor, Dim, PieceLimits, WeightHasher,
};
use pow_gpu::wgpu;

tests! {
    mod arbitrary, faults, measured;
    Gpu: every_length_up_to_a_few_blocks, lengths_around_chunks_and_levels, every_offset,
        large_tensors_where_they_lie, a_device_with_the_least_limits, parts_of_large_tensors,
        thousands_of_tensors_in_one_call, strided_tensors_through_many_windows,
        what_is_written_later_does_not_count, several_calls_in_flight
}

const CHUNK: u64 = CHUNK_LEN as u64;

/// Bytes that never repeat in the same chunk or at the same place of two chunks.
fn noise(len: u64) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(len as usize + 8);
    while bytes.len() < len as usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len as usize);
    bytes
}

/// A buffer as Burn makes them, with these bytes.
fn buffer(caller: &Caller, bytes: &[u8]) -> wgpu::Buffer {
    let mut whole = bytes.to_vec();
    // What follows must not count.
    whole.resize(bytes.len().next_multiple_of(4).max(4), 0xee);
    let buffer = caller.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: whole.len() as u64,
        usage: wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_SRC
            | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    caller.queue.write_buffer(&buffer, 0, &whole);
    buffer
}

fn open(caller: &Caller) -> WeightHasher {
    WeightHasher::new(caller.device.clone(), caller.queue.clone()).unwrap()
}

/// Pieces as small as they may be.
const TINY: PieceLimits = PieceLimits {
    window: ByteLen(0),
    staging: ChunkCount(1),
    pass: ChunkCount(1),
    direct: ChunkCount(1),
};

/// Small pieces, with everything hashed where it lies that can be.
const SMALL: PieceLimits = PieceLimits {
    window: ByteLen(5 * CHUNK),
    staging: ChunkCount(7),
    pass: ChunkCount(50),
    direct: ChunkCount(1),
};

/// Small pieces, with everything copied.
const COPIED: PieceLimits = PieceLimits {
    direct: ChunkCount(u32::MAX),
    ..SMALL
};

const LIMITS: [PieceLimits; 4] = [
    TINY,
    SMALL,
    COPIED,
    PieceLimits {
        window: ByteLen(u64::MAX),
        staging: ChunkCount(1 << 14),
        pass: ChunkCount(1 << 20),
        direct: ChunkCount(1),
    },
];

fn at(buffer: &wgpu::Buffer, offset: u64, len: u64) -> DeviceTensor<'_> {
    DeviceTensor::contiguous(buffer, ByteOffset(offset), ByteLen(len))
}

/// Compares the roots of parts of these bytes, with all limits, in one batch. A part is
/// an offset and a length.
fn compare(caller: &Caller, bytes: &[u8], parts: &[(u64, u64)], limits: &[PieceLimits]) {
    let buffer = buffer(caller, bytes);
    let tensors: Vec<_> = parts
        .iter()
        .map(|(offset, len)| at(&buffer, *offset, *len))
        .collect();
    let part = |(offset, len): &(u64, u64)| &bytes[*offset as usize..][..*len as usize];
    let expected: Vec<TreeRoot> = parts.iter().map(|at| data_root(part(at))).collect();
    let mut hasher = open(caller);
    for limits in limits {
        hasher = hasher.with_limits(*limits).unwrap();
        let before = hasher.bytes_read();
        let roots = hasher.data_roots(&tensors).unwrap();
        for ((root, expected), part) in roots.iter().zip(&expected).zip(parts) {
            assert_eq!(root, expected, "offset and length {part:?}, {limits:?}");
        }
        assert_eq!(roots.len(), parts.len());
        let hashed = parts.iter().filter(|(_, len)| *len > 0).count();
        assert_eq!(hasher.bytes_read() - before, 32 * hashed as u64);
    }
    assert_eq!(caller.errors(), 0);
}

/// Also around the length at which the padding needs another block.
fn every_length_up_to_a_few_blocks() {
    let parts: Vec<(u64, u64)> = (0..=200).map(|len| (len % 3 * 16, len)).collect();
    compare(&Caller::new(), &noise(300), &parts, &LIMITS);
}

fn lengths_around_chunks_and_levels() {
    let mut parts = Vec::new();
    for chunks in [1, 2, 3, 7, 8, 63, 64, 65, 127, 128, 129, 255, 257] {
        for len in [chunks * CHUNK - 1, chunks * CHUNK, chunks * CHUNK + 1] {
            parts.push((0, len));
            parts.push((4 * chunks, len - 5));
        }
    }
    compare(&Caller::new(), &noise(260 * CHUNK), &parts, &LIMITS);
}

fn every_offset() {
    let offsets = (0..=66).chain([255, 256, 257, 4095, 4096, 4097, 4112]);
    let lens = [1, 2, 3, 4, 61, CHUNK, 2 * CHUNK + 6];
    let parts: Vec<(u64, u64)> = offsets
        .flat_map(|offset| lens.map(|len| (offset, len)))
        .collect();
    compare(&Caller::new(), &noise(4 * CHUNK + 100), &parts, &LIMITS);
}

/// With the limits of a training, and so many chunks that wide levels are joined alone.
fn large_tensors_where_they_lie() {
    let caller = Caller::new();
    let bytes = noise(20_001 * CHUNK + 5);
    let parts = [
        (0, bytes.len() as u64),
        (16, 3000 * CHUNK),
        (52, 3000 * CHUNK),
    ];
    let buffers: Vec<_> = (0..3).map(|_| buffer(&caller, &bytes)).collect();
    let mut hasher = open(&caller);
    let mut tensors = Vec::new();
    let mut expected = Vec::new();
    for buffer in &buffers {
        for (offset, len) in parts {
            tensors.push(at(buffer, offset, len));
            let part = &bytes[offset as usize..][..len as usize];
            expected.push(data_root_with(part, &Lanes::fastest()));
        }
    }
    assert!(hasher.data_roots(&tensors).unwrap() == expected);
    assert_eq!(hasher.bytes_read(), 32 * 9);
    assert_eq!(caller.errors(), 0);
}

/// Four storage buffers in a kernel, which WebGPU's least devices have.
fn a_device_with_the_least_limits() {
    let caller = Caller::with(wgpu::Limits::downlevel_defaults());
    let bytes = noise(40 * CHUNK + 77);
    let buffers: Vec<_> = (0..5).map(|_| buffer(&caller, &bytes)).collect();
    let tensors: Vec<_> = (buffers.iter().zip(0..))
        .map(|(buffer, i)| at(buffer, 16 * i, bytes.len() as u64 - 100 * i))
        .collect();
    let part = |i: usize| &bytes[16 * i..][..bytes.len() - 100 * i];
    let expected: Vec<_> = (0..5).map(|i| data_root(part(i))).collect();
    let mut hasher = open(&caller);
    for limits in LIMITS {
        hasher = hasher.with_limits(limits).unwrap();
        let roots = hasher.data_roots(&tensors).unwrap();
        assert!(roots == expected, "{limits:?}");
    }
    assert_eq!(caller.errors(), 0);
}

/// Tensors of more chunks than a pass has, up to parts on several levels.
fn parts_of_large_tensors() {
    let caller = Caller::new();
    let bytes = noise(300 * CHUNK + 9);
    let limits = [1, 2, 3, 8, 64].map(|pass| PieceLimits {
        pass: ChunkCount(pass),
        ..SMALL
    });
    let parts = [
        (0, bytes.len() as u64),
        (16, 4 * CHUNK),
        (3, 130 * CHUNK),
        (0, 5),
    ];
    compare(&caller, &bytes, &parts, &limits);
}

fn thousands_of_tensors_in_one_call() {
    let caller = Caller::new();
    let bytes = noise(40_000);
    // More than a pass takes, however small they are.
    let parts: Vec<(u64, u64)> = (0..20_000).map(|i| (i, i % 60)).collect();
    compare(&caller, &bytes, &parts, &[PieceLimits::default()]);
}

/// The bytes of a strided tensor, one element after another.
fn gathered(bytes: &[u8], offset: u64, element: u64, dims: &[Dim]) -> Vec<u8> {
    let Some((outer, inner)) = dims.split_first() else {
        return bytes[offset as usize..][..element as usize].to_vec();
    };
    (0..outer.len)
        .flat_map(|i| gathered(bytes, offset + i * outer.stride * element, element, inner))
        .collect()
}

fn dims<const D: usize>(dims: [(u64, u64); D]) -> [Dim; D] {
    dims.map(|(len, stride)| Dim { len, stride })
}

fn strided_tensors_through_many_windows() {
    let caller = Caller::new();
    let bytes = noise(64 * CHUNK);
    let buffer = buffer(&caller, &bytes);
    let shapes: [(u64, u64, Vec<Dim>); 9] = [
        // Transposed matrices of every kind of element.
        (0, 4, dims([(200, 1), (300, 200)]).into()),
        (2, 2, dims([(300, 1), (400, 300)]).into()),
        (1, 1, dims([(301, 1), (401, 301)]).into()),
        (8, 8, dims([(100, 1), (150, 100)]).into()),
        (12, 16, dims([(70, 1), (90, 70)]).into()),
        // Every other column, a row again and again, and one element.
        (4, 4, dims([(50, 200), (100, 2)]).into()),
        (4, 2, dims([(50, 0), (101, 1)]).into()),
        (7, 3, dims([]).into()),
        // Rows of a larger matrix, at an offset that is no multiple of their elements.
        (6, 4, dims([(30, 128), (64, 1)]).into()),
    ];
    let tensors: Vec<_> = shapes
        .iter()
        .map(|(offset, element, dims)| {
            DeviceTensor::strided(&buffer, ByteOffset(*offset), ByteLen(*element), dims)
        })
        .collect();
    let mut hasher = open(&caller);
    for limits in LIMITS {
        hasher = hasher.with_limits(limits).unwrap();
        let roots = hasher.data_roots(&tensors).unwrap();
        for (root, (offset, element, dims)) in roots.iter().zip(&shapes) {
            let expected = data_root(&gathered(&bytes, *offset, *element, dims));
            assert_eq!(*root, expected, "{offset} {element} {dims:?} {limits:?}");
        }
    }
    assert_eq!(caller.errors(), 0);
}

fn what_is_written_later_does_not_count() {
    let caller = Caller::new();
    let (before, after) = (noise(20 * CHUNK + 3), vec![7; 20 * CHUNK_LEN + 4]);
    let buffer = buffer(&caller, &before);
    let mut hasher = open(&caller);
    for limits in [SMALL, COPIED] {
        hasher = hasher.with_limits(limits).unwrap();
        caller
            .queue
            .write_buffer(&buffer, 0, &before[..20 * CHUNK_LEN]);
        let tensor = at(&buffer, 0, 20 * CHUNK);
        let pending = hasher.start(std::slice::from_ref(&tensor)).unwrap();
        caller.queue.write_buffer(&buffer, 0, &after);
        caller.queue.submit([]);
        assert_eq!(
            pending.wait().unwrap(),
            [data_root(&before[..20 * CHUNK_LEN])]
        );
        let now = hasher.data_roots(&[tensor]).unwrap();
        assert_eq!(now, [data_root(&after[..20 * CHUNK_LEN])]);
    }
}

/// Calls share the hasher's memory. A later, larger call does not disturb an earlier one.
fn several_calls_in_flight() {
    let caller = Caller::new();
    let bytes = noise(100 * CHUNK);
    let buffer = buffer(&caller, &bytes);
    let mut hasher = open(&caller).with_limits(SMALL).unwrap();
    let lens = [5, 30 * CHUNK + 1, 0, 100 * CHUNK, 2 * CHUNK];
    let started: Vec<_> = lens
        .iter()
        .map(|len| hasher.start(&[at(&buffer, 0, *len)]).unwrap())
        .collect();
    assert_eq!(hasher.bytes_read(), 0);
    for (pending, len) in started.into_iter().zip(lens).rev() {
        let expected = data_root(&bytes[..len as usize]);
        assert_eq!(pending.wait().unwrap(), [expected], "{len}");
    }
    assert_eq!(hasher.bytes_read(), 32 * 4);
}
