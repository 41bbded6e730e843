//! Trainings with several models, several optimizers and state of their own.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, RmsPropConfig};
use burn::tensor::{Device, Distribution, Tensor};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_pow::{
    Action, Ending, PartError, Parts, PowConfig, PowError, PowRun, StepInfo, TrainingParts,
};
use pow_audit::replay::SegmentOutcome;
use pow_audit::{Level, Verdict};
use pow_core::hash::ParameterRoot;
use pow_ledger::RunDir;

/// A generator and a critic with clipped weights, and what a program keeps beside them.
pub struct Gan {
    generator: Linear,
    generator_optimizer: ModuleOptimizer,
    critic: Net,
    critic_optimizer: ModuleOptimizer,
    rate: ModuleLrScheduler,
    averaged: Linear,
    mean: Tensor<1>,
    losses: Vec<f64>,
    steps: u64,
    best: f32,
    has_improved: bool,
    note: String,
}

impl TrainingParts for Gan {
    fn show(&mut self, parts: &mut Parts<'_>) {
        let Gan {
            generator, critic, ..
        } = self;
        parts.model("generator", generator);
        parts.optimizer("generator", &mut self.generator_optimizer, generator);
        parts.model("critic", critic);
        parts.optimizer("critic", &mut self.critic_optimizer, critic);
        parts.scheduler("rate", &mut self.rate);
        parts.own_module("averaged", &mut self.averaged);
        parts.own_tensor("mean", &mut self.mean);
        parts.own("losses", &mut self.losses);
        parts.own("steps", &mut self.steps);
        parts.own("best", &mut self.best);
        parts.own("has_improved", &mut self.has_improved);
        parts.own("note", &mut self.note);
    }
}

/// Clips weights.
struct Clip(f32);

impl ModuleMapper for Clip {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let is_trained = tensor.is_require_grad();
            let clipped = tensor.inner().clamp(-self.0, self.0).autodiff();
            clipped.set_require_grad(is_trained)
        })
    }
}

impl Gan {
    pub fn new() -> Self {
        let critic = Net::new();
        let device = Device::flex().autodiff();
        device.seed(12);
        let generator = LinearConfig::new(3, 4).init(&device);
        drop(Snapshot::take(&generator));
        Gan {
            averaged: generator.clone(),
            generator,
            generator_optimizer: AdamConfig::new().init(),
            critic,
            critic_optimizer: RmsPropConfig::new().with_momentum(0.5).init(),
            rate: falling_rate(1e-2),
            mean: Tensor::zeros([4], &Device::flex()),
            losses: Vec::new(),
            steps: 0,
            best: f32::INFINITY,
            has_improved: false,
            note: "none".into(),
        }
    }

    fn made(&self, count: usize) -> Tensor<2> {
        let device = self.generator.weight.val().device();
        let noise = Tensor::random([count, 3], Distribution::Normal(0.0, 1.0), &device);
        self.generator.forward(noise)
    }

    /// A step of the critic, and of the generator at every third.
    fn stepped(mut self, batch: Batch) -> Self {
        let rate = self.rate.step();
        let count = batch.inputs.dims()[0];
        let made = self.made(count).detach();
        let classes = batch.classes.clone();
        let loss = self.critic.classify(batch).loss;
        let made_loss = self
            .critic
            .classify(Batch {
                inputs: made,
                classes,
            })
            .loss;
        let value = loss.clone().into_scalar::<f64>();
        let grads = (loss - made_loss * 0.1).backward();
        let grads = GradientsParams::from_grads(grads, &self.critic);
        self.critic = self.critic_optimizer.step(rate.clone(), self.critic, grads);
        self.critic = self.critic.map(&mut Clip(0.4));
        if self.moves_generator() {
            let score = self.made(count).powf_scalar(2.0).mean();
            let grads = GradientsParams::from_grads(score.backward(), &self.generator);
            self.generator = self.generator_optimizer.step(rate, self.generator, grads);
            self.averaged = self.generator.clone();
        }
        let weight = self.generator.bias.as_ref().map(|bias| bias.val().inner());
        self.mean = self.mean * 0.9 + weight.unwrap() * 0.1;
        self.losses.push(value);
        self.has_improved = (value as f32) < self.best;
        self.best = self.best.min(value as f32);
        self.steps += 1;
        self.note = format!("after step {}", self.steps);
        self
    }

    pub fn taken_steps(&self) -> u64 {
        self.steps
    }

    fn moves_generator(&self) -> bool {
        self.steps % 3 == 2
    }

    fn moves(&self) -> &'static [&'static str] {
        match self.moves_generator() {
            true => &["critic", "generator"],
            false => &["critic"],
        }
    }
}

fn root(module: &impl Module) -> ParameterRoot {
    parameter_root(&Snapshot::take(module).read().unwrap()).unwrap()
}

pub fn gan_config(run: &RunDir) -> PowConfig {
    config(run).initial_weights_from_seed()
}

/// Trains to the end, or until `most` steps were taken in all. Then nothing ends the
/// chain, as after a kill.
pub fn trained(action: Action, config: PowConfig, most: u64) -> Result<Gan, PowError> {
    let run = PowRun::open(action, config)?;
    let train = loader(&run).to_device(&Device::flex().autodiff());
    let mut gan = run.training_loop(Gan::new())?;
    assert_eq!(gan.steps, gan.steps());
    for _ in gan.epoch()..2 {
        for tracked in train.iter() {
            if gan.should_stop() || gan.steps() == most {
                break;
            }
            let batch = gan.micro_batch(tracked.unwrap());
            let info = StepInfo::new(1e-2).loss(0.5).moves(gan.moves().to_vec());
            gan.step(info, |gan| gan.stepped(batch))?;
        }
    }
    if gan.steps() < 2 * STEPS_PER_EPOCH {
        let parts = Gan::new();
        drop(gan);
        return Ok(parts);
    }
    gan.finish_with_parts(Ending::Completed)
        .map(|(_, parts)| parts)
}

/// All that the program ends with.
fn ended(gan: &Gan) -> (ParameterRoot, ParameterRoot, ParameterRoot, String) {
    let rest = (
        gan.mean.to_data().try_to_vec::<f32>().unwrap(),
        &gan.losses,
        gan.steps,
        gan.best,
        gan.has_improved,
        &gan.note,
    );
    let modules = (root(&gan.generator), root(&gan.critic), root(&gan.averaged));
    (modules.0, modules.1, modules.2, format!("{rest:?}"))
}

#[test]
fn several_models_and_state_of_the_program_are_recorded_and_replayed() {
    let _alone = alone();
    let (_place, run) = place();
    let gan = trained(Action::Create, gan_config(&run), u64::MAX).unwrap();
    assert_ne!(root(&gan.generator), root(&Gan::new().generator));
    let report = report(&run);
    assert_eq!(verdict(&report, Level::Artifact), Verdict::Holds);
    let report = replayed(&run, None, |action| {
        trained(action, gan_config(&run), u64::MAX).map(drop)
    });
    assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
}

#[test]
fn a_training_of_several_parts_ends_the_same_after_kills_at_any_step() {
    let _alone = alone();
    let (_place, run) = place();
    let expected = ended(&trained(Action::Create, gan_config(&run), u64::MAX).unwrap());
    for kills in [&[1][..], &[3], &[4, 6], &[2, 5, 7]] {
        let (_place, run) = place();
        trained(Action::Create, gan_config(&run), kills[0]).unwrap();
        for most in &kills[1..] {
            trained(Action::Resume, gan_config(&run), *most).unwrap();
        }
        let gan = trained(Action::Resume, gan_config(&run), u64::MAX).unwrap();
        assert_eq!(ended(&gan), expected, "killed after {kills:?}");
    }
}

#[test]
fn a_model_that_moves_without_being_named_is_an_error() {
    let _alone = alone();
    let (_place, run) = place();
    let opened = create(
        gan_config(&run)
            .commit_every(2.try_into().unwrap())
            .checkpoint_every(2),
    );
    let train = loader(&opened).to_device(&Device::flex().autodiff());
    let mut gan = opened.training_loop(Gan::new()).unwrap();
    let mut found = None;
    for tracked in train.iter() {
        let batch = gan.micro_batch(tracked.unwrap());
        let stepped = gan.step(StepInfo::new(1e-2).moves(["critic"]), |gan| {
            gan.stepped(batch)
        });
        found = found.or(stepped.err());
    }
    let found = match found {
        Some(error) => error,
        None => gan
            .finish(Ending::Stopped)
            .expect_err("the generator moved"),
    };
    match found {
        PowError::MovedUnnamed { step, path, .. } => {
            assert_eq!(
                (step.0, path.starts_with("generator.")),
                (4, true),
                "{path}"
            );
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_change_after_the_first_step_is_an_error_before_the_second() {
    let _alone = alone();
    type Change = fn(&mut Gan);
    let changes: [(Change, &str); 3] = [
        (
            |gan| gan.critic = gan.critic.clone().map(&mut Clip(0.1)),
            "model",
        ),
        (|gan| gan.steps += 1, "optimizer or registered state"),
        (
            |gan| gan.critic_optimizer = RmsPropConfig::new().init(),
            "optimizer or registered state",
        ),
    ];
    for (change, expected) in changes {
        let (_place, run) = place();
        let opened = create(gan_config(&run));
        let train = loader(&opened).to_device(&Device::flex().autodiff());
        let mut gan = opened.training_loop(Gan::new()).unwrap();
        let mut batches = train.iter();
        let mut step = |gan: &mut burn_pow::TrainingLoop<Gan>| {
            let batch = gan.micro_batch(batches.next().unwrap().unwrap());
            gan.step(StepInfo::new(1e-2), |gan| gan.stepped(batch))
        };
        step(&mut gan).unwrap();
        assert_eq!(gan.run().forecast(), None);
        change(&mut gan);
        match step(&mut gan) {
            Err(PowError::ChangedBetweenSteps { step, what, .. }) => {
                assert_eq!((step.0, what), (1, expected));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Parts that are shown by a function.
struct Shown(Gan, fn(&mut Gan, &mut Parts<'_>));

impl TrainingParts for Shown {
    fn show(&mut self, parts: &mut Parts<'_>) {
        self.1(&mut self.0, parts);
    }
}

#[test]
fn names_that_are_no_names_are_refused_before_anything_is_recorded() {
    let _alone = alone();
    type Show = fn(&mut Gan, &mut Parts<'_>);
    let cases: [(Show, PartError); 4] = [
        (
            |gan, parts| parts.model("the critic", &mut gan.critic),
            PartError::Name("the critic".into()),
        ),
        (
            |gan, parts| parts.own("", &mut gan.steps),
            PartError::Name(String::new()),
        ),
        (
            |gan, parts| {
                parts.own("steps", &mut gan.steps);
                parts.own_tensor("steps", &mut gan.mean);
            },
            PartError::Twice("steps".into()),
        ),
        (
            |gan, parts| parts.optimizer("critic", &mut gan.critic_optimizer, &gan.critic),
            PartError::NoModel("critic".into()),
        ),
    ];
    for (show, expected) in cases {
        let (_place, run) = place();
        let opened = create(gan_config(&run));
        match opened.training_loop(Shown(Gan::new(), show)) {
            Err(PowError::Part(error)) => assert_eq!(*error, expected),
            other => panic!("{:?}", other.err()),
        }
        assert!(!run.path().exists());
    }
}

#[test]
fn a_program_with_another_part_does_not_resume() {
    let _alone = alone();
    let (_place, run) = place();
    trained(Action::Create, gan_config(&run), 4).unwrap();
    let resumed = |show| {
        let opened = PowRun::open(Action::Resume, gan_config(&run)).unwrap();
        loader(&opened);
        opened.training_loop(Shown(Gan::new(), show)).err().unwrap()
    };
    let more = resumed(|gan, parts| {
        gan.show(parts);
        parts.own("more", &mut 0u8);
    });
    assert_eq!(
        more.to_string(),
        "the checkpoint has no own/more: the run was recorded without this part"
    );
    let other = resumed(|gan, parts| {
        parts.model("generator", &mut gan.generator);
        parts.model("critic", &mut gan.critic);
        parts.own("steps", &mut gan.has_improved);
    });
    assert_eq!(
        other.to_string(),
        "the program's own/steps is Bool of 0 dimensions, the checkpoint has U64 []"
    );
    let fewer = resumed(|gan, parts| parts.model("generator", &mut gan.generator));
    assert!(fewer.to_string().contains("parameter root"), "{fewer}");
    // In a replay it is the program that does not fit, and nothing is said about the run.
    let replay = replayed(&run, None, |action| {
        let opened = PowRun::open(action, gan_config(&run))?;
        loader(&opened);
        let more = Shown(Gan::new(), |gan: &mut Gan, parts: &mut Parts<'_>| {
            gan.show(parts);
            parts.own("more", &mut 0u8);
        });
        opened.training_loop(more).map(drop)
    });
    // (The first segment starts from the program's own state.)
    let outcomes = outcomes(&replay);
    assert!(outcomes.len() > 1);
    for outcome in &outcomes[1..] {
        let SegmentOutcome::Unfit { why } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(why.contains("no own/more"), "{why}");
    }
}

#[test]
fn the_space_that_a_run_takes_is_foreseen_before_the_second_step() {
    let _alone = alone();
    let (_place, run) = place();
    let opened = create(gan_config(&run));
    let train = loader(&opened).to_device(&Device::flex().autodiff());
    let mut gan = opened.training_loop(Gan::new()).unwrap();
    for tracked in train.iter() {
        let batch = gan.micro_batch(tracked.unwrap());
        gan.step(StepInfo::new(1e-2), |gan| gan.stepped(batch))
            .unwrap();
    }
    let forecast = gan.run().forecast().unwrap();
    drop(gan.finish(Ending::Stopped).unwrap());
    // Those of the steps 0, 3, 6 and 8, if the run were not stopped.
    assert_eq!(forecast.checkpoints, 4);
    let root = entries(&run)[3].state_root().unwrap();
    let dir = run.checkpoint(root).dir().to_owned();
    let tensors = ["model.safetensors", "optimizer.safetensors"].map(|name| {
        let bytes = std::fs::read(dir.join(name)).unwrap();
        let header = u64::from_le_bytes(*bytes.first_chunk().unwrap());
        bytes.len() as u64 - 8 - header
    });
    // The list of losses has grown by two numbers, and the generator's optimizer has begun.
    assert!(forecast.checkpoint.0 <= tensors[0] + tensors[1]);
    assert!(2 * forecast.checkpoint.0 > tensors[0] + tensors[1]);
    assert_eq!(forecast.artifact.0, tensors[0]);
}
