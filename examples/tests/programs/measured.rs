//! The trainings of the example `paper`, in this process.

use pow_examples::paper::plan::SectionPlan;
use pow_examples::paper::training::RecorderMode;
use pow_examples::paper::{convergence, overhead, tamper};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tamper::TamperKind;

tests! {
    recording_changes_no_bit_and_a_bound_order_does, a_step_is_timed_in_every_mode,
    each_tampering_is_caught_by_who_can, what_a_run_costs_is_timed
}

/// One training at a time, as Burn's CPU backend has one random generator for the
/// whole process.
fn alone() -> MutexGuard<'static, ()> {
    static TRAINING: Mutex<()> = Mutex::new(());
    TRAINING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn recording_changes_no_bit_and_a_bound_order_does() {
    let _alone = alone();
    let mut plan = convergence::ConvergencePlan::quick();
    plan.seeds = 1;
    plan.digits.items = 256;
    for task in convergence::TASKS {
        let trained = |mode| {
            let seed = 1;
            let unit = convergence::ConvergenceUnit { task, seed, mode };
            convergence::measure(&plan, unit).unwrap()
        };
        let [off, pipelined, gate, bound] = convergence::MODES.map(trained);
        assert_eq!(off.len() as u64, plan.segments + 1);
        let last = off.last().unwrap();
        assert_eq!(last.step, last.steps);
        assert!(last.test_loss < off[0].test_loss, "{task}");
        let parameters = |rows: &[convergence::ConvergenceRow]| {
            let roots = rows.iter().map(|row| row.parameters.clone());
            roots.collect::<Vec<_>>()
        };
        assert_eq!(parameters(&pipelined), parameters(&off), "{task}");
        assert_eq!(parameters(&gate), parameters(&off), "{task}");
        assert_eq!(bound[0].parameters, off[0].parameters);
        assert_ne!(parameters(&bound), parameters(&off), "{task}");
        assert_eq!(last.verified, None);
        for recorded in [pipelined, gate, bound] {
            assert_eq!(recorded.last().unwrap().verified, Some(true));
            assert!(recorded.last().unwrap().blocks > Some(2));
        }
    }
}

fn a_step_is_timed_in_every_mode() {
    let _alone = alone();
    let mut plan = overhead::OverheadPlan::quick();
    plan.sizes.truncate(1);
    let units = overhead::units(&plan);
    assert_eq!(units.len() as u64, plan.sizes[0].rounds);
    let timings = overhead::timings(&plan, units[1]).unwrap();
    let rows = timings.iter().map(|timing| overhead::time(timing).unwrap());
    let rows: Vec<overhead::OverheadRow> = rows.collect();
    let variants = rows.iter().map(|row| (row.mode, row.commit_every));
    let variants: BTreeSet<_> = variants.collect();
    let expected = [
        (RecorderMode::Off, None),
        (RecorderMode::Pipelined, Some(1)),
        (RecorderMode::Pipelined, Some(10)),
        (RecorderMode::Gate, Some(1)),
    ];
    assert_eq!(variants, expected.into());
    for row in &rows {
        assert!(row.step_ms > 0.0 && row.waited_ms < row.step_ms, "{row:?}");
        assert!((95_000..105_000).contains(&row.parameters));
        let split = [
            row.snapshot_ms,
            row.read_ms,
            row.hash_ms,
            row.mine_ms,
            row.append_ms,
        ];
        let is_off = row.mode == RecorderMode::Off;
        assert!(split.iter().all(|part| part.is_none() == is_off), "{row:?}");
        if let Some(every) = row.commit_every {
            let steps = row.steps + plan.sizes[0].warm_up;
            // Step 0 and the last step are always committed.
            let committed = 1 + steps.div_ceil(every);
            assert_eq!(row.committed, Some(committed), "{row:?}");
        }
        if row.mode == RecorderMode::Gate {
            assert_eq!(row.blocks, row.committed.map(|committed| committed + 2));
        }
    }
}

fn each_tampering_is_caught_by_who_can() {
    let _alone = alone();
    let plan = tamper::TamperPlan {
        trials: 4,
        replays: 1,
        ..tamper::TamperPlan::quick()
    };
    let mut run = tamper::TamperedRun::record(&plan).unwrap();
    for kind in tamper::TAMPER_KINDS {
        for row in tamper::measure(&plan, &mut run, kind).unwrap() {
            let caught = [
                row.unpinned.is_some(),
                row.genesis_pinned.is_some(),
                row.head_pinned.is_some(),
            ];
            let expected = match kind {
                TamperKind::Nothing => [false, false, false],
                TamperKind::ForgeGenesis => [false, true, true],
                TamperKind::ForgeWeights | TamperKind::ForgeEnd => [false, false, true],
                // This depends on what was edited.
                TamperKind::ForgeEntry => [caught[0], caught[0], true],
                _ => [true, true, true],
            };
            assert_eq!(caught, expected, "{kind}: {}", row.detail);
            let differs = matches!(kind, TamperKind::ForgeEntry | TamperKind::ForgeWeights);
            assert!(
                row.replay.is_none_or(|found| found == differs),
                "{kind}: {}",
                row.detail
            );
            assert!(row.replay.is_none() || row.unpinned.is_none());
            assert!(row.trial > 0 || row.unpinned.is_some() || row.replay.is_some());
        }
    }
    // The run is as it was before.
    let [row, ..] = &tamper::measure(&plan, &mut run, TamperKind::Nothing).unwrap()[..] else {
        panic!("no row");
    };
    assert_eq!((&row.head_pinned, row.replay), (&None, Some(false)));
}

fn what_a_run_costs_is_timed() {
    let _alone = alone();
    let row = tamper::measure_times(&tamper::TamperPlan::quick(), 0).unwrap();
    assert!(row.holds);
    // Genesis, steps 0 to 45, the end; a checkpoint at every fifteenth.
    assert_eq!((row.steps, row.blocks, row.checkpoints), (45, 48, 4));
    assert!(row.chain_ms > 0.0 && row.chain_ms < row.verify_ms);
    assert!(row.mine_ms > 0.0 && row.train_ms > 0.0 && row.replay_ms > 0.0);
}
