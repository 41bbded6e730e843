//! How fast batches come: the loader of a recorded run beside Burn's own, with as many
//! workers, over the same images, changes and batches. The two are timed in turn.
//!
//! ```text
//! cargo run --release --example loading [ROUNDS]
//! ```

use anyhow::Context;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::data::dataset::transform::{Mapper, MapperDataset};
use burn::tensor::{Device, Tensor, TensorData};
use burn_pow::loader::{CanonicalBytes, SampleSeed, Tracked};
use burn_pow::{Action, EngineChoice, LoaderBuilder, PowConfig, PowRun};
use pow_examples::paper::stats::{Estimate, median};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIDE: usize = 28;
const IMAGES: usize = 4096;
const BATCH: usize = 64;

/// An image, row by row.
#[derive(Clone, Debug)]
struct Image(Box<[u8; SIDE * SIDE]>);

impl CanonicalBytes for Image {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        out.extend(self.0.as_slice());
    }
}

/// Turns an image by an angle between -0.25 and 0.25, as programs do that train on images.
fn turned(image: Image, seed: SampleSeed) -> Image {
    let angle = (seed.0 % 1001) as f32 / 2000.0 - 0.25;
    let (sin, cos) = angle.sin_cos();
    let half = (SIDE as f32 - 1.0) / 2.0;
    let pixel = |row: f32, column: f32| {
        let inside = (0.0..SIDE as f32).contains(&row) && (0.0..SIDE as f32).contains(&column);
        let at = row as usize * SIDE + column as usize;
        if inside { f32::from(image.0[at]) } else { 0.0 }
    };
    let mut pixels = Box::new([0; SIDE * SIDE]);
    for (at, out) in pixels.iter_mut().enumerate() {
        let (y, x) = ((at / SIDE) as f32 - half, (at % SIDE) as f32 - half);
        let (row, column) = (x * sin + y * cos + half, x * cos - y * sin + half);
        let (down, along) = (row - row.floor(), column - column.floor());
        let upper = pixel(row, column) * (1.0 - along) + pixel(row, column + 1.0) * along;
        let lower =
            pixel(row + 1.0, column) * (1.0 - along) + pixel(row + 1.0, column + 1.0) * along;
        *out = (upper * (1.0 - down) + lower * down) as u8;
    }
    Image(pixels)
}

/// The same for Burn's loader, which has no seed for a sample.
struct Turned;

impl Mapper<Image, Image> for Turned {
    fn map(&self, image: &Image) -> Image {
        let seed = u64::from(image.0[0]) * 77 + u64::from(image.0[500]);
        turned(image.clone(), SampleSeed(seed))
    }
}

/// One image after another, as in Burn's guide.
#[derive(Clone)]
struct Batches;

impl Batcher<Image, Tensor<3>> for Batches {
    fn batch(&self, images: Vec<Image>, device: &Device) -> Tensor<3> {
        let tensors = images.iter().map(|image| {
            let data = TensorData::new(image.0.to_vec(), [1, SIDE, SIDE]).convert::<f32>();
            (Tensor::<3>::from_data(data, device) / 255 - 0.1307) / 0.3081
        });
        Tensor::cat(tensors.collect(), 0)
    }
}

fn images() -> InMemDataset<Image> {
    let image = |i: usize| Image(Box::new(std::array::from_fn(|at| (i * 31 + at * at) as u8)));
    InMemDataset::new((0..IMAGES).map(image).collect())
}

/// Takes all batches of an epoch, and trains on each for so long. Returns the time.
fn epoch<T>(loader: &dyn DataLoader<T>, training: Duration) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut batches = 0;
    for batch in loader.iter() {
        drop(batch?);
        batches += 1;
        let step = Instant::now();
        while step.elapsed() < training {
            std::hint::spin_loop();
        }
    }
    anyhow::ensure!(batches == IMAGES / BATCH, "{batches} batches");
    Ok(began.elapsed().as_secs_f64())
}

fn ours(run: &PowRun, workers: usize) -> anyhow::Result<Arc<dyn DataLoader<Tracked<Tensor<3>>>>> {
    let loader = LoaderBuilder::new(run, Batches)
        .batch_size(BATCH)
        .augment(turned)
        .num_workers(workers)
        .build(images())?;
    Ok(loader.to_device(&Device::flex()))
}

fn burns(workers: usize) -> Arc<dyn DataLoader<Tensor<3>>> {
    let images: MapperDataset<_, _, Image> = MapperDataset::new(images(), Turned);
    DataLoaderBuilder::new(Batches)
        .batch_size(BATCH)
        .shuffle(1)
        .num_workers(workers)
        .set_device(Device::flex())
        .build(images)
}

fn main() -> anyhow::Result<()> {
    let rounds: usize = match std::env::args().nth(1) {
        Some(rounds) => rounds.parse()?,
        None => 15,
    };
    let cores = std::thread::available_parallelism()?;
    println!(
        "{IMAGES} images of {SIDE}x{SIDE}, batches of {BATCH}, {cores} cores, {rounds} rounds"
    );
    println!("images a second: median; the ratio is a mean with its 95 % confidence interval");
    let place = tempfile::tempdir()?;
    for workers in [0, 1, 2] {
        let config = PowConfig::new(place.path().join(workers.to_string()));
        let run = PowRun::open(Action::Create, config.engine(EngineChoice::Cpu))?;
        let (ours, burns) = (ours(&run, workers)?, burns(workers));
        // As long as a batch takes to make, so that one worker could just keep up.
        let mut making = f64::INFINITY;
        for _ in 0..3 {
            making = making.min(epoch(ours.as_ref(), Duration::ZERO)?);
            epoch(burns.as_ref(), Duration::ZERO)?;
        }
        let step = Duration::from_secs_f64(making * BATCH as f64 / IMAGES as f64);
        for (name, training) in [("loading alone", Duration::ZERO), ("while training", step)] {
            let mut pairs = Vec::new();
            for _ in 0..rounds {
                let own = epoch(ours.as_ref(), training)?;
                pairs.push((epoch(burns.as_ref(), training)?, own));
            }
            let rate = |times: Vec<f64>| median(&times).map(|time| IMAGES as f64 / time);
            let burn = rate(pairs.iter().map(|pair| pair.0).collect()).context("no round")?;
            let own = rate(pairs.iter().map(|pair| pair.1).collect()).context("no round")?;
            let ratio = Estimate::of_ratio(&pairs).context("too few rounds")?;
            println!(
                "{workers} workers, {name:14}  run's loader {own:7.0}  Burn's {burn:7.0}  \
                 {:.2}x ({:.2} to {:.2})",
                ratio.value, ratio.low, ratio.high
            );
        }
    }
    Ok(())
}
