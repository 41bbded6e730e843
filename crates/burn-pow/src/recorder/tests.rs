//! A full queue, because no block is found for a long time.

use super::step_info::StepInfo;
use super::*;
use crate::error::Unfinished;
use crate::pipeline::final_wait::FinalWait;
use crate::state::trainee::Single;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{ModuleOptimizer, SgdConfig};
use crossbeam_channel::{Receiver, bounded};
use pow_core::body::Ending;

/// A recorder whose queue holds one message, and what it records.
struct Scene {
    status: Arc<Status>,
    recorder: Recorder,
    inbox: Receiver<Message>,
    interrupter: Interrupter,
    model: Linear,
    optimizer: ModuleOptimizer,
}

/// The declaration was sent, and fills the queue.
fn scene() -> Scene {
    let (outbox, inbox) = bounded(1);
    let status = Arc::new(Status::default());
    let config = PowConfig::new("unused");
    let recorder = Recorder::new(config, status.clone(), outbox, None, None);
    let interrupter = Interrupter::new();
    recorder.stop_with(interrupter.clone());
    let model = LinearConfig::new(1, 1).init(&Device::flex().autodiff());
    let optimizer = SgdConfig::new().init();
    recorder.before_step(&single(&model, &optimizer)).unwrap();
    Scene {
        status,
        recorder,
        inbox,
        interrupter,
        model,
        optimizer,
    }
}

fn single<'a>(model: &'a Linear, optimizer: &'a ModuleOptimizer) -> Single<'a, Linear> {
    Single { model, optimizer }
}

#[test]
fn a_stop_ends_the_wait_for_a_full_queue_and_loses_nothing() {
    let scene = scene();
    let (recorder, model, optimizer) = (scene.recorder, scene.model, scene.optimizer);
    assert!(!recorder.should_stop());
    scene.interrupter.stop(None);
    assert!(recorder.should_stop());
    let taken = recorder.after_step(&single(&model, &optimizer), StepInfo::new(0.1));
    taken.unwrap();
    let refused = recorder.before_step(&single(&model, &optimizer));
    assert!(
        matches!(
            refused,
            Err(PowError::Interrupted(Unfinished {
                blocks: 0,
                unsealed: 2
            }))
        ),
        "{refused:?}"
    );
    assert!(!recorder.keep_going(refused));
    scene.status.check().unwrap();

    // The step is sent with the end, once the queue has room.
    let inbox = scene.inbox;
    let taker = std::thread::spawn(move || inbox.iter().take(3).collect::<Vec<_>>());
    let mut wait = FinalWait::new(&scene.status, scene.interrupter);
    recorder.end(&model, Ending::Stopped, &mut wait).unwrap();
    let messages = taker.join().unwrap();
    assert!(matches!(
        &messages[..],
        [Message::Begin(_), Message::Step(step), Message::Finish(_)] if step.number.0 == 1
    ));
    assert!(!scene.status.cancel.is_cancelled());
}

#[test]
fn a_full_queue_is_waited_for_at_the_end_until_a_stop_cancels_the_mining() {
    let scene = scene();
    let mut wait = FinalWait::new(&scene.status, scene.interrupter.clone());
    // The miner takes nothing until it is cancelled.
    let (cancel, inbox) = (scene.status.cancel.clone(), scene.inbox);
    let interrupter = scene.interrupter;
    let miner = std::thread::spawn(move || {
        while !cancel.is_cancelled() {
            // The first stop leaves some time for the last blocks.
            interrupter.stop(None);
            std::thread::yield_now();
        }
        inbox.iter().take(2).count()
    });
    scene
        .recorder
        .end(&scene.model, Ending::Stopped, &mut wait)
        .unwrap();
    assert_eq!(miner.join().unwrap(), 2);
}
