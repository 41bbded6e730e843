//! Runs that a forger records with this crate. Their chains are mined and keep every
//! rule, but what they claim about the training is false. Each forgery is caught by the
//! level that should catch it, or the test says that it is not caught.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Tensor};
use burn_pow::loader::Tracked;
use burn_pow::optimizer::{OptimizerSnapshot, to_record};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::NamedTensor;
use burn_pow::{Action, Ending, Finished, PowConfig, PowError, PowRun};
use pow_audit::replay::{
    Amount, Challenge, EntryField, Judgement, SegmentEnd, SegmentOutcome, Segments, largest_moves,
};
use pow_audit::{Level, Verdict};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount, SegmentIndex};
use pow_ledger::RunDir;
use std::collections::BTreeMap;
use std::sync::Arc;

const RATE: f64 = 1e-2;

/// The program that everybody believes was run. It has a checkpoint after every second
/// step, so four segments of two steps each.
fn declared(run: &RunDir) -> PowConfig {
    config(run).checkpoint_every(2).initial_weights_from_seed()
}

/// What a forger changes in the loop. Each is called before a step, with the
/// number of that step.
#[derive(Default)]
struct Cheat<'a> {
    initial: Option<Net>,
    first_optimizer: Option<ModuleOptimizer>,
    items: Option<Vec<Item>>,
    model: Option<&'a dyn Fn(u64, Net) -> Net>,
    optimizer: Option<&'a dyn Fn(u64, ModuleOptimizer) -> ModuleOptimizer>,
    batch: Option<&'a dyn Fn(u64, Tracked<Batch>) -> Tracked<Batch>>,
    rate: Option<&'a dyn Fn(u64) -> f64>,
}

/// The declared program, with the cheat.
fn train(
    action: Action,
    config: PowConfig,
    cheat: &Cheat<'_>,
) -> Result<(Net, Finished), PowError> {
    let run = PowRun::open(action, config)?;
    let items = cheat.items.clone().unwrap_or_else(items);
    let loader = run.loader(
        Arc::new(burn::data::dataset::InMemDataset::new(items)),
        Arc::new(Batches),
        BATCH.try_into().unwrap(),
    )?;
    let train = loader.to_device(&Device::flex().autodiff());
    let initial = cheat.initial.clone().unwrap_or_else(Net::new);
    let optimizer = cheat.first_optimizer.clone();
    let optimizer = optimizer.unwrap_or_else(|| AdamConfig::new().init());
    let started = run.start(initial, optimizer)?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    let mut step = started.steps;
    for _ in started.epoch..2 {
        for tracked in train.iter() {
            if run.should_stop() {
                break;
            }
            step += 1;
            let mut tracked = tracked.unwrap();
            if let Some(change) = cheat.batch {
                tracked = change(step, tracked);
            }
            let rate = cheat.rate.map_or(RATE, |rate| rate(step));
            let batch = run.micro_batch(&model, tracked);
            // Behind the recorder's back, which compares the model with the checkpoint's
            // when it is shown a micro-batch.
            if let Some(change) = cheat.model {
                model = change(step, model);
            }
            if let Some(change) = cheat.optimizer {
                optimizer = change(step, optimizer);
            }
            let grads = model.classify(batch).loss.backward();
            let grads = GradientsParams::from_grads(grads, &model);
            model = run.step(model, &mut optimizer, rate, grads, None)?;
        }
    }
    let finished = run.finish(&model, Ending::Completed)?;
    Ok((model, finished))
}

/// Records with the cheat, and returns the last model.
fn recorded(config: PowConfig, cheat: &Cheat<'_>) -> Net {
    let (model, finished) = train(Action::Create, config, cheat).unwrap();
    sealed(finished);
    model
}

/// Records with the cheat, checks that the chain holds, and replays all
/// segments with the declared program.
fn forged(cheat: &Cheat<'_>) -> (RunDir, Vec<SegmentOutcome>, tempfile::TempDir) {
    let (place, run) = place();
    recorded(declared(&run), cheat);
    let report = report(&run);
    assert!(report.holds(), "{report}");
    let outcomes = honest(&run, declared(&run), &Cheat::default());
    (run, outcomes, place)
}

/// The outcomes of replaying all segments with these settings and this cheat.
fn honest(run: &RunDir, config: PowConfig, cheat: &Cheat<'_>) -> Vec<SegmentOutcome> {
    outcomes(&replayed(run, None, |action| {
        train(action, config.clone(), cheat).map(drop)
    }))
}

/// The step and field in which each segment differs. `None` for an exact segment.
fn differing(outcomes: &[SegmentOutcome]) -> Vec<Option<(u64, EntryField)>> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            SegmentOutcome::BitExact { entries: 2 } => None,
            SegmentOutcome::Differs { step, field, .. } => Some((*step, *field)),
            other => panic!("{other:?}"),
        })
        .collect()
}

const PARAMETERS: EntryField = EntryField::Parameters;

/// The model with every float parameter changed.
pub fn changed(model: Net, change: impl FnMut(&str, Tensor<1>) -> Tensor<1>) -> Net {
    struct Change<F> {
        path: Vec<String>,
        change: F,
    }
    impl<F: FnMut(&str, Tensor<1>) -> Tensor<1>> ModuleMapper for Change<F> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let path = self.path.join(".");
            param.map(|tensor| {
                let shape = tensor.shape();
                let flat = tensor.detach().flatten(0, D - 1);
                (self.change)(&path, flat).reshape(shape).require_grad()
            })
        }
    }
    let path = Vec::new();
    model.map(&mut Change { path, change })
}

fn values(model: &Net) -> BTreeMap<String, Tensor<1>> {
    let device = Device::flex().autodiff();
    let tensors = Snapshot::take(model).read().unwrap();
    let flat = |tensor: &NamedTensor| {
        let data = tensor.to_data().unwrap();
        let values: Vec<f32> = data.iter().collect();
        (
            tensor.path.clone(),
            Tensor::from_data(values.as_slice(), &device),
        )
    };
    tensors.iter().map(flat).collect()
}

/// A model trained in secret, for longer than the declared program does.
fn trained_in_secret() -> Net {
    let (_place, run) = place();
    let first = recorded(declared(&run), &Cheat::default());
    let (_place, run) = place();
    let initial = Some(first);
    let cheat = Cheat {
        initial,
        ..Cheat::default()
    };
    recorded(declared(&run), &cheat)
}

#[test]
fn an_honest_run_is_exact() {
    let _alone = alone();
    let (_run, outcomes, _place) = forged(&Cheat::default());
    assert_eq!(differing(&outcomes), [None; 4]);
}

#[test]
fn random_weights_differ_in_every_segment() {
    let _alone = alone();
    let noise = |_, model| {
        changed(model, |_, tensor| {
            let device = tensor.device();
            Tensor::random(tensor.shape(), Distribution::Normal(0.0, 0.3), &device)
        })
    };
    let model: Option<&dyn Fn(u64, Net) -> Net> = Some(&noise);
    let (_run, outcomes, _place) = forged(&Cheat {
        model,
        ..Cheat::default()
    });
    let expected = [1, 3, 5, 7].map(|step| Some((step, PARAMETERS)));
    assert_eq!(differing(&outcomes), expected);
}

#[test]
fn weights_interpolated_from_start_to_end_differ_in_every_segment_but_the_first_step() {
    let _alone = alone();
    let (start, end) = (values(&Net::new()), values(&trained_in_secret()));
    let line = |step: u64, model| {
        let share = (step - 1) as f32 / 7.0;
        changed(model, |path, _| {
            start[path].clone() * (1.0 - share) + end[path].clone() * share
        })
    };
    let (_run, outcomes, _place) = forged(&Cheat {
        model: Some(&line),
        ..Cheat::default()
    });
    // Step 1 starts from the true initial weights, so it is an honest one.
    let expected = [2, 3, 5, 7].map(|step| Some((step, PARAMETERS)));
    assert_eq!(differing(&outcomes), expected);
}

#[test]
fn a_splice_at_a_checkpoint_differs_in_the_one_segment_that_follows_it() {
    let _alone = alone();
    let better = values(&trained_in_secret());
    let splice = |step, model| match step {
        5 => changed(model, |path, _| better[path].clone()),
        _ => model,
    };
    let (run, outcomes, _place) = forged(&Cheat {
        model: Some(&splice),
        ..Cheat::default()
    });
    let expected = [None, None, Some((5, PARAMETERS)), None];
    assert_eq!(differing(&outcomes), expected);
    // It shows in how far the parameters moved, without any replay.
    let segments = Segments::of(&run, None, &mut |_| {}).unwrap();
    let moves = largest_moves(&run, &segments, 1).unwrap();
    assert_eq!(moves, [SegmentIndex(2)]);
}

#[test]
fn doctored_moments_differ_in_the_segment_that_follows() {
    let _alone = alone();
    // Not right after a checkpoint: the recorder compares the optimizer there.
    let fresh = |step, optimizer| match step {
        4 => AdamConfig::new().init(),
        _ => optimizer,
    };
    let (_run, outcomes, _place) = forged(&Cheat {
        optimizer: Some(&fresh),
        ..Cheat::default()
    });
    assert_eq!(
        differing(&outcomes),
        [None, Some((4, PARAMETERS)), None, None]
    );
}

#[test]
fn trained_moments_at_step_zero_are_caught_where_the_seed_is_said_to_give_the_state() {
    let _alone = alone();
    let initial = Net::new();
    let moments = trained_moments();
    let record = to_record(&moments, &initial).unwrap();
    let (_run, outcomes, _place) = forged(&Cheat {
        first_optimizer: Some(AdamConfig::new().init().load_record(record)),
        initial: Some(initial),
        ..Cheat::default()
    });
    let SegmentOutcome::Unfit { why } = &outcomes[0] else {
        panic!("{:?}", outcomes[0]);
    };
    let words = "the program makes an initial optimizer with no more tensors, the run's has ";
    assert!(why.contains(words), "{why}");
    assert_eq!(differing(&outcomes[1..]), [None; 3]);
}

/// The optimizer's state before the last step of the declared program.
fn trained_moments() -> Vec<NamedTensor> {
    let (_place, run) = place();
    let kept = std::cell::RefCell::new(Vec::new());
    let keep = |_: u64, optimizer: ModuleOptimizer| {
        *kept.borrow_mut() = OptimizerSnapshot::take(&optimizer).read().unwrap();
        optimizer
    };
    let cheat = Cheat {
        optimizer: Some(&keep),
        ..Cheat::default()
    };
    recorded(declared(&run), &cheat);
    kept.into_inner()
}

#[test]
fn trained_weights_as_initial_ones_are_caught_only_where_the_seed_is_said_to_give_them() {
    let _alone = alone();
    let cheat = || Cheat {
        initial: Some(trained_in_secret()),
        ..Cheat::default()
    };
    let (_run, outcomes, _place) = forged(&cheat());
    let expected = [Some((0, EntryField::InitialState)), None, None, None];
    assert_eq!(differing(&outcomes), expected);

    // Not caught: forged initial weights, if genesis does not claim where they come from.
    let (_place, run) = place();
    let undeclared = config(&run).checkpoint_every(2);
    recorded(undeclared.clone(), &cheat());
    let outcomes = honest(&run, undeclared, &Cheat::default());
    assert_eq!(differing(&outcomes), [None; 4]);
}

/// The published spoofs of Proof-of-Learning make inputs whose gradients lead
/// where the forger wants to go.
#[test]
fn made_up_inputs_under_the_indices_of_the_true_ones_differ() {
    let _alone = alone();
    let made_up = |_, mut tracked: Tracked<Batch>| {
        tracked.batch.inputs = tracked.batch.inputs * 0.5 + 1.0;
        tracked
    };
    let (_run, outcomes, _place) = forged(&Cheat {
        batch: Some(&made_up),
        ..Cheat::default()
    });
    let expected = [1, 3, 5, 7].map(|step| Some((step, PARAMETERS)));
    assert_eq!(differing(&outcomes), expected);
}

#[test]
fn a_changed_sample_is_another_dataset_and_who_has_the_true_one_is_told_so() {
    let _alone = alone();
    let mut doctored = items();
    doctored[7].0[4] ^= 1;
    let cheat = Cheat {
        items: Some(doctored),
        ..Cheat::default()
    };
    let (run, outcomes, _place) = forged(&cheat);
    for outcome in outcomes {
        let SegmentOutcome::Refused { why } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(why.contains("the dataset's root is "), "{why}");
    }
    // Not caught: false data. With the forger's data, the steps give the weights.
    assert_eq!(differing(&honest(&run, declared(&run), &cheat)), [None; 4]);
}

#[test]
fn another_order_breaks_the_level_data_without_any_replay() {
    let _alone = alone();
    let swapped = |_, mut tracked: Tracked<Batch>| {
        tracked.indices.as_mut().unwrap().reverse();
        tracked
    };
    let (run, outcomes, _place) = forged(&Cheat {
        batch: Some(&swapped),
        ..Cheat::default()
    });
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::Fails);
    let expected = [1, 3, 5, 7].map(|step| Some((step, EntryField::Batch)));
    assert_eq!(differing(&outcomes), expected);
}

#[test]
fn another_learning_rate_differs_where_it_was_used() {
    let _alone = alone();
    let boosted = |step| if step == 4 { 2.0 * RATE } else { RATE };
    let (_run, outcomes, _place) = forged(&Cheat {
        rate: Some(&boosted),
        ..Cheat::default()
    });
    let expected = [None, Some((4, EntryField::LearningRate)), None, None];
    assert_eq!(differing(&outcomes), expected);
}

#[test]
fn withheld_checkpoints_are_failures_of_their_segments() {
    let _alone = alone();
    let (run, _, _place) = forged(&Cheat::default());
    let roots: Vec<_> = entries(&run)
        .iter()
        .filter_map(|e| e.state_root())
        .collect();
    std::fs::remove_dir_all(run.checkpoint(roots[2]).dir()).unwrap();
    let outcomes = honest(&run, declared(&run), &Cheat::default());
    let which = SegmentEnd::Start;
    assert_eq!(outcomes[2], SegmentOutcome::CheckpointAbsent { which });
    let exact = |at: usize| matches!(outcomes[at], SegmentOutcome::BitExact { .. });
    assert_eq!([0, 1, 3].map(exact), [true; 3]);
}

/// One step on poisoned data is one bad segment, which a challenge of q segments
/// out of n' finds with a chance of q in n': no more, and that is what is printed.
#[test]
fn one_poisoned_step_is_found_as_often_as_the_formula_says() {
    const CHALLENGES: u32 = 2000;
    let _alone = alone();
    let poisoned = |step, mut tracked: Tracked<Batch>| {
        if step == 6 {
            tracked.batch.classes = tracked.batch.classes.ones_like() - tracked.batch.classes;
        }
        tracked
    };
    let cheat = Cheat {
        batch: Some(&poisoned),
        ..Cheat::default()
    };
    let (_place, run) = place();
    let every_step = |run: &RunDir| declared(run).checkpoint_every(1);
    recorded(every_step(&run), &cheat);
    let segments = Segments::of(&run, None, &mut |_| {}).unwrap();
    let draw = |source, amount| Challenge::draw(&segments, source, amount, []).unwrap();
    let report = replayed(&run, None, |action| {
        train(action, every_step(&run), &Cheat::default()).map(drop)
    });
    let bad: Vec<SegmentIndex> = report
        .results()
        .iter()
        .filter(|result| report.judge(result) == Judgement::Fails)
        .map(|result| result.segment.index)
        .collect();
    assert_eq!(bad, [SegmentIndex(5)]);

    // Of 8 segments the first and the last are always checked.
    let found = (0..CHALLENGES)
        .filter(|number| {
            let value = ChallengeValue::new(number.to_le_bytes().to_vec()).unwrap();
            let amount = Amount::Count(SegmentCount(2));
            let challenge = draw(ChallengeSource::Verifier(value), amount);
            assert_eq!((challenge.remaining().0, challenge.picks().0), (6, 2));
            challenge.picked().contains(&bad[0])
        })
        .count();
    let (chance, challenges) = (2.0 / 6.0, f64::from(CHALLENGES));
    let deviation = (challenges * chance * (1.0 - chance)).sqrt();
    let off = (found as f64 - challenges * chance).abs();
    assert!(off < 3.0 * deviation, "found {found} times of {CHALLENGES}");
}
