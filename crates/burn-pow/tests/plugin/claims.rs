//! Runs whose genesis or checkpoints claim what is false, mined again so that every rule
//! of the chain holds. What the replay makes of them, and what the audit makes of its
//! report.

use crate::between::halved;
use crate::program::*;
use burn::optim::AdamConfig;
use burn_pow::{Action, PowError, PowRun, Tolerance};
use pow_audit::replay::{
    Again, Comparability, EntryField, Judgement, Machine, Missing, ReplayReport, SegmentOutcome,
};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_core::body::{BodyKind, Genesis};
use pow_core::extension::{Known, Operation, Probe};
use pow_core::tensor::TensorInfo;
use pow_ledger::{RunDir, TensorFile, write_tensors};
use pow_tests::chain_file::ChainFile;
use pow_tests::seal::{Link, links, seal};
use std::path::Path;
use tempfile::TempDir;

/// A run of the honest loop. It has segments of three, three and two steps.
fn recorded() -> (TempDir, RunDir) {
    let (place, run) = place();
    let config = config(&run).initial_weights_from_seed();
    sealed(CustomLoop::HONEST.run(Action::Create, config).unwrap());
    (place, run)
}

/// Mines the run's chain again after an edit.
fn mined_again(run: &RunDir, edit: impl FnOnce(&mut [Link])) {
    let mut links = links(&ChainFile::read(&run.chain()));
    edit(&mut links);
    seal(&links).write(&run.chain());
}

fn genesis(links: &mut [Link]) -> &mut Genesis {
    match links[0].kind() {
        BodyKind::Genesis(genesis) => genesis,
        other => panic!("{other:?}"),
    }
}

/// Replays all segments with a loop.
fn replay(run: &RunDir, custom: CustomLoop, tolerance: Option<f64>) -> ReplayReport {
    let config = config(run).initial_weights_from_seed();
    replayed(run, tolerance.map(Tolerance), |action| {
        custom.run(action, config.clone()).map(drop)
    })
}

fn judged(report: &ReplayReport) -> Vec<Judgement> {
    let results = report.results().iter();
    results.map(|result| report.judge(result)).collect()
}

/// The audit of the run with this report, where the replay is required.
fn audited(place: &TempDir, run: &RunDir, report: &ReplayReport) -> (Verdict, String) {
    let file = place.path().join("replay.json");
    report.write(&file).unwrap();
    let options = AuditOptions {
        replay_reports: vec![file],
        ..AuditOptions::default()
    };
    let found = audit(run, &options, &mut |_| {}).unwrap();
    (verdict(&found, Level::Replay), found.headline)
}

/// The probe in genesis, with another digest for one operation.
fn forge_probe(run: &RunDir) {
    mined_again(run, |links| {
        let genesis = genesis(links);
        let probe = genesis.probe().unwrap().expect("a probe");
        let other = probe.operations().iter().map(|operation| Operation {
            digest: match operation.name.as_str() {
                "exp" => probe.digest("tanh"),
                _ => operation.digest,
            },
            ..operation.clone()
        });
        let forged = Probe::new(other.collect()).unwrap();
        genesis.extensions = vec![Known::Probe(forged).to_extension()];
    });
}

fn without_probe(run: &RunDir) {
    mined_again(run, |links| genesis(links).extensions.clear());
}

/// A loop that is not the recorded one.
fn another_loop() -> CustomLoop {
    CustomLoop {
        scale: 1.01,
        ..CustomLoop::HONEST
    }
}

#[test]
fn a_run_has_a_probe_and_this_machine_agrees_with_it() {
    let _alone = alone();
    let (_place, run) = recorded();
    let report = replay(&run, CustomLoop::HONEST, None);
    assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
    let recorded = report.recorded();
    let probe = recorded.probe.as_ref().expect("a probe");
    assert_eq!(probe.operations().len(), 34);
    for result in report.results() {
        let comparability = Comparability::of(&result.machine, recorded);
        assert_eq!(comparability, Comparability::Measured);
        assert_eq!(result.machine, report.results()[0].machine);
    }
}

#[test]
fn a_difference_alone_is_unexplained_and_with_a_reproduced_segment_it_fails() {
    let _alone = alone();
    let (place, run) = recorded();
    let report = replay(&run, another_loop(), None);
    let unexplained = Judgement::Unexplained(vec![Missing::OtherSegment]);
    assert_eq!(judged(&report), vec![unexplained; 3]);
    for result in report.results() {
        let SegmentOutcome::Differs { again, .. } = result.outcome else {
            panic!("{result:?}");
        };
        assert_eq!(again, Some(Again::Same));
    }
    let (verdict, headline) = audited(&place, &run, &report);
    assert_eq!(verdict, Verdict::Unexplained);
    assert_eq!(headline, "CONSISTENT, UNANCHORED, THE REPLAY DIFFERS");

    // The last segment is another one, the others are reproduced.
    let mut segment = 0;
    let config = config(&run).initial_weights_from_seed();
    let report = replayed(&run, None, |action| {
        segment += 1;
        let custom = match segment > 2 {
            true => another_loop(),
            false => CustomLoop::HONEST,
        };
        custom.run(action, config.clone()).map(drop)
    });
    assert_eq!(judged(&report)[2], Judgement::Fails);
    assert_eq!(audited(&place, &run, &report).0, Verdict::Fails);
}

#[test]
fn a_machine_that_contradicts_itself_accuses_nobody() {
    let _alone = alone();
    let (_place, run) = recorded();
    let config = config(&run).initial_weights_from_seed();
    let mut executions = 0;
    let report = replayed(&run, None, |action| {
        executions += 1;
        let custom = match executions {
            // The first segment is executed twice.
            1 => another_loop(),
            _ => CustomLoop::HONEST,
        };
        custom.run(action, config.clone()).map(drop)
    });
    assert_eq!(executions, 4);
    let agreement = Judgement::Unexplained(vec![Missing::Agreement]);
    let expected = [agreement, Judgement::Exact, Judgement::Exact];
    assert_eq!(judged(&report), expected);
}

#[test]
fn a_forged_probe_only_weakens_the_result_and_the_headline_says_so() {
    let _alone = alone();
    let (place, run) = recorded();
    forge_probe(&run);
    // Equal bits are equal bits.
    let report = replay(&run, CustomLoop::HONEST, None);
    assert_eq!(audited(&place, &run, &report).0, Verdict::Holds);
    let report = replay(&run, another_loop(), None);
    let apart = Judgement::NotComparable(vec!["exp".into()]);
    assert_eq!(judged(&report), vec![apart; 3]);
    let (verdict, headline) = audited(&place, &run, &report);
    assert_eq!(verdict, Verdict::NotComparable);
    let words = "CONSISTENT, UNANCHORED, THE REPLAY IS NOT COMPARABLE";
    assert_eq!(headline, words);
}

#[test]
fn a_run_without_a_probe_is_judged_by_names() {
    let _alone = alone();
    let (place, run) = recorded();
    without_probe(&run);
    let report = replay(&run, another_loop(), None);
    assert_eq!(judged(&report), vec![Judgement::Fails; 3]);
    // An invented CPU turns every difference into one that is not comparable.
    mined_again(&run, |links| genesis(links).environment.cpu = "z80".into());
    let report = replay(&run, another_loop(), None);
    let (verdict, headline) = audited(&place, &run, &report);
    assert_eq!(verdict, Verdict::NotComparable);
    let words = "CONSISTENT, UNANCHORED, THE REPLAY IS NOT COMPARABLE";
    assert_eq!(headline, words);
}

#[test]
fn a_tolerance_measures_how_far_the_end_lies_apart_and_hides_no_rate() {
    let _alone = alone();
    let (_place, run) = recorded();
    // Here equal bits can be expected, so none is due.
    let outcomes_of = |custom, tolerance| outcomes(&replay(&run, custom, Some(tolerance)));
    let differs = |outcome: &SegmentOutcome| matches!(outcome, SegmentOutcome::Differs { .. });
    assert!(outcomes_of(another_loop(), 0.5).iter().all(differs));

    forge_probe(&run);
    assert_eq!(outcomes_of(CustomLoop::HONEST, 0.5), exact(&[3, 3, 2]));
    let mut distances = Vec::new();
    for scale in [1.01, -1.0] {
        let custom = CustomLoop {
            scale,
            ..CustomLoop::HONEST
        };
        for outcome in outcomes_of(custom, 0.5) {
            let SegmentOutcome::Tolerance {
                distance,
                threshold,
                loss,
                ..
            } = outcome
            else {
                panic!("{outcome:?}");
            };
            assert_eq!(threshold.get(), 0.5);
            assert!(loss.is_some());
            distances.push(distance.get());
        }
    }
    // Adam's steps hardly depend on how long the gradients are; the other way
    // leads away from the end.
    assert!(distances[..3].iter().all(|d| *d < 1e-2), "{distances:?}");
    assert!(distances[3..].iter().all(|d| *d > 0.5), "{distances:?}");
    let beyond = replay(&run, another_loop(), Some(1e-9));
    let apart = Judgement::NotComparable(vec!["exp".into()]);
    assert_eq!(judged(&beyond), vec![apart; 3]);

    // A rate is no matter of rounding, and a difference before it does not hide it.
    let custom = CustomLoop {
        rate: 1.001e-2,
        ..another_loop()
    };
    let report = replay(&run, custom, Some(1e9));
    for (judged, result) in judged(&report).iter().zip(report.results()) {
        let SegmentOutcome::Differs { field, .. } = &result.outcome else {
            panic!("{result:?}");
        };
        assert_eq!(field.name(), "learning rate");
        // No segment is reproduced, so it may be a program with other arguments.
        assert_eq!(*judged, Judgement::Unexplained(vec![Missing::Program]));
    }
}

#[test]
fn a_seed_that_contradicts_the_settings_is_a_contradiction_of_the_run() {
    let _alone = alone();
    let (_place, run) = recorded();
    mined_again(&run, |links| genesis(links).seed += 1);
    let report = replay(&run, CustomLoop::HONEST, None);
    for result in report.results() {
        let SegmentOutcome::Malformed { why } = &result.outcome else {
            panic!("{result:?}");
        };
        let words = "the seed is 5 by the run's settings, but genesis says 6";
        assert!(why.contains(words), "{why}");
        assert_eq!(report.judge(result), Judgement::Fails);
    }
}

/// Changes the files of the checkpoint at this place among the checkpoints, and mines
/// the chain again with its root.
fn forge_state(run: &RunDir, place: usize, edit: impl FnOnce(&Path)) {
    let all = entries(run);
    let mut with_state = all.iter().filter(|entry| entry.rest.is_some());
    let entry = *with_state.nth(place).unwrap();
    let old = run.checkpoint(entry.state_root().unwrap());
    edit(old.dir());
    let optimizer = TensorFile::open(&old.optimizer()).unwrap().root().unwrap();
    let rest = old.state_file().unwrap().rest(optimizer).root();
    let root = pow_core::state::state_root(entry.parameters, rest);
    std::fs::rename(old.dir(), run.checkpoint(root).dir()).unwrap();
    mined_again(run, |links| {
        if place == 0 {
            genesis(links).initial.root = root;
        }
        for link in links {
            if let BodyKind::Steps(entries) = link.kind() {
                let same = entries.iter_mut().find(|other| other.step == entry.step);
                if let Some(same) = same {
                    same.rest = Some(rest);
                }
            }
        }
    });
}

fn edit_state_file(dir: &Path, edit: impl FnOnce(&str) -> String) {
    let file = dir.join("state.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = edit(&text);
    assert_ne!(edited, text);
    std::fs::write(&file, edited).unwrap();
}

/// Burn does not check the dimensions of moments, and panics at the step that uses them.
#[test]
fn moments_of_other_dimensions_end_in_a_report() {
    let _alone = alone();
    let (place, run) = recorded();
    forge_state(&run, 1, |dir| {
        let file = dir.join("optimizer.safetensors");
        let mut opened = TensorFile::open(&file).unwrap();
        let tensors = opened.tensors().to_vec();
        let tensors: Vec<_> = tensors
            .into_iter()
            .map(|tensor| {
                let bytes = opened.read(&tensor).unwrap();
                let info = tensor.info();
                let dims: Vec<u64> = info.dims.iter().rev().copied().collect();
                (info.path.to_owned(), info.dtype, dims, bytes)
            })
            .collect();
        let swapped: Vec<pow_ledger::Tensor<'_>> = tensors
            .iter()
            .map(|(path, dtype, dims, data)| pow_ledger::Tensor {
                info: TensorInfo {
                    path,
                    dtype: *dtype,
                    dims,
                },
                data,
            })
            .collect();
        std::fs::remove_file(&file).unwrap();
        write_tensors(&file, &swapped).unwrap();
    });
    let report = replay(&run, CustomLoop::HONEST, None);
    let outcome = &report.results()[1].outcome;
    assert!(
        matches!(outcome, SegmentOutcome::NotChecked { why } if why.contains("panicked")),
        "{outcome:?}"
    );
    // The segment before it ends with other moments than the program makes.
    let SegmentOutcome::Differs { step, field, .. } = &report.results()[0].outcome else {
        panic!("{:?}", report.results()[0]);
    };
    assert_eq!((*step, *field), (3, EntryField::State));
    assert_eq!(judged(&report)[0], Judgement::Fails);
    assert_eq!(audited(&place, &run, &report).0, Verdict::Fails);
}

#[test]
fn positions_of_a_first_state_that_has_taken_steps_fail_at_once() {
    let _alone = alone();
    for (field, found) in [
        ("scheduler_steps", "30"),
        // Nothing is repeated this often.
        ("scheduler_steps", "18446744073709551615"),
        ("seed_position", "1"),
        ("cursor", "4"),
    ] {
        let (_place, run) = recorded();
        forge_state(&run, 0, |dir| {
            let with = |value: &str| format!("\"{field}\": {value}");
            edit_state_file(dir, |text| text.replace(&with("0"), &with(found)));
        });
        let report = replay(&run, CustomLoop::HONEST, None);
        let SegmentOutcome::Malformed { why } = &report.results()[0].outcome else {
            panic!("{:?}", report.results()[0]);
        };
        let words = format!("the state of step 0 says {field} {found}, expected 0");
        assert!(why.contains(&words), "{why}");
        assert_eq!(judged(&report)[0], Judgement::Fails);
        assert_eq!(judged(&report)[1], Judgement::Exact);
    }
}

/// Found before a step was taken, when the probe of this machine is not complete yet.
#[test]
fn another_initial_model_fails_on_a_machine_that_computes_alike() {
    let _alone = alone();
    let (_place, run) = recorded();
    let config = config(&run).initial_weights_from_seed();
    let mut segments = 0;
    let report = replayed(&run, None, |action| {
        segments += 1;
        if segments < 3 {
            // The first segment, twice.
            let run = PowRun::open(action, config.clone())?;
            loader(&run);
            let other = halved(Net::new());
            return run.start(other, AdamConfig::new().init()).map(drop);
        }
        CustomLoop::HONEST.run(action, config.clone()).map(drop)
    });
    let first = &report.results()[0];
    let Comparability::Measured = Comparability::of(&first.machine, report.recorded()) else {
        panic!("{first:?}");
    };
    let expected = [Judgement::Fails, Judgement::Exact, Judgement::Exact];
    assert_eq!(judged(&report), expected);
}

#[test]
fn a_chain_that_is_another_one_by_then_is_not_reported_on() {
    let _alone = alone();
    let (_place, run) = recorded();
    let config = config(&run).initial_weights_from_seed();
    let segments = pow_audit::replay::Segments::of(&run, None, &mut |_| {}).unwrap();
    let challenge = pow_audit::replay::Challenge::draw(
        &segments,
        pow_core::challenge::ChallengeSource::Head,
        pow_audit::replay::Amount::All,
        [],
    );
    // The same genesis, and another end.
    mined_again(&run, |links| {
        let at = links.len() - 1;
        links[at].common(|common| common.start.0 += 1);
    });
    let shard = pow_audit::replay::Shard::WHOLE;
    let changed = burn_pow::replay(
        &run,
        &segments,
        challenge.unwrap(),
        shard,
        None,
        |action| CustomLoop::HONEST.run(action, config.clone()).map(drop),
        |_| true,
    );
    let error = changed.unwrap_err().to_string();
    assert!(
        error.contains("the chain changed while it was replayed"),
        "{error}"
    );
}

#[test]
fn a_program_that_panics_leaves_a_report() {
    let _alone = alone();
    let (place, run) = recorded();
    let report = replayed(&run, None, |_| -> Result<(), PowError> {
        panic!("no memory")
    });
    for result in report.results() {
        let why = "the program panicked: no memory".into();
        assert_eq!(result.outcome, SegmentOutcome::NotChecked { why });
    }
    let (verdict, headline) = audited(&place, &run, &report);
    assert_eq!(verdict, Verdict::NotChecked);
    assert_eq!(headline, "CONSISTENT, UNANCHORED, NOTHING WAS REPLAYED");
}

#[test]
fn machines_are_compared_with_their_probes() {
    let _alone = alone();
    let (_place, run) = recorded();
    let report = replay(&run, CustomLoop::HONEST, None);
    let genesis = Machine::of_genesis(&declared(&run));
    assert_eq!(report.recorded(), &genesis);
}

/// What genesis declares.
fn declared(run: &RunDir) -> Genesis {
    let mut links = links(&ChainFile::read(&run.chain()));
    genesis(&mut links).clone()
}
