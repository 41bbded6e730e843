//! Hashing what lies in a GPU's memory. If that is not possible, tensors are read.

use super::gpu_tensor::{GpuTensor, Located};
use burn::tensor::wgpu::WgpuSetup;
use pow_core::hash::TreeRoot;
use pow_gpu::weights::{HashError, WeightHasher};
use std::fmt::Display;
use std::io::Write;

/// Hashes tensors on the device that trains.
pub(crate) struct InPlace(State);

enum State {
    /// The kernels are compiled when they are first needed, on the thread that hashes.
    Ready(WgpuSetup),
    Running(Box<WeightHasher>),
    /// It did not work.
    Off,
}

impl InPlace {
    /// Hashes on the device that Burn opened, or was given, with `setup`.
    pub(crate) fn new(setup: WgpuSetup) -> Self {
        InPlace(State::Ready(setup))
    }

    /// The root over each tensor's chunks. `None` for those that must be read.
    ///
    /// A training must not end because of a GPU that cannot hash. So an error is printed,
    /// and everything is read from then on.
    pub(crate) fn roots(&mut self, tensors: &[GpuTensor]) -> Vec<Option<TreeRoot>> {
        let none = || tensors.iter().map(|_| None).collect();
        if let State::Ready(setup) = &self.0 {
            let (device, queue) = (setup.device.clone(), setup.queue.clone());
            match WeightHasher::new(device, queue) {
                Ok(hasher) => self.0 = State::Running(Box::new(hasher)),
                Err(error) => {
                    self.give_up(&error);
                    return none();
                }
            }
        }
        let State::Running(hasher) = &mut self.0 else {
            return none();
        };
        roots(hasher, tensors).unwrap_or_else(|error| {
            self.give_up(&error);
            none()
        })
    }

    /// Says that the weights do not lie where they could be hashed.
    pub(crate) fn is_of_no_use(&mut self) {
        let reason = "they are not on the GPU, or the program uses Burn's fusion and lacks the \
                      feature `fusion` of burn-pow";
        if !matches!(self.0, State::Off) {
            self.give_up(&reason);
        }
    }

    fn give_up(&mut self, reason: &dyn Display) {
        self.0 = State::Off;
        // A closed stderr must not end the training.
        let _ = writeln!(
            std::io::stderr(),
            "the weights are read from the GPU to be hashed: {reason}"
        );
    }
}

/// The roots of the tensors whose layout the kernels can follow.
fn roots(
    hasher: &mut WeightHasher,
    tensors: &[GpuTensor],
) -> Result<Vec<Option<TreeRoot>>, String> {
    let located = tensors.iter().map(GpuTensor::locate);
    let mut located: Vec<Option<Located>> = located
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    loop {
        let places: Vec<usize> = (0..located.len())
            .filter(|at| located[*at].is_some())
            .collect();
        let placed: Vec<_> = located.iter().flatten().map(Located::tensor).collect();
        let started = hasher.start(&placed);
        drop(placed);
        match started {
            Ok(pending) => {
                let found = pending.wait().map_err(|error| error.to_string())?;
                let mut roots = vec![None; tensors.len()];
                for (at, root) in places.into_iter().zip(found) {
                    roots[at] = Some(root);
                }
                return Ok(roots);
            }
            // This one is read.
            Err(
                HashError::Layout { tensor, .. }
                | HashError::OutOfBuffer { tensor, .. }
                | HashError::Usage { tensor, .. },
            ) => located[places[tensor]] = None,
            Err(error) => return Err(error.to_string()),
        }
    }
}
