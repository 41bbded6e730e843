//! Weights that are hashed in the GPU's memory: the entries are those of weights that are
//! read, and the weights are not read.

use crate::device::{Gpu, alone};
use crate::runs::{entries, same, verified};
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::module::{Module, Param};
use burn::optim::{AdamConfig, ModuleOptimizer};
use burn::tensor::wgpu::{WgpuSetup, wgpu};
use burn::tensor::{Bool, DType, Device, Int, Tensor, TensorData, f16};
use burn::train::TrainStep;
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::{NamedTensor, parameter_root};
use burn_pow::{
    Action, Ending, EngineChoice, Parts, PowConfig, PowRun, RunSummary, StepInfo, TrainingParts,
};
use pow_examples::digits::{Cnn, DigitBatcher, load};
use pow_ledger::RunDir;
use std::num::NonZeroU32;
use std::sync::Arc;
use tempfile::TempDir;

const STEPS: u64 = 12;
const BATCH: usize = 8;

/// The steps 0, 5 and 10 have one.
const CHECKPOINTS: u64 = 3;

/// Settings that mine next to nothing.
fn config(dir: &RunDir) -> PowConfig {
    PowConfig::new(dir.path())
        .checkpoint_every(5)
        .engine(EngineChoice::Cpu)
        .zero_bits(1)
}

/// Trains on digits. The last micro-batch is not followed by a step.
fn train(device: &Device, config: PowConfig, accumulation: usize) -> RunSummary {
    let run = PowRun::open(Action::Create, config).unwrap();
    let device = device.clone().autodiff();
    device.seed(5);
    let (mut images, _) = load().unwrap();
    images.truncate((STEPS as usize * accumulation + 1) * BATCH);
    let images = Arc::new(InMemDataset::new(images));
    let batch_size = NonZeroU32::new(BATCH as u32).unwrap();
    let loader = run.loader(images, Arc::new(DigitBatcher), batch_size);
    let loader = loader.unwrap().to_device(&device);
    let started = run
        .start(Cnn::new(&device), AdamConfig::new().init())
        .unwrap();
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for (at, tracked) in loader.iter().enumerate() {
        let batch = run.micro_batch(&model, tracked.unwrap());
        let output = TrainStep::step(&model, batch);
        if at % accumulation == accumulation - 1 {
            model = run
                .step(model, &mut optimizer, 1e-3, output.grads, None)
                .unwrap();
        }
        if accumulation == 1 && at as u64 == STEPS - 1 {
            break;
        }
    }
    let record = run.finish(&model, Ending::Stopped).unwrap();
    let record = record.sealed().unwrap();
    assert_eq!(record.steps.0, STEPS);
    record
}

fn parameters(device: &Device) -> Vec<NamedTensor> {
    Snapshot::take(&Cnn::new(device)).read().unwrap()
}

/// What is read of the model of [`train`] at least: all of it for each checkpoint, and a root
/// for each tensor otherwise.
fn least_read(device: &Device) -> u64 {
    let model = parameters(device);
    let roots = 32 * model.len() as u64;
    CHECKPOINTS * bytes(&model) + (STEPS + 1 - CHECKPOINTS) * roots
}

fn bytes(tensors: &[NamedTensor]) -> u64 {
    tensors.iter().map(|tensor| tensor.bytes.len() as u64).sum()
}

fn runs(place: &TempDir) -> [RunDir; 2] {
    ["in place", "read"].map(|run| RunDir::new(place.path().join(run)))
}

pub fn weights_are_not_read_but_for_checkpoints() {
    let (_alone, gpu) = alone();
    let place = TempDir::new().unwrap();
    let [in_place, read] = runs(&place);
    let hashed = train(&gpu.device, config(&in_place).hash_on_gpu(&gpu.setup), 1);
    let copied = train(&gpu.device, config(&read), 1);
    same(&in_place, &read);

    let bytes = bytes(&parameters(&gpu.device));
    assert_eq!(copied.stages.read_bytes, (STEPS + 1) * bytes);
    assert_eq!(hashed.stages.read_bytes, least_read(&gpu.device));
    assert_eq!(hashed.stages.read.count, CHECKPOINTS);
    assert_eq!(copied.stages.read.count, STEPS + 1);
}

/// A model with a tensor of the program's own, which is always read.
struct Counting {
    model: Cnn,
    optimizer: ModuleOptimizer,
    seen: Tensor<1>,
}

impl TrainingParts for Counting {
    fn show(&mut self, parts: &mut Parts<'_>) {
        parts.model("cnn", &mut self.model);
        parts.optimizer("cnn", &mut self.optimizer, &self.model);
        parts.own_tensor("seen", &mut self.seen);
    }
}

/// After a checkpoint the recorder hashes what the program registered, to see that nothing
/// changed it.
pub fn a_tensor_of_the_programs_own_changes_nothing_for_the_weights() {
    let (_alone, gpu) = alone();
    let place = TempDir::new().unwrap();
    let dir = RunDir::new(place.path().join("run"));
    let config = config(&dir).hash_on_gpu(&gpu.setup);
    let run = PowRun::open(Action::Create, config).unwrap();
    let device = gpu.device.clone().autodiff();
    device.seed(5);
    let (mut images, _) = load().unwrap();
    images.truncate(STEPS as usize * BATCH);
    let images = Arc::new(InMemDataset::new(images));
    let batch_size = NonZeroU32::new(BATCH as u32).unwrap();
    let loader = run.loader(images, Arc::new(DigitBatcher), batch_size);
    let loader = loader.unwrap().to_device(&device);
    let counting = Counting {
        model: Cnn::new(&device),
        optimizer: AdamConfig::new().init(),
        seen: Tensor::zeros([1], &gpu.device),
    };
    let mut training = run.training_loop(counting).unwrap();
    for tracked in loader.iter() {
        let batch = training.micro_batch(tracked.unwrap());
        let step = |mut counting: Counting| {
            let output = TrainStep::step(&counting.model, batch);
            counting.model = counting.optimizer.step(1e-3, counting.model, output.grads);
            counting.seen = counting.seen + 1.0;
            counting
        };
        training.step(StepInfo::new(1e-3), step).unwrap();
    }
    let record = training.finish(Ending::Completed).unwrap();
    let stages = record.sealed().unwrap().stages;
    assert_eq!(stages.read_bytes, least_read(&gpu.device));
    verified(&dir);
}

/// The model has newer running statistics than the last step, which is the artifact.
pub fn a_stop_within_an_accumulation_keeps_the_weights_of_the_last_step() {
    let (_alone, gpu) = alone();
    let place = TempDir::new().unwrap();
    let [in_place, read] = runs(&place);
    let accumulating = |run| config(run).accumulation(NonZeroU32::new(2).unwrap());
    let on_gpu = accumulating(&in_place).hash_on_gpu(&gpu.setup);
    train(&gpu.device, on_gpu, 2);
    train(&gpu.device, accumulating(&read), 2);
    same(&in_place, &read);
}

/// A training does not end because its weights lie elsewhere.
pub fn weights_of_another_device_are_read() {
    let (_alone, gpu) = alone();
    let place = TempDir::new().unwrap();
    let [in_place, read] = runs(&place);
    let hashed = train(&gpu.device, config(&in_place).hash_on_gpu(&another(gpu)), 1);
    let copied = train(&gpu.device, config(&read), 1);
    same(&in_place, &read);
    assert_eq!(hashed.stages.read_bytes, copied.stages.read_bytes);

    let on_cpu = RunDir::new(place.path().join("on the CPU"));
    let shared = train(&Device::flex(), config(&on_cpu).hash_on_gpu(&gpu.setup), 1);
    assert_eq!(shared.stages.read_bytes, 0);
    verified(&on_cpu);
}

/// A second wgpu device on the same adapter.
fn another(gpu: &Gpu) -> WgpuSetup {
    let descriptor = wgpu::DeviceDescriptor::default();
    let opened = gpu.setup.adapter.request_device(&descriptor);
    let (device, queue) = pollster::block_on(opened).unwrap();
    WgpuSetup {
        device,
        queue,
        ..gpu.setup.clone()
    }
}

/// Parameters of all forms that can lie in a GPU's memory.
#[derive(Module, Debug)]
struct Forms {
    whole: Param<Tensor<2>>,
    /// No multiple of a chunk, a word of 16 bytes, or anything else.
    odd: Param<Tensor<1>>,
    one: Param<Tensor<1>>,
    transposed: Param<Tensor<2>>,
    sliced: Param<Tensor<2>>,
    half: Param<Tensor<2>>,
    half_odd: Param<Tensor<1>>,
    integers: Param<Tensor<1, Int>>,
    booleans: Param<Tensor<1, Bool>>,
}

/// The tensors of [`Forms`] that the kernels hash.
const HASHED: u64 = 8;

const BOOLEANS: usize = 7;

impl Forms {
    fn new(device: &Device) -> Self {
        let numbers = |count: usize| -> Vec<f32> { (0..count).map(|at| at as f32 * 0.5).collect() };
        let matrix = |rows: usize, columns: usize| {
            Tensor::<2>::from_data(
                TensorData::new(numbers(rows * columns), [rows, columns]),
                device,
            )
        };
        let vector =
            |count: usize| Tensor::<1>::from_data(TensorData::new(numbers(count), [count]), device);
        let halves =
            |count: usize| -> Vec<f16> { (0..count).map(|at| f16::from_f32(at as f32)).collect() };
        let half = (device, DType::F16);
        let integers: Vec<i32> = (0..1500).collect();
        Forms {
            whole: Param::from_tensor(matrix(64, 96)),
            odd: Param::from_tensor(vector(3001)),
            one: Param::from_tensor(vector(1)),
            transposed: Param::from_tensor(matrix(70, 31).transpose()),
            sliced: Param::from_tensor(matrix(40, 50).slice([3..37, 1..48])),
            half: Param::from_tensor(Tensor::from_data(
                TensorData::new(halves(90 * 61), [90, 61]),
                half,
            )),
            half_odd: Param::from_tensor(Tensor::from_data(
                TensorData::new(halves(2051), [2051]),
                half,
            )),
            integers: Param::initialized(
                Default::default(),
                Tensor::from_data(TensorData::new(integers, [1500]), device),
            ),
            booleans: Param::initialized(
                Default::default(),
                Tensor::from_data(TensorData::new(vec![true; BOOLEANS], [BOOLEANS]), device),
            ),
        }
    }

    /// Every float changes, and so do its place and its strides.
    fn step(self) -> Self {
        Forms {
            whole: self.whole.map(|tensor| tensor + 1.0),
            odd: self.odd.map(|tensor| tensor * 3.0),
            one: self.one.map(|tensor| tensor + 0.25),
            transposed: self
                .transposed
                .map(|tensor| (tensor.transpose() + 1.0).transpose()),
            sliced: self.sliced.map(|tensor| {
                let [rows, columns] = tensor.dims();
                let wide = Tensor::cat(vec![tensor.clone(), tensor + 1.0], 1);
                wide.slice([0..rows, 1..columns + 1])
            }),
            ..self
        }
    }
}

impl TrainingParts for Forms {
    fn show(&mut self, parts: &mut Parts<'_>) {
        parts.model("forms", self);
    }
}

pub fn tensors_of_all_forms_have_the_roots_of_the_cpu() {
    let (_alone, gpu) = alone();
    let place = TempDir::new().unwrap();
    let dir = RunDir::new(place.path().join("run"));
    let config = config(&dir).checkpoint_every(0).hash_on_gpu(&gpu.setup);
    let run = PowRun::open(Action::Create, config).unwrap();
    let mut forms = run.training_loop(Forms::new(&gpu.device)).unwrap();
    let mut expected = vec![root(&forms)];
    for _ in 0..4 {
        forms.step(StepInfo::new(1.0), Forms::step).unwrap();
        expected.push(root(&forms));
    }
    let size = bytes(&Snapshot::take(&*forms).read().unwrap());
    let record = forms.finish(Ending::Completed).unwrap().sealed().unwrap();
    let found: Vec<_> = entries(&dir).iter().map(|entry| entry.parameters).collect();
    assert_eq!(found, expected);
    assert!(expected.windows(2).all(|pair| pair[0] != pair[1]));
    // Step 0 has a checkpoint.
    let each = HASHED * 32 + BOOLEANS as u64;
    assert_eq!(record.stages.read_bytes, size + 4 * each);
}

fn root(forms: &Forms) -> pow_core::hash::ParameterRoot {
    let mut tensors = Snapshot::take(forms).read().unwrap();
    for tensor in &mut tensors {
        tensor.path.insert_str(0, "forms.");
    }
    parameter_root(&tensors).unwrap()
}
