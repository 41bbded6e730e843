//! Fits a line through points in a custom loop, and records it.
//!
//! `consumer DIR` records into DIR, which must not exist. It also saves the model there
//! in the way Burn saves models, as `burn-store.safetensors`. `consumer replay DIR`
//! trains all of it again, and fails if a bit differs.

use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::InMemDataset;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor, TensorData};
use burn_pow::Portability;
use burn_pow::loader::CanonicalBytes;
use burn_pow::{Action, Ending, EngineChoice, Finished, PowConfig, PowRun, RunSummary, replay};
use burn_store::{ModuleSnapshot, SafetensorsStore};
use pow_audit::replay::{Amount, Challenge, SegmentOutcome, Segments, Shard};
use pow_core::challenge::ChallengeSource;
use pow_ledger::RunDir;
use std::error::Error;
use std::path::{Path, PathBuf};
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
    let portability = Portability::of_this_program();
    println!("{portability}");
    if !portability.is_complete() {
        return Err("the manifest does not make this program portable".into());
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [dir] => record(dir.into()),
        [command, dir] if command == "replay" => replay_all(RunDir::new(dir)),
        _ => Err("usage: consumer [replay] DIR".into()),
    }
}

fn record(dir: PathBuf) -> Result<(), Box<dyn Error>> {
    let Some((model, last, summary)) = train(&dir, Action::Create)? else {
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

fn replay_all(run: RunDir) -> Result<(), Box<dyn Error>> {
    let segments = Segments::of(&run, None, &mut |_| {})?;
    let challenge = Challenge::draw(&segments, ChallengeSource::Head, Amount::All, [])?;
    let program = |action| train(run.path(), action).map(drop);
    let report = replay(
        &run,
        &segments,
        challenge,
        Shard::WHOLE,
        None,
        program,
        |_| true,
    )?;
    for result in report.results() {
        println!("{:?}", result.outcome);
        if !matches!(result.outcome, SegmentOutcome::BitExact { .. }) {
            return Err("a segment differs".into());
        }
    }
    Ok(())
}

/// The model, the last loss, and what was recorded; `None` if nothing was, as in a
/// replay.
type Fitted = Option<(Linear, f64, RunSummary)>;

fn train(dir: &Path, action: Action) -> Result<Fitted, Box<dyn Error>> {
    let points: Vec<Point> = (0..64)
        .map(|i| i as f32 / 64.0)
        .map(|x| Point {
            x,
            y: 3.0 * x - 1.0,
        })
        .collect();

    let config = PowConfig::new(dir)
        .seed(1)
        .epochs(30)
        .engine(EngineChoice::Cpu)
        .zero_bits(8);
    let run = PowRun::open(action, config)?;
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
    Ok(match run.finish(&model, ending)? {
        Finished::Sealed(summary) => Some((model, last, summary)),
        _ => None,
    })
}
