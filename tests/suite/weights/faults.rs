//! What cannot be hashed is an error that says why, and nobody else's error handler
//! hears of it.

use super::{at, buffer, dims, noise};
use crate::caller::Caller;
use pow_core::tensor::data_root;
use pow_gpu::weights::{ByteLen, ByteOffset, DeviceTensor, HashError, LayoutError, WeightHasher};
use pow_gpu::wgpu;

tests! {
    Gpu: a_tensor_outside_of_its_buffer, a_buffer_that_kernels_cannot_read,
        a_layout_that_kernels_cannot_follow, a_device_that_allows_too_little, a_lost_device
}

fn open(caller: &Caller) -> Result<WeightHasher, HashError> {
    WeightHasher::new(caller.device.clone(), caller.queue.clone())
}

fn a_tensor_outside_of_its_buffer() {
    let caller = Caller::new();
    let buffer = buffer(&caller, &noise(100));
    let mut hasher = open(&caller).unwrap();
    let fits = at(&buffer, 60, 40);
    for (offset, len, end) in [
        (0, 101, 101),
        (101, 0, 101),
        (60, 41, 101),
        (u64::MAX, 1, u64::MAX),
    ] {
        let error = hasher.data_roots(&[fits.clone(), at(&buffer, offset, len)]);
        let expected = HashError::OutOfBuffer {
            tensor: 1,
            end,
            buffer: 100,
        };
        assert_eq!(error, Err(expected), "{offset} {len}");
    }
    let column = DeviceTensor::strided(&buffer, ByteOffset(8), ByteLen(4), &dims([(6, 4), (4, 1)]));
    let error = hasher.data_roots(&[column]).unwrap_err();
    let words = "tensor 0 ends at byte 104, and whole words of its buffer at byte 100";
    assert_eq!(error.to_string(), words);
    // Nothing was lost.
    assert!(hasher.data_roots(&[fits]).is_ok());
    assert_eq!(caller.errors(), 0);
}

fn a_buffer_that_kernels_cannot_read() {
    let caller = Caller::new();
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let buffer = caller.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 64,
        usage,
        mapped_at_creation: false,
    });
    let error = open(&caller).unwrap().data_roots(&[at(&buffer, 0, 64)]);
    let expected = HashError::Usage {
        tensor: 0,
        found: usage,
    };
    assert_eq!(error, Err(expected));
    assert_eq!(caller.errors(), 0);
}

fn a_layout_that_kernels_cannot_follow() {
    let caller = Caller::new();
    let buffer = buffer(&caller, &noise(100));
    let mut hasher = open(&caller).unwrap();
    let mut reason = |element, dims: &[_]| {
        let tensor = DeviceTensor::strided(&buffer, ByteOffset(0), ByteLen(element), dims);
        match hasher.data_roots(&[at(&buffer, 0, 4), tensor]) {
            Err(HashError::Layout { tensor: 1, reason }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(reason(0, &dims([(3, 1)])), LayoutError::NoElement);
    let overflows = dims([(1 << 40, 1), (1 << 40, 1)]);
    assert_eq!(reason(4, &overflows), LayoutError::Overflow);
    let wide = reason(4, &dims([(2, 1 << 31), (3, 7)]));
    assert!(matches!(wide, LayoutError::TooWide { unit: 4, .. }));
    assert_eq!(caller.errors(), 0);
}

fn a_device_that_allows_too_little() {
    let caller = Caller::with(wgpu::Limits {
        max_storage_buffers_per_shader_stage: 2,
        ..wgpu::Limits::default()
    });
    let expected = HashError::Limits {
        limit: "max_storage_buffers_per_shader_stage",
        found: 2,
        needed: 3,
    };
    assert_eq!(open(&caller).err(), Some(expected));
    assert_eq!(caller.errors(), 0);
}

fn a_lost_device() {
    let caller = Caller::new();
    let bytes = noise(50_000);
    let buffer = buffer(&caller, &bytes);
    let mut hasher = open(&caller).unwrap();
    let tensor = at(&buffer, 0, 50_000);
    let roots = hasher.data_roots(std::slice::from_ref(&tensor)).unwrap();
    assert_eq!(roots, [data_root(&bytes)]);
    let read = hasher.bytes_read();
    caller.device.destroy();
    let lost = hasher.data_roots(&[tensor]);
    assert!(matches!(lost, Err(HashError::Device(_))), "{lost:?}");
    assert_eq!(hasher.bytes_read(), read);
    let opened = open(&caller);
    assert!(matches!(opened, Err(HashError::Device(_))), "{opened:?}");
    assert_eq!(caller.errors(), 0);
}
