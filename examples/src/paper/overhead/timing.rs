//! A perceptron that is trained on noise and timed.

use super::plan::{ModelSize, OverheadRow, Timing};
use crate::paper::millis;
use crate::perceptron::{MEDIUM, Record, Training, noise};
use burn::tensor::Device;
use burn_pow::{Action, EngineChoice, PowConfig, PowRun, RunSummary, Stage};
use std::time::Instant;
use tempfile::TempDir;

/// The widths of inputs, two hidden layers and outputs.
fn widths(size: ModelSize) -> [usize; 4] {
    match size {
        ModelSize::Small => [784, 120, 48, 10],
        ModelSize::Medium => MEDIUM,
        ModelSize::Large => [784, 3072, 2464, 10],
    }
}

/// Trains for the warm-up and the timed steps, and measures how long they took. The
/// run is recorded into a temporary directory.
///
/// # Errors
///
/// If the run cannot be recorded.
pub fn time(timing: &Timing) -> anyhow::Result<OverheadRow> {
    let Timing {
        size: plan,
        round,
        mode,
        every,
        zero_bits,
    } = timing.clone();
    let device = Device::flex().autodiff();
    let widths = widths(plan.size);
    let place = TempDir::new()?;
    let config = PowConfig::new(place.path().join("run"))
        .commit_every(every)
        .checkpoint_every(0)
        .engine(EngineChoice::Cpu)
        .zero_bits(zero_bits);
    let record = match mode.configure(config) {
        None => Record::Off,
        Some(config) => Record::On(Box::new(PowRun::open(Action::Create, config)?)),
    };
    let mut training = Training::new(widths, &device, record)?;
    let parameters = training.parameters() as u64;
    let batch = noise(widths, &device);
    for _ in 0..plan.warm_up {
        training.step(&batch)?;
    }
    let steps = plan.steps.max(every.get());
    let (began, waited_before) = (Instant::now(), training.waited());
    for _ in 0..steps {
        training.step(&batch)?;
    }
    let took = began.elapsed();
    let waited = training.waited().unwrap_or_default() - waited_before.unwrap_or_default();
    let began = Instant::now();
    let record = training.finish()?;
    let finish_ms = record.is_some().then(|| millis(began.elapsed()));
    let mean = |stage: fn(&RunSummary) -> Stage| {
        let stage = stage(record.as_ref()?);
        stage.mean().map(millis)
    };
    Ok(OverheadRow {
        size: plan.size,
        parameters,
        round,
        mode,
        commit_every: record.as_ref().map(|_| every.get()),
        steps,
        step_ms: millis(took) / steps as f64,
        waited_ms: millis(waited) / steps as f64,
        snapshot_ms: mean(|record| record.stages.snapshot),
        read_ms: mean(|record| record.stages.read),
        hash_ms: mean(|record| record.stages.hash),
        mine_ms: mean(|record| record.stages.mine),
        append_ms: mean(|record| record.stages.append),
        sync_ms: record.as_ref().and_then(|record| {
            let count = record.stages.append.count;
            (count > 0).then(|| millis(record.stages.sync.total) / count as f64)
        }),
        committed: record.as_ref().map(|record| record.stages.hash.count),
        blocks: record.as_ref().map(|record| record.stages.append.count),
        finish_ms,
    })
}
