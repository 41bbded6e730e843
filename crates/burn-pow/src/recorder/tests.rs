//! A full queue, as when blocks are not found for a long time.

use super::*;
use burn::nn::{Linear, LinearConfig};
use burn::optim::SgdConfig;
use burn::tensor::Device;
use crossbeam_channel::bounded;

fn model() -> Linear {
    LinearConfig::new(1, 1).init(&Device::flex().autodiff())
}

#[test]
fn a_stop_ends_the_wait_for_a_full_queue_and_loses_nothing() {
    let (outbox, inbox) = bounded(1);
    let status = Arc::new(Status::default());
    let recorder = Recorder::new(PowConfig::new("unused"), status.clone(), outbox, None);
    let interrupter = Interrupter::new();
    recorder.stop_with(interrupter.clone());
    let (model, optimizer) = (model(), SgdConfig::new().init());
    recorder.before_step(&model, &optimizer).unwrap();

    // The declaration fills the queue, and nobody takes it out.
    interrupter.stop(None);
    recorder.after_step(&model, &optimizer, 0.1, None).unwrap();
    let refused = recorder.before_step(&model, &optimizer);
    assert!(
        matches!(
            refused,
            Err(PowError::Interrupted {
                blocks: 0,
                unsealed: 2
            })
        ),
        "{refused:?}"
    );
    assert!(!recorder.keep_going(refused));
    status.check().unwrap();

    // The step is handed over with the end, once there is room.
    let taker = std::thread::spawn(move || inbox.iter().take(3).collect::<Vec<_>>());
    let mut patience = Patience::new(&status, interrupter);
    recorder
        .end(&model, Ending::Stopped, &mut patience)
        .unwrap();
    let jobs = taker.join().unwrap();
    assert!(
        matches!(&jobs[..], [Job::Begin(_), Job::Step(step), Job::Finish(_)] if step.number.0 == 1)
    );
    assert!(!status.cancel.is_cancelled());
}

#[test]
fn a_full_queue_is_waited_for_at_the_end_until_a_stop_cancels_the_mining() {
    let (outbox, inbox) = bounded(1);
    let status = Arc::new(Status::default());
    let recorder = Recorder::new(PowConfig::new("unused"), status.clone(), outbox, None);
    let (model, optimizer) = (model(), SgdConfig::new().init());
    recorder.before_step(&model, &optimizer).unwrap();
    let interrupter = Interrupter::new();
    let mut patience = Patience::new(&status, interrupter.clone());
    // The miner takes nothing until it is cancelled.
    let cancel = status.cancel.clone();
    let miner = std::thread::spawn(move || {
        interrupter.stop(None);
        while !cancel.is_cancelled() {
            std::thread::yield_now();
        }
        inbox.iter().take(2).count()
    });
    recorder
        .end(&model, Ending::Stopped, &mut patience)
        .unwrap();
    assert_eq!(miner.join().unwrap(), 2);
}
