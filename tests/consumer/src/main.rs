//! Fits a line through points in a custom loop, and records it.
//!
//! `consumer DIR` records into DIR, which must not exist. It also saves the model there
//! in the way Burn saves models, as `burn-store.safetensors`.

use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::InMemDataset;
use burn::nn::LinearConfig;
use burn::nn::loss::{MseLoss, Reduction};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor, TensorData};
use burn_pow::loader::CanonicalBytes;
use burn_pow::{Action, Ending, EngineChoice, Finished, PowConfig, PowRun};
use burn_store::{ModuleSnapshot, SafetensorsStore};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone)]
struct Point {
    x: f32,
    y: f32,
}

impl CanonicalBytes for Point {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        out.extend(self.x.to_le_bytes());
        out.extend(self.y.to_le_bytes());
    }
}

struct Points;

impl Batcher<Point, [Tensor<2>; 2]> for Points {
    fn batch(&self, points: Vec<Point>, device: &Device) -> [Tensor<2>; 2] {
        let column = |value: fn(&Point) -> f32| {
            let values: Vec<f32> = points.iter().map(value).collect();
            Tensor::from_data(TensorData::new(values, [points.len(), 1]), device)
        };
        [column(|point| point.x), column(|point| point.y)]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: consumer DIR")?;
    let dir = PathBuf::from(dir);
    let points: Vec<Point> = (0..64)
        .map(|i| i as f32 / 64.0)
        .map(|x| Point {
            x,
            y: 3.0 * x - 1.0,
        })
        .collect();

    let config = PowConfig::new(&dir)
        .seed(1)
        .epochs(30)
        .engine(EngineChoice::Cpu)
        .zero_bits(8);
    let run = PowRun::open(Action::Create, config)?;
    let device = Device::flex().autodiff();
    device.seed(1);
    let model = LinearConfig::new(1, 1).init(&device);
    let loader = run.loader(
        Arc::new(InMemDataset::new(points)),
        Arc::new(Points),
        16.try_into()?,
    )?;
    let batches = loader.to_device(&device);

    let started = run.start(model, SgdConfig::new().init())?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    let mut last = f64::INFINITY;
    let mut ending = Ending::Completed;
    'training: for _ in 0..30 {
        for tracked in batches.iter() {
            if run.should_stop() {
                ending = Ending::Stopped;
                break 'training;
            }
            let [x, y] = run.micro_batch(&model, tracked?);
            let loss = MseLoss::new().forward(model.forward(x), y, Reduction::Mean);
            last = loss.clone().into_scalar::<f64>();
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = run.step(model, &mut optimizer, 0.3, grads, Some(last))?;
        }
    }
    let Finished::Sealed(summary) = run.finish(&model, ending)? else {
        return Err("the run was stopped".into());
    };
    let mut store = SafetensorsStore::from_file(dir.join("burn-store.safetensors"));
    model.save_into(&mut store)?;
    println!(
        "loss {last:.6} after {} steps; {}",
        summary.steps, summary.genesis
    );
    if last > 0.01 {
        return Err("the line does not fit".into());
    }
    Ok(())
}
