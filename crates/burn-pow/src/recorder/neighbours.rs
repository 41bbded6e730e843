//! Other recorded trainings of this process.

use burn::tensor::Device;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// The devices on which recorded trainings run, with one entry for each training.
static TRAINING: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A recorded training that runs, until this is dropped.
pub(super) struct Training {
    device: String,
}

impl Training {
    /// Notes a training on this device. Warns if there is another one: a device has one
    /// random generator, and each training seeds it while the other one draws.
    pub(super) fn begins(device: Option<&Device>) -> Self {
        let (begun, is_alone) = Training::on(format!("{device:?}"));
        if !is_alone {
            // A closed stderr must not end the training.
            let _ = writeln!(
                std::io::stderr(),
                "warning: another recorded training runs in this process on the same device. \
                 Both draw from one random generator, so a replay gives other bits if a model or \
                 a batcher draws random numbers (dropout). Use one process for each run."
            );
        }
        begun
    }

    /// Notes a training on this device. Returns whether it is the only one.
    fn on(device: String) -> (Self, bool) {
        let mut training = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
        let is_alone = !training.contains(&device);
        training.push(device.clone());
        (Training { device }, is_alone)
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        let mut training = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = training.iter().position(|device| *device == self.device) {
            training.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_training_on_a_device_is_warned_of() {
        let on = |device: &str| Training::on(format!("{device} of this test"));
        let (first, is_alone) = on("a");
        assert!(is_alone);
        let (second, is_alone) = on("a");
        assert!(!is_alone);
        assert!(on("b").1);
        drop((first, second));
        assert!(on("a").1);
    }
}
