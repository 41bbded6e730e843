//! Errors that wgpu reports outside of return values.

use crate::kernel::Fault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// The first error of a device that this crate opened. Without these handlers
/// wgpu would panic. (A device that the caller gave has the caller's handlers.)
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Option<String>>>);

impl Faults {
    /// Records errors that the device reports from now on.
    pub fn watch(device: &wgpu::Device) -> Self {
        let faults = Faults::default();
        let errors = faults.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            errors.set(error.to_string());
        }));
        let losses = faults.clone();
        device.set_device_lost_callback(move |reason, message| {
            losses.set(format!("device lost ({reason:?}): {message}"));
        });
        faults
    }

    /// Fails with the recorded error, if there is one.
    pub fn check(&self) -> Result<(), Fault> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault
            .as_ref()
            .map_or(Ok(()), |fault| Err(Fault::new(fault)))
    }

    /// Keeps the first error, because later ones follow from it.
    fn set(&self, message: String) {
        let mut fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.get_or_insert(message);
    }
}

/// Runs `work`. Fails if the device reports an error to this thread during it.
pub fn scoped<T>(device: &wgpu::Device, work: impl FnOnce() -> T) -> Result<T, Fault> {
    caught(device, work).map_err(Fault::new)
}

/// The same, with the device's own error.
pub fn caught<T>(device: &wgpu::Device, work: impl FnOnce() -> T) -> Result<T, wgpu::Error> {
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let done = work();
    let errors = [
        pollster::block_on(validation.pop()),
        pollster::block_on(internal.pop()),
        pollster::block_on(memory.pop()),
    ];
    match errors.into_iter().flatten().next() {
        Some(error) => Err(error),
        None => Ok(done),
    }
}

/// Polls the device. Returns whether the work that `poll` waits for is done.
pub fn poll(device: &wgpu::Device, poll: wgpu::PollType) -> Result<bool, Fault> {
    match without_panic(|| device.poll(poll))? {
        Ok(_) => Ok(true),
        Err(wgpu::PollError::Timeout) => Ok(false),
        Err(error) => Err(Fault::new(error)),
    }
}

/// wgpu 30 panics if the device is lost while it waits.
fn without_panic<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| Fault::new("the device was lost while waiting for its work"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_fault() {
        assert_eq!(without_panic(|| 5), Ok(5));
        assert!(without_panic(|| panic!("device lost")).is_err());
    }
}
