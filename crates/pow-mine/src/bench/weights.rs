//! How fast a GPU hashes weights where it has them.

use super::report::BenchSettings;
use super::stats::Spread;
use pow_core::hash::TreeRoot;
use pow_core::tensor::data_root_with;
use pow_cpu::Lanes;
use pow_gpu::AdapterSummary;
use pow_gpu::weights::{ByteLen, HashError, SampleWeights};
use std::time::Instant;

/// A number of parameters, each of 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParameterCount(pub u64);

/// How fast the roots of a model's weights are computed: by the GPU that has them, and
/// by one thread of the CPU after it has read them back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WeightsMeasurement {
    /// The adapter.
    pub adapter: AdapterSummary,
    /// How many parameters the model has.
    pub parameters: ParameterCount,
    /// How many tensors they are in.
    pub tensors: usize,
    /// Billions of bytes per second that the GPU hashes.
    pub in_place_gbs: Spread,
    /// Billions of bytes per second that are read back and hashed by the CPU.
    pub read_back_gbs: Spread,
    /// Billions of bytes per second that are read back alone.
    pub read_alone_gbs: Spread,
    /// How many times as fast the GPU is, in each round.
    pub ratio: Spread,
    /// Bytes that were read back for one hashing in place.
    pub bytes_read: u64,
}

/// Why weights cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The GPU cannot hash them.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// GPU and CPU do not agree.
    #[error("the GPU computed another root of tensor {0} than the CPU")]
    Different(usize),
}

/// Measures a GPU. In each round it hashes the weights in place for a slice of time, at
/// least once, and then they are read back and hashed by the CPU's fastest kernel on one
/// thread. Compares the roots every time.
///
/// # Errors
///
/// [`WeightsError`] if the device fails or has no room, or if the roots differ.
pub fn bench_weights(
    adapter: &AdapterSummary,
    parameters: ParameterCount,
    settings: BenchSettings,
    progress: &mut dyn FnMut(),
) -> Result<WeightsMeasurement, WeightsError> {
    let mut sample = SampleWeights::new(adapter, ByteLen(parameters.0.saturating_mul(4)))?;
    let gigabytes = sample.len().0 as f64 / 1e9;
    let lanes = Lanes::fastest();
    // A warm-up, also of the CPU's memory.
    check(&sample.hash_in_place()?, &hash_read_back(&sample, lanes)?.0)?;
    let mut in_place = Vec::new();
    let mut read_back = Vec::new();
    let mut read_alone = Vec::new();
    let mut ratios = Vec::new();
    let (before, mut calls) = (sample.bytes_read(), 0);
    for _ in 0..settings.rounds.get() {
        progress();
        let began = Instant::now();
        let mut times = 0u32;
        let roots = loop {
            let roots = sample.hash_in_place()?;
            times += 1;
            if began.elapsed() >= settings.slice {
                break roots;
            }
        };
        let here = f64::from(times) * gigabytes / began.elapsed().as_secs_f64();
        calls += u64::from(times);
        let began = Instant::now();
        let (expected, hashing) = hash_read_back(&sample, lanes)?;
        let took = began.elapsed().as_secs_f64();
        check(&roots, &expected)?;
        in_place.push(here);
        read_back.push(gigabytes / took);
        read_alone.push(gigabytes / (took - hashing).max(1e-9));
        ratios.push(here * took / gigabytes);
    }
    Ok(WeightsMeasurement {
        adapter: adapter.clone(),
        parameters,
        tensors: sample.tensors(),
        in_place_gbs: Spread::of(in_place),
        read_back_gbs: Spread::of(read_back),
        read_alone_gbs: Spread::of(read_alone),
        ratio: Spread::of(ratios),
        bytes_read: (sample.bytes_read() - before) / calls,
    })
}

/// The roots by the CPU, and the seconds that hashing alone took.
fn hash_read_back(sample: &SampleWeights, lanes: Lanes) -> Result<(Vec<TreeRoot>, f64), HashError> {
    let mut roots = Vec::with_capacity(sample.tensors());
    let mut hashing = 0.0;
    sample.read_back(|bytes| {
        let began = Instant::now();
        roots.push(data_root_with(&bytes, &lanes));
        hashing += began.elapsed().as_secs_f64();
    })?;
    Ok((roots, hashing))
}

fn check(roots: &[TreeRoot], expected: &[TreeRoot]) -> Result<(), WeightsError> {
    let mut pairs = roots.iter().zip(expected);
    match pairs.position(|(root, expected)| root != expected) {
        Some(tensor) => Err(WeightsError::Different(tensor)),
        None if roots.len() != expected.len() => Err(WeightsError::Different(roots.len())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_differs_or_is_missing_is_named() {
        let roots = [1, 2, 3].map(|byte| TreeRoot([byte; 32]));
        assert!(check(&roots, &roots).is_ok());
        let mut others = roots;
        others[1] = TreeRoot([9; 32]);
        assert!(matches!(
            check(&others, &roots),
            Err(WeightsError::Different(1))
        ));
        assert!(matches!(
            check(&roots[..2], &roots),
            Err(WeightsError::Different(2))
        ));
    }
}
