//! Models with parameters that no step has reached, or only some steps, and with fields
//! of any name.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_pow::{Action, Ending, PowError, PowRun};
use pow_core::hash::ParameterRoot;
use pow_ledger::RunDir;

/// Its second head takes part from the fourth step on. `spare` never does, and `first` is
/// frozen at some steps.
#[derive(Module, Debug)]
struct Heads {
    first: Linear,
    r#type: Linear,
    größe: Linear,
    r#bytes: Linear,
    spare: Linear,
}

impl Heads {
    fn new() -> Self {
        let device = Device::flex().autodiff();
        device.seed(3);
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device);
        let heads = Heads {
            first: linear(4, 8),
            r#type: linear(8, 2),
            größe: linear(8, 2),
            r#bytes: linear(2, 2),
            spare: linear(2, 2),
        };
        drop(Snapshot::take(&heads));
        heads
    }

    fn loss(&self, step: u64, batch: Batch) -> Tensor<1> {
        let hidden = self.first.forward(batch.inputs);
        let hidden = match step % 3 {
            0 => hidden.detach(),
            _ => hidden,
        };
        let output = match step < 3 {
            true => self.r#type.forward(hidden),
            false => self.größe.forward(hidden),
        };
        self.r#bytes.forward(output).powf_scalar(2.0).mean()
    }
}

/// Trains to the end, or until `most` steps were taken in all.
fn trained(action: Action, run: &RunDir, most: u64) -> Result<ParameterRoot, PowError> {
    let opened = PowRun::open(action, config(run).initial_weights_from_seed())?;
    let train = loader(&opened).to_device(&Device::flex().autodiff());
    let started = opened.start(Heads::new(), AdamConfig::new().init())?;
    let (mut model, mut optimizer, mut step) = (started.model, started.optimizer, started.steps);
    'training: for _ in started.epoch..2 {
        for tracked in train.iter() {
            if opened.should_stop() || step == most {
                break 'training;
            }
            let batch = opened.micro_batch(&model, tracked.unwrap());
            let grads = GradientsParams::from_grads(model.loss(step, batch).backward(), &model);
            model = opened.step(model, &mut optimizer, 1e-2, grads, None)?;
            step += 1;
        }
    }
    let root = parameter_root(&Snapshot::take(&model).read().unwrap()).unwrap();
    if step == 2 * STEPS_PER_EPOCH {
        drop(opened.finish(&model, Ending::Completed)?);
    }
    Ok(root)
}

#[test]
fn parameters_that_no_step_has_reached_are_resumed_and_replayed() {
    let _alone = alone();
    let (_place, run) = place();
    let expected = trained(Action::Create, &run, u64::MAX).unwrap();
    let report = replayed(&run, None, |action| {
        trained(action, &run, u64::MAX).map(drop)
    });
    assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
    for most in [2, 3, 4, 6, 7] {
        let (_place, run) = place();
        trained(Action::Create, &run, most).unwrap();
        let resumed = trained(Action::Resume, &run, u64::MAX).unwrap();
        assert_eq!(resumed, expected, "killed after step {most}");
    }
}
