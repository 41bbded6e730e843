//! Replaying a recorded run's segments.

use crate::program::*;
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::train::Learner;
use burn_pow::{
    Action, Ending, Finished, Mode, Outcome, PowConfig, PowError, PowRun, ReplayError, ReplayEvent,
    Tolerance, replay,
};
use pow_audit::replay::{
    Amount, Challenge, EntryField, SegmentEnd, SegmentOutcome, Segments, Shard,
};
use pow_core::challenge::ChallengeSource;
use pow_ledger::RunDir;
use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A program that creates and replays.
struct Program {
    config: PowConfig,
    accumulation: Option<usize>,
    custom: CustomLoop,
}

impl Program {
    fn new(config: PowConfig) -> Self {
        Program {
            config,
            accumulation: None,
            custom: CustomLoop::HONEST,
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
        let (model, rate) = (run.wrap(Net::new()), falling_rate(self.custom.rate));
        let learner = Learner::new(model, AdamConfig::new().init(), rate);
        match run.launch(training, learner, train)? {
            Outcome::Trained(_) | Outcome::Replayed => Ok(()),
            _ => panic!("nobody stopped the mining"),
        }
    }

    /// In a custom loop, which knows its loss.
    fn custom(&self, action: Action) -> Result<Finished, PowError> {
        self.custom.run(action, self.config.clone())
    }

    /// The outcome of each segment, replayed by the custom loop.
    fn replayed(&self, run: &RunDir, tolerance: Option<Tolerance>) -> Vec<SegmentOutcome> {
        outcomes(&replayed(run, tolerance, |action| {
            self.custom(action).map(drop)
        }))
    }
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
        assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
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
    assert_eq!(outcomes(&report), exact(&[1, 1, 1, 1]));

    let (place, run) = crate::program::place();
    let every = NonZeroU64::new(2).unwrap();
    let program = Program::new(config(&run).commit_every(every).checkpoint_every(4));
    program.launch(&place, Action::Create).unwrap();
    let report = replayed(&run, None, |action| program.launch(&place, action));
    assert_eq!(outcomes(&report), exact(&[2, 2]));
}

#[test]
fn a_custom_loop_is_replayed_with_its_losses_and_ends_with_the_segment() {
    let _alone = alone();
    let (_place, run) = place();
    let program = Program::new(config(&run));
    sealed(program.custom(Action::Create).unwrap());
    let report = replayed(&run, None, |action| {
        let finished = program.custom(action)?;
        assert!(matches!(finished, Finished::Replayed), "{finished:?}");
        Ok::<_, PowError>(())
    });
    assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
}

#[test]
fn a_custom_loop_that_does_not_ask_is_told_and_the_verdict_is_the_same() {
    let _alone = alone();
    let (_place, run) = place();
    let mut program = Program::new(config(&run));
    program.custom.asks = false;
    sealed(program.custom(Action::Create).unwrap());
    let mut ends = Vec::new();
    let report = replayed(&run, None, |action| {
        let ended = program.custom(action);
        ends.push(match &ended {
            Err(PowError::SegmentEnded(step)) => Some(step.0),
            Ok(Finished::Replayed) => None,
            other => panic!("{other:?}"),
        });
        ended.map(drop)
    });
    assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
    // The last segment ends where the loop does.
    assert_eq!(ends, [Some(3), Some(6), None]);
    // A step that differs is found as well.
    program.custom.rate = 2e-2;
    let rate = EntryField::LearningRate;
    let outcomes = program.replayed(&run, None);
    assert_eq!(differences(&outcomes), [(1, rate), (4, rate), (7, rate)]);
}

#[test]
fn a_stopped_run_is_replayed_to_its_last_entry_though_no_checkpoint_ends_it() {
    let _alone = alone();
    let (_place, run) = place();
    let config = config(&run);
    let recorded = create(config.clone());
    let one_epoch = CustomLoop {
        epochs: 1,
        ..CustomLoop::HONEST
    };
    let (model, _) = one_epoch.train(&recorded).unwrap();
    sealed(recorded.finish(&model, Ending::Stopped).unwrap());
    assert_eq!(steps(&run), [0, 1, 2, 3, 4]);
    let mut program = Program::new(config);
    assert_eq!(program.replayed(&run, None), exact(&[3, 1]));
    // The last one has no model to measure a distance to: bits alone count.
    program.custom.rate = 2e-2;
    let outcomes = program.replayed(&run, Some(Tolerance(1e9)));
    let last = differences(&outcomes[1..]);
    assert_eq!(last, [(4, EntryField::LearningRate)]);
}

/// The step and the field in which each segment differs.
fn differences(outcomes: &[SegmentOutcome]) -> Vec<(u64, EntryField)> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            SegmentOutcome::Differs { step, field, .. } => (*step, *field),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The outcomes of replaying an honest run after a change to its program or its files.
fn after(change: impl FnOnce(&mut Program, &RunDir)) -> Vec<SegmentOutcome> {
    let (_place, run) = place();
    let mut program = Program::new(config(&run).initial_weights_from_seed());
    sealed(program.custom(Action::Create).unwrap());
    change(&mut program, &run);
    program.replayed(&run, None)
}

#[test]
fn another_rate_differs_at_the_first_step_of_each_segment() {
    let _alone = alone();
    let outcomes = after(|program, _| program.custom.rate = 2e-2);
    let rate = EntryField::LearningRate;
    assert_eq!(differences(&outcomes), [(1, rate), (4, rate), (7, rate)]);
}

#[test]
fn checkpoints_that_are_absent_or_edited_are_told_apart() {
    let _alone = alone();
    let outcomes = after(|_, run| {
        let roots: Vec<_> = entries(run).iter().filter_map(|e| e.state_root()).collect();
        std::fs::remove_dir_all(run.checkpoint(roots[1]).dir()).unwrap();
        let optimizer = run.checkpoint(roots[2]).optimizer();
        edit_last_byte(&optimizer);
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
    let outcomes = after(|program, run| program.config = config(run).seed(6));
    for outcome in outcomes {
        let SegmentOutcome::Refused { why } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(
            why.contains("seed is 6, but the run was started with 5"),
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
        sealed(Program::new(config.clone()).custom(Action::Create).unwrap());
        let report = replayed(&run, None, |action| {
            let run = PowRun::open(action, config.clone())?;
            loader(&run);
            let other = Net::new().map(&mut Doubled);
            run.start(other, AdamConfig::new().init())?;
            Ok::<_, PowError>(())
        });
        let first = &outcomes(&report)[0];
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
fn parts_of_a_challenge_know_nothing_of_each_other() {
    let _alone = alone();
    let (_place, run) = place();
    let program = Program::new(config(&run));
    sealed(program.custom(Action::Create).unwrap());
    let segments = Segments::of(&run, None, &mut |_| {}).unwrap();
    let draw = || Challenge::draw(&segments, ChallengeSource::Head, Amount::All, []).unwrap();
    let part = |index| {
        let shard = Shard::new(index, 2).unwrap();
        let program = |action| program.custom(action).map(drop);
        let part = replay(&run, &segments, draw(), shard, None, program, |_| true);
        outcomes(&part.unwrap())
    };
    assert_eq!(part(1), exact(&[3, 2]));
    assert_eq!(part(2), exact(&[3]));
    // And one that is stopped has no report.
    let mut begun = 0;
    let stopped = replay(
        &run,
        &segments,
        draw(),
        Shard::WHOLE,
        None,
        |action| program.custom(action).map(drop),
        |event| {
            begun += u64::from(matches!(event, ReplayEvent::Began(..)));
            begun < 2
        },
    );
    assert!(matches!(stopped, Err(ReplayError::Stopped)));
}
