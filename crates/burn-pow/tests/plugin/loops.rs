//! Loops of one's own.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use burn::train::TrainStep;
use burn_pow::{Action, Ending, PowRun, Stage};
use pow_audit::{Level, Verdict};
use std::time::{Duration, Instant};

#[test]
fn a_hand_written_loop_records_losses_too() {
    let _alone = alone();
    let (_place, run) = place();
    let open = PowRun::open(Action::Create, config(&run)).unwrap();
    let train = loader(&open).to_device(&Device::flex().autodiff());
    let (mut model, mut optimizer) = begin(&open);
    let mut losses = Vec::new();
    for _ in 0..2 {
        for tracked in train.iter() {
            let batch = open.micro_batch(&model, tracked.unwrap());
            let output = TrainStep::step(&model, batch);
            let loss = f64::from(output.item.loss.into_scalar::<f32>());
            losses.push(loss.to_bits());
            model = open
                .step(model, &mut optimizer, 1e-2, output.grads, Some(loss))
                .unwrap();
        }
    }
    let record = open.finish(&model, Ending::Completed).unwrap();
    assert_eq!(record.steps.0, 2 * STEPS_PER_EPOCH);
    let recorded: Vec<u64> = entries(&run).iter().filter_map(|e| e.loss).collect();
    assert_eq!(recorded, losses);
    assert!(report(&run).holds());
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::Partly);
}

#[test]
fn the_stages_of_recording_are_timed() {
    let _alone = alone();
    let began = Instant::now();
    let (_place, run) = place();
    let open = PowRun::open(Action::Create, config(&run)).unwrap();
    let train = loader(&open).to_device(&Device::flex().autodiff());
    let (mut model, mut optimizer) = begin(&open);
    for _ in 0..2 {
        for tracked in train.iter() {
            let batch = open.micro_batch(&model, tracked.unwrap());
            let output = TrainStep::step(&model, batch);
            model = open
                .step(model, &mut optimizer, 1e-2, output.grads, None)
                .unwrap();
        }
    }
    let record = open.finish(&model, Ending::Completed).unwrap();
    let all = began.elapsed();
    let stages = record.stages;
    let blocks = u64::from(record.height.get()) + 1;
    let committed = entries(&run).len() as u64;
    let count = |stage: Stage| {
        assert!(stage.total > Duration::ZERO && stage.total < all);
        stage.count
    };
    assert_eq!(count(stages.snapshot), committed - 1);
    assert_eq!(count(stages.read), committed);
    assert_eq!(count(stages.hash), committed);
    assert_eq!(count(stages.mine), blocks);
    assert_eq!(count(stages.append), blocks);
}
