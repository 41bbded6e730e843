//! What `pow bench` measures of weights on a GPU.

use crate::engines::gpu_adapter;
use pow_gpu::weights::{ByteLen, SampleWeights};
use pow_mine::bench::{BenchSettings, ParameterCount, bench_weights};
use std::num::NonZeroU32;
use std::time::Duration;

tests! {
    Gpu: in_place_only_the_roots_are_read_back, read_back_are_the_bytes_that_were_hashed
}

fn in_place_only_the_roots_are_read_back() {
    let adapter = gpu_adapter().devices().unwrap().remove(0);
    let settings = BenchSettings {
        rounds: NonZeroU32::new(3).unwrap(),
        slice: Duration::from_millis(20),
    };
    // Two matrices with their vectors, and a third that is smaller.
    let parameters = ParameterCount(10_000_000);
    let mut rounds = 0;
    let measured = bench_weights(&adapter, parameters, settings, &mut || rounds += 1).unwrap();
    assert_eq!((rounds, measured.tensors), (3, 5));
    assert_eq!(measured.bytes_read, 32 * 5);
    assert_eq!(measured.adapter, adapter);
    for spread in [
        measured.in_place_gbs,
        measured.read_back_gbs,
        measured.read_alone_gbs,
        measured.ratio,
    ] {
        assert!(spread.min > 0.0 && spread.min <= spread.median && spread.median <= spread.max);
    }
    assert!(measured.read_back_gbs.median < measured.read_alone_gbs.median);
}

fn read_back_are_the_bytes_that_were_hashed() {
    let adapter = gpu_adapter().devices().unwrap().remove(0);
    let len = (16 << 20) + 8192 + 1000;
    let mut sample = SampleWeights::new(&adapter, ByteLen(len)).unwrap();
    assert_eq!((sample.tensors(), sample.len()), (3, ByteLen(len)));
    let mut expected = Vec::new();
    sample
        .read_back(|bytes| expected.push(pow_core::tensor::data_root(&bytes)))
        .unwrap();
    let before = sample.bytes_read();
    assert_eq!(sample.hash_in_place().unwrap(), expected);
    assert_eq!(sample.bytes_read() - before, 32 * 3);
    // No tensor is another one.
    expected.dedup();
    assert_eq!(expected.len(), 3);
}
