//! Another thread reads the parameters while the training continues.

use crate::device::{Gpu, alone};
use burn::data::dataloader::batcher::Batcher;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{AdamConfig, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::TrainStep;
use burn_pow::snapshot::Snapshot;
use pow_examples::digits::{Cnn, Digit, DigitBatcher, load};
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

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

/// A training whose optimizer updates parameters in place.
struct Training {
    /// Absent while a step is taken: a second reference would make the optimizer copy.
    model: Option<Cnn>,
    optimizer: ModuleOptimizer,
    images: Vec<Digit>,
    device: Device,
    steps: usize,
}

impl Training {
    fn new(gpu: &Gpu) -> Self {
        let device = gpu.device.clone().autodiff();
        device.seed(3);
        Training {
            model: Some(Cnn::new(&device)),
            optimizer: AdamConfig::new().init(),
            images: load().unwrap().0,
            device,
            steps: 0,
        }
    }

    /// Takes a step, and returns the model after it.
    fn step(&mut self) -> &Cnn {
        let images = self.images.iter().cycle().skip(self.steps * 16).take(16);
        let batch = DigitBatcher.batch(images.cloned().collect(), &self.device);
        let model = self.model.take().unwrap();
        let output = TrainStep::step(&model, batch);
        let model = self.optimizer.step(1e-2, model, output.grads);
        drop(model.valid());
        self.steps += 1;
        self.model.insert(model)
    }
}

/// The optimizer updates parameters in place. A snapshot must not see that, whether
/// it is read during later steps or after all of them.
pub fn a_snapshot_is_the_model_of_its_own_step() {
    let (_alone, gpu) = alone();
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

    let mut training = Training::new(gpu);
    let mut copies = Vec::new();
    for _ in 0..STEPS {
        let model = training.step();
        copies.push(Copies::of(model));
        sender.send(Snapshot::take(model)).unwrap();
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

/// Weights that a program changes in place in each step, as one that clips them does. A
/// transposed tensor is made contiguous before it is read.
#[derive(Module, Debug)]
struct Weights {
    plain: Param<Tensor<2>>,
    transposed: Param<Tensor<2>>,
}

impl Weights {
    fn add_one(self) -> Self {
        Weights {
            plain: self.plain.map(|weights| weights + 1.0),
            transposed: self
                .transposed
                .map(|weights| (weights.transpose() + 1.0).transpose()),
        }
    }
}

/// What one thread makes contiguous, and has not read yet, another thread must not change.
pub fn a_snapshot_of_transposed_weights_is_that_of_its_own_step() {
    let (_alone, gpu) = alone();
    let (sender, receiver) = sync_channel::<Snapshot>(4);
    let reader = std::thread::spawn(move || receiver.into_iter().map(read).collect::<Vec<_>>());
    let zeros = || Param::from_tensor(Tensor::zeros([300, 200], &gpu.device));
    let mut model = Weights {
        plain: zeros(),
        transposed: zeros().map(Tensor::transpose),
    };
    for step in 0..STEPS {
        sender.send(Snapshot::take(&model)).unwrap();
        // So that the reader is at another point each time.
        std::thread::sleep(Duration::from_micros(100 * step as u64));
        model = model.add_one();
        gpu.device.sync().unwrap();
    }
    drop(sender);
    for (step, read) in reader.join().unwrap().into_iter().enumerate() {
        for (path, bytes) in read {
            let (numbers, _) = bytes.as_chunks();
            let mut numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
            assert!(
                numbers.all(|number| number == step as f32),
                "{path} of step {step}"
            );
        }
    }
}

fn read(snapshot: Snapshot) -> BTreeMap<String, Vec<u8>> {
    let tensors = snapshot.read().unwrap().into_iter();
    tensors
        .map(|tensor| (tensor.path, tensor.bytes.to_vec()))
        .collect()
}
