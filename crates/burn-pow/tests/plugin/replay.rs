//! Training a recorded run's segments again.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsAccumulator, GradientsParams};
use burn::tensor::Device;
use burn::train::Learner;
use burn_pow::{
    Action, Ending, Mode, Outcome, PowConfig, PowError, PowRun, ReplayError, ReplayEvent,
    Tolerance, replay,
};
use pow_audit::replay::{
    Amount, Challenge, EntryField, ReplayReport, SegmentEnd, SegmentOutcome, Segments, Shard,
};
use pow_core::challenge::ChallengeSource;
use pow_ledger::RunDir;
use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A rate that depends on how often it was asked for.
fn rate(first: f64) -> ModuleLrScheduler {
    let rate = CosineAnnealingLrSchedulerConfig::new(first, 2 * STEPS_PER_EPOCH as usize).init();
    rate.unwrap()
}

/// The program, as a definition that creates and replays.
struct Program {
    config: PowConfig,
    accumulation: Option<usize>,
    rate: f64,
    /// What the loss is multiplied by before its gradients are taken, in a plain
    /// loop.
    scale: f32,
}

impl Program {
    fn new(config: PowConfig) -> Self {
        Program {
            config,
            accumulation: None,
            rate: 1e-2,
            scale: 1.0,
        }
    }

    /// With Burn's learner.
    fn launch(&self, place: &TempDir, action: Action) -> Result<(), PowError> {
        let run = PowRun::open(action, self.config.clone())?;
        let train = loader(&run);
        let mut training = training(place.path(), train.clone());
        if let Some(micro_batches) = self.accumulation {
            training = training.grads_accumulation(micro_batches);
        }
        let model = run.wrap(Net::new());
        let learner = Learner::new(model, AdamConfig::new().init(), rate(self.rate));
        match run.launch(training, learner, train)? {
            Outcome::Trained(_) | Outcome::Replayed => Ok(()),
            _ => panic!("nobody stopped the mining"),
        }
    }

    /// In a plain loop, which knows its loss.
    fn plain(&self, action: Action) -> Result<(), PowError> {
        let run = PowRun::open(action, self.config.clone())?;
        let train = loader(&run).to_device(&Device::flex().autodiff());
        let started = run.start(Net::new(), AdamConfig::new().init())?;
        let (mut model, mut optimizer) = (started.model, started.optimizer);
        let mut rate = rate(self.rate);
        for _ in 0..started.steps {
            rate.step();
        }
        for _ in started.epoch..2 {
            for tracked in train.iter() {
                let batch = run.micro_batch(&model, tracked.unwrap());
                let output = model.classify(batch);
                let loss = output.loss.clone().into_scalar::<f64>();
                let grads = (output.loss * self.scale).backward();
                let grads = GradientsParams::from_grads(grads, &model);
                model = run.step(model, &mut optimizer, rate.step(), grads, Some(loss))?;
            }
        }
        run.finish(&model, Ending::Completed).map(drop)
    }
}

/// Replays all segments.
fn replayed(
    run: &RunDir,
    tolerance: Option<Tolerance>,
    program: impl FnMut(Action) -> Result<(), PowError>,
) -> ReplayReport {
    let segments = Segments::of(&run.chain(), None, &mut |_| {}).unwrap();
    let source = ChallengeSource::Head;
    let challenge = Challenge::draw(&segments, source, Amount::All, []).unwrap();
    let shard = Shard::WHOLE;
    replay(run, &segments, challenge, shard, tolerance, program, |_| {
        true
    })
    .unwrap()
}

fn outcomes(report: &ReplayReport) -> Vec<&SegmentOutcome> {
    report
        .results()
        .iter()
        .map(|result| &result.outcome)
        .collect()
}

fn exact(entries: &[u64]) -> Vec<SegmentOutcome> {
    let exact = |entries: &u64| SegmentOutcome::BitExact { entries: *entries };
    entries.iter().map(exact).collect()
}

fn are(report: &ReplayReport, expected: &[SegmentOutcome]) {
    assert_eq!(outcomes(report), expected.iter().collect::<Vec<_>>());
}

/// Every file of a run and its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn every_segment_of_a_launched_run_comes_out_bit_for_bit_and_no_file_changes() {
    let _alone = alone();
    for mode in [Mode::Pipelined, Mode::Gate] {
        let (place, run) = place();
        let program = Program::new(config(&run).mode(mode));
        program.launch(&place, Action::Create).unwrap();
        let before = files(run.path());
        // Checkpoints at steps 0, 3, 6 and 8: with epochs of 4 steps, all but one
        // within an epoch.
        let report = replayed(&run, None, |action| program.launch(&place, action));
        are(&report, &exact(&[3, 3, 2]));
        assert_eq!(files(run.path()), before);
    }
}

#[test]
fn accumulated_gradients_and_steps_that_are_not_committed_are_replayed() {
    let _alone = alone();
    let (place, run) = place();
    let mut program = Program::new(
        config(&run)
            .accumulation(NonZeroU32::new(3).unwrap())
            .checkpoint_every(1),
    );
    program.accumulation = Some(3);
    program.launch(&place, Action::Create).unwrap();
    // Two steps an epoch: of three micro-batches, and of one.
    let report = replayed(&run, None, |action| program.launch(&place, action));
    are(&report, &exact(&[1, 1, 1, 1]));

    let (place, run) = crate::program::place();
    let every = NonZeroU64::new(2).unwrap();
    let program = Program::new(config(&run).commit_every(every).checkpoint_every(4));
    program.launch(&place, Action::Create).unwrap();
    let report = replayed(&run, None, |action| program.launch(&place, action));
    are(&report, &exact(&[2, 2]));
}

#[test]
fn a_plain_loop_is_replayed_with_its_losses_and_ends_with_the_segment() {
    let _alone = alone();
    let (_place, run) = place();
    let program = Program::new(config(&run));
    program.plain(Action::Create).unwrap();
    let mut ends = Vec::new();
    let report = replayed(&run, None, |action| {
        let ended = program.plain(action);
        ends.push(ended.clone().unwrap_err().to_string());
        ended
    });
    are(&report, &exact(&[3, 3, 2]));
    assert_eq!(ends, ["the segment was replayed"; 3]);
}

#[test]
fn a_stopped_run_is_replayed_to_its_last_entry_though_no_checkpoint_ends_it() {
    let _alone = alone();
    let (_place, run) = place();
    let config = config(&run);
    let recorded = PowRun::open(Action::Create, config.clone()).unwrap();
    let train = loader(&recorded).to_device(&Device::flex().autodiff());
    let (mut model, mut optimizer) = begin(&recorded);
    let mut gradients = GradientsAccumulator::new();
    let mut rate = rate(1e-2);
    for tracked in train.iter() {
        let batch = recorded.micro_batch(&model, tracked.unwrap());
        let loss = model.classify(batch).loss;
        let value = loss.clone().into_scalar::<f64>();
        gradients.accumulate(&model, GradientsParams::from_grads(loss.backward(), &model));
        let grads = gradients.grads();
        let stepped = recorded.step(model, &mut optimizer, rate.step(), grads, Some(value));
        model = stepped.unwrap();
    }
    recorded.finish(&model, Ending::Stopped).unwrap();
    assert_eq!(steps(&run), [0, 1, 2, 3, 4]);
    let report = replayed(&run, None, |action| {
        Program::new(config.clone()).plain(action)
    });
    are(&report, &exact(&[3, 1]));
    // The last one has no model to measure a distance to: bits alone count.
    let other = Program {
        rate: 2e-2,
        ..Program::new(config)
    };
    let report = replayed(&run, Some(Tolerance(1e9)), |action| other.plain(action));
    let SegmentOutcome::Differs { step, field, .. } = outcomes(&report)[1] else {
        panic!("{:?}", outcomes(&report));
    };
    assert_eq!((*step, *field), (4, EntryField::LearningRate));
}

/// What came of replaying an honest run with something else than its program.
fn differing(change: impl FnOnce(&mut Program, &RunDir)) -> (Vec<SegmentOutcome>, RunDir, TempDir) {
    let (place, run) = place();
    let mut program = Program::new(config(&run).initial_weights_from_seed());
    program.plain(Action::Create).unwrap();
    change(&mut program, &run);
    let report = replayed(&run, None, |action| program.plain(action));
    let outcomes = report.results().iter().map(|result| result.outcome.clone());
    (outcomes.collect(), run, place)
}

#[test]
fn another_rate_differs_at_the_first_step_of_each_segment() {
    let _alone = alone();
    let (outcomes, ..) = differing(|program, _| program.rate = 2e-2);
    let differs: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            SegmentOutcome::Differs { step, field, .. } => (*step, *field),
            other => panic!("{other:?}"),
        })
        .collect();
    let rate = EntryField::LearningRate;
    assert_eq!(differs, [(1, rate), (4, rate), (7, rate)]);
}

#[test]
fn checkpoints_that_are_absent_or_edited_are_told_apart() {
    let _alone = alone();
    let (outcomes, ..) = differing(|_, run| {
        let roots: Vec<_> = entries(run).iter().filter_map(|e| e.state_root()).collect();
        std::fs::remove_dir_all(run.checkpoint(roots[1]).dir()).unwrap();
        let optimizer = run.checkpoint(roots[2]).optimizer();
        let mut bytes = std::fs::read(&optimizer).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&optimizer, bytes).unwrap();
    });
    assert_eq!(outcomes[0], SegmentOutcome::BitExact { entries: 3 });
    let which = SegmentEnd::Start;
    assert_eq!(outcomes[1], SegmentOutcome::CheckpointAbsent { which });
    let SegmentOutcome::CheckpointDamaged { which, why } = &outcomes[2] else {
        panic!("{:?}", outcomes[2]);
    };
    assert_eq!(*which, SegmentEnd::Start);
    assert!(why.contains("holds step 6 with state root"), "{why}");
}

#[test]
fn other_settings_are_refused_by_name() {
    let _alone = alone();
    let (outcomes, ..) = differing(|program, run| program.config = config(run).seed(6));
    for outcome in outcomes {
        let SegmentOutcome::Refused { why } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(
            why.contains("seed is 6, but the run was begun with 5"),
            "{why}"
        );
    }
}

#[test]
fn the_initial_weights_are_made_anew_where_genesis_says_they_follow_from_the_seed() {
    let _alone = alone();
    for regenerable in [true, false] {
        let (_place, run) = place();
        let config = match regenerable {
            true => config(&run).initial_weights_from_seed(),
            false => config(&run),
        };
        let program = Program::new(config.clone());
        program.plain(Action::Create).unwrap();
        let report = replayed(&run, None, |action| {
            let run = PowRun::open(action, config.clone())?;
            loader(&run);
            let other = Net::new().map(&mut Doubled);
            run.start(other, AdamConfig::new().init())?;
            Ok(())
        });
        let first = outcomes(&report)[0];
        if regenerable {
            assert!(
                matches!(
                    first,
                    SegmentOutcome::Differs {
                        step: 0,
                        field: EntryField::InitialState,
                        ..
                    }
                ),
                "{first:?}"
            );
        } else {
            let why = "the program ended before the segment did".into();
            assert_eq!(*first, SegmentOutcome::Refused { why });
        }
    }
}

/// A model with other weights.
struct Doubled;

impl burn::module::ModuleMapper for Doubled {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<burn::tensor::Tensor<D>>,
    ) -> burn::module::Param<burn::tensor::Tensor<D>> {
        param.map(|tensor| tensor * 2)
    }
}

#[test]
fn a_tolerance_measures_how_far_the_end_lies_apart() {
    let _alone = alone();
    let (_place, run) = place();
    let mut program = Program::new(config(&run));
    program.plain(Action::Create).unwrap();
    let same = replayed(&run, Some(Tolerance(0.5)), |action| program.plain(action));
    are(&same, &exact(&[3, 3, 2]));
    let mut distances = Vec::new();
    for scale in [1.01, -1.0] {
        program.scale = scale;
        let report = replayed(&run, Some(Tolerance(0.5)), |action| program.plain(action));
        for outcome in outcomes(&report) {
            let SegmentOutcome::Tolerance {
                distance,
                threshold,
                ..
            } = outcome
            else {
                panic!("{outcome:?}");
            };
            assert_eq!(threshold.get(), 0.5);
            distances.push(distance.get());
        }
    }
    // Adam's steps hardly depend on how long the gradients are; the other way
    // leads away from the end.
    assert!(distances[..3].iter().all(|d| *d < 1e-2), "{distances:?}");
    assert!(distances[3..].iter().all(|d| *d > 0.5), "{distances:?}");
    // A rate that differs is no matter of rounding.
    program.scale = 1.0;
    program.rate = 1.001e-2;
    let report = replayed(&run, Some(Tolerance(0.5)), |action| program.plain(action));
    for outcome in outcomes(&report) {
        let SegmentOutcome::Differs { field, .. } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(*field, EntryField::LearningRate);
    }
}

#[test]
fn parts_of_a_challenge_know_nothing_of_each_other() {
    let _alone = alone();
    let (_place, run) = place();
    let program = Program::new(config(&run));
    program.plain(Action::Create).unwrap();
    let segments = Segments::of(&run.chain(), None, &mut |_| {}).unwrap();
    let draw = || Challenge::draw(&segments, ChallengeSource::Head, Amount::All, []).unwrap();
    let part = |index| {
        let shard = Shard::new(index, 2).unwrap();
        let program = |action| program.plain(action);
        replay(&run, &segments, draw(), shard, None, program, |_| true).unwrap()
    };
    are(&part(1), &exact(&[3, 2]));
    are(&part(2), &exact(&[3]));
    // And one that is stopped has no report.
    let mut begun = 0;
    let stopped = replay(
        &run,
        &segments,
        draw(),
        Shard::WHOLE,
        None,
        |action| program.plain(action),
        |event| {
            begun += u64::from(matches!(event, ReplayEvent::Began(..)));
            begun < 2
        },
    );
    assert!(matches!(stopped, Err(ReplayError::Stopped)));
}
