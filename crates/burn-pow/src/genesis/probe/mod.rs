//! The numerics probe: how a device computes.
//!
//! A name stands for an operation with its exact inputs. Who changes an input gives
//! the operation another name, so that old and new probes do not seem to disagree.

mod operations;

use crate::genesis::machine::training_device;
use crate::state::tensors::{NamedTensor, parameter_root};
use burn::tensor::{Device, TensorData};
use operations::{DRAWS, OPERATIONS, Run};
use pow_core::extension::{Operation, Probe};
use pow_core::hash::ParameterRoot;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// The seed of the probe's random draws.
const SEED: u64 = 0x706f_7770_726f_6265;

/// How this device computes: a digest of each result of a fixed set of small
/// computations, random draws among them. Two devices on which all agree can be expected
/// to train alike, bit for bit. An operation that gave two results in a row has no digest.
///
/// A recorded run has the same in its genesis. `None` if the device could execute nothing.
///
/// It draws random numbers. Seed the device afterwards, before anybody else draws.
///
/// ```
/// use burn::tensor::Device;
///
/// let probe = burn_pow::numerics(&Device::flex()).expect("a CPU computes");
/// assert!(probe.operation("exp").is_some());
/// ```
pub fn numerics(device: &Device) -> Option<Probe> {
    let device = training_device(device);
    let mut all = operations(&device);
    all.extend(draws(&device));
    probe(all)
}

/// Everything but the random draws, which would disturb the training's generator.
/// Measured once for each device of a process.
pub(crate) fn operations(device: &Device) -> Vec<Operation> {
    static KNOWN: Known = Known::new();
    KNOWN.get(device, || measured(&OPERATIONS, device))
}

/// The random draws. They leave the device's generator at some place, so the caller
/// must seed the device before anybody draws from it.
pub(crate) fn draws(device: &Device) -> Vec<Operation> {
    static KNOWN: Known = Known::new();
    KNOWN.get(device, || measured(&DRAWS, device))
}

/// Measured operations by the name of their device.
struct Known(Mutex<BTreeMap<String, Vec<Operation>>>);

impl Known {
    const fn new() -> Self {
        Known(Mutex::new(BTreeMap::new()))
    }

    /// Measures while the lock is held: two threads that draw from one generator would
    /// disturb each other.
    fn get(&self, device: &Device, measure: impl FnOnce() -> Vec<Operation>) -> Vec<Operation> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(format!("{device:?}"))
            .or_insert_with(measure)
            .clone()
    }
}

/// A probe of these operations. `None` if the device could execute none of them.
pub(crate) fn probe(operations: Vec<Operation>) -> Option<Probe> {
    Probe::new(operations).ok()
}

/// Executes each operation twice. One that the device does not support is left out.
fn measured(operations: &[(&'static str, Run)], device: &Device) -> Vec<Operation> {
    let twice = operations.iter().filter_map(|(name, run)| {
        let (first, second) = (digest(*run, device)?, digest(*run, device)?);
        Some(Operation {
            name: (*name).into(),
            digest: (first == second).then_some(first),
        })
    });
    twice.collect()
}

/// The parameter root of an operation's results. `None` if the device panics, or the
/// results cannot be read.
fn digest(run: Run, device: &Device) -> Option<ParameterRoot> {
    let results: Vec<TensorData> = catch_unwind(AssertUnwindSafe(|| run(device))).ok()??;
    let named = results
        .into_iter()
        .enumerate()
        .map(|(place, data)| NamedTensor::new(place.to_string(), data).ok());
    parameter_root(&named.collect::<Option<Vec<_>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_runs_and_repeats_itself_on_the_cpu() {
        let device = Device::flex().autodiff();
        for (all, expected) in [(operations(&device), OPERATIONS.len()), (draws(&device), 2)] {
            assert_eq!(all.len(), expected, "{all:?}");
            for operation in &all {
                assert!(operation.digest.is_some(), "{}", operation.name);
            }
        }
    }

    #[test]
    fn another_result_has_another_digest() {
        let device = Device::flex();
        let all = [operations(&device), draws(&device)].concat();
        let digests: std::collections::BTreeSet<_> = all.iter().map(|o| o.digest).collect();
        assert_eq!(digests.len(), all.len());
    }

    #[test]
    fn a_device_that_contradicts_itself_is_said_to() {
        use std::sync::atomic::{AtomicU32, Ordering};
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let restless: Run = |_| {
            let call = CALLS.fetch_add(1, Ordering::Relaxed);
            Some(vec![TensorData::from([call])])
        };
        let panics: Run = |_| panic!("not supported");
        let found = measured(&[("restless", restless), ("no", panics)], &Device::flex());
        let restless = Operation {
            name: "restless".into(),
            digest: None,
        };
        assert_eq!(found, [restless]);
    }
}
