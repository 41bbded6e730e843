//! Another thread reads the parameters while the training continues.

use crate::device::alone;
use burn::data::dataloader::batcher::Batcher;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::AdamConfig;
use burn::tensor::{Tensor, TensorData};
use burn::train::TrainStep;
use burn_pow::snapshot::Snapshot;
use pow_examples::digits::{Cnn, DigitBatcher, load};
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;

const STEPS: usize = 40;

/// Copies on the device. A snapshot only counts references to the originals.
#[derive(Default)]
struct Copies {
    path: Vec<String>,
    tensors: BTreeMap<String, Box<dyn FnOnce() -> TensorData>>,
}

impl Copies {
    fn of(model: &Cnn) -> Self {
        let mut copies = Copies::default();
        model.visit(&mut copies);
        copies
    }

    fn copy<const D: usize>(&mut self, path: String, tensor: Tensor<D>) {
        // A product by 1 is exact, and has its own buffer because the operand is in use.
        let copy = tensor.without_autodiff().mul_scalar(1.0);
        self.tensors
            .insert(path, Box::new(move || copy.into_data()));
    }

    fn read(self) -> BTreeMap<String, Vec<u8>> {
        let tensors = self.tensors.into_iter();
        tensors
            .map(|(path, read)| (path, read().as_bytes().to_vec()))
            .collect()
    }
}

impl ModuleVisitor for Copies {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.copy(self.path.join("."), param.transform_for_save().val());
    }

    fn visit_float_with_path<const D: usize>(
        &mut self,
        path: &[String],
        _id: ParamId,
        tensor: &Tensor<D>,
    ) {
        self.copy(path.join("."), tensor.clone());
    }
}

fn read(snapshot: Snapshot) -> BTreeMap<String, Vec<u8>> {
    let tensors = snapshot.read().unwrap().into_iter();
    tensors
        .map(|tensor| (tensor.path, tensor.bytes.to_vec()))
        .collect()
}

/// The optimizer updates parameters in place. A snapshot must not see that, whether
/// it is read during later steps or after all of them.
pub fn a_snapshot_is_the_model_of_its_own_step() {
    let (_alone, gpu) = alone();
    let device = gpu.device.clone().autodiff();
    device.seed(3);
    let (images, _) = load().unwrap();
    let (sender, receiver) = sync_channel::<Snapshot>(4);
    let reader = std::thread::spawn(move || {
        let mut seen = vec![None; STEPS];
        let mut kept = Vec::new();
        for (step, snapshot) in receiver.into_iter().enumerate() {
            if step % 4 == 0 {
                kept.push((step, snapshot));
            } else {
                seen[step] = Some(read(snapshot));
            }
        }
        for (step, snapshot) in kept {
            seen[step] = Some(read(snapshot));
        }
        seen
    });

    let mut model = Cnn::new(&device);
    let mut optimizer = AdamConfig::new().init();
    let mut copies = Vec::new();
    for step in 0..STEPS {
        let images = images.iter().cycle().skip(step * 16).take(16).cloned();
        let batch = DigitBatcher.batch(images.collect(), &device);
        let output = TrainStep::step(&model, batch);
        model = optimizer.step(1e-2, model, output.grads);
        drop(model.valid());
        copies.push(Copies::of(&model));
        sender.send(Snapshot::take(&model)).unwrap();
    }
    drop(sender);
    let seen = reader.join().unwrap();
    let expected: Vec<_> = copies.into_iter().map(Copies::read).collect();
    for step in 0..STEPS {
        assert!(seen[step].as_ref() == Some(&expected[step]), "step {step}");
    }
    // Otherwise any snapshot would pass for any step.
    for pair in expected.windows(2) {
        assert!(pair[0].iter().all(|(path, bytes)| pair[1][path] != *bytes));
    }
}
