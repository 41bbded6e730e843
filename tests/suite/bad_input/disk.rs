//! A disk that runs full while a run is recorded.

use pow_audit::{Level, Verdict};
use pow_core::body::StepNumber;
use pow_core::hash::StateRoot;
use pow_core::state::RestOfState;
use pow_core::tensor::{DType, TensorInfo, TensorSet};
use pow_ledger::space::Bytes;
use pow_ledger::{Checkpoint, Durability, LedgerError, RunDir, RunWriter, Tensor};
use pow_tests::audits::{expect, unfinished_report};
use pow_tests::fixture::{Plan, Recorder};
use pow_tests::tmpfs::Tmpfs;
use std::io::ErrorKind;

tests! {
    Tmpfs: what_was_acknowledged_survives_a_full_disk,
    a_checkpoint_that_does_not_fit_takes_nothing_with_it
}

fn what_was_acknowledged_survives_a_full_disk() {
    let disk = Tmpfs::mount("128k").unwrap();
    let path = disk.path().join("run");
    let plan = Plan {
        planned: None,
        // Checkpoints would fill the disk before the chain does.
        checkpoint_every: 0,
        ..Plan::default()
    };
    let mut recorder = Recorder::begin(&path, &plan);
    recorder.steps(&[0]);
    // Blocks of some 700 bytes; the disk is full after fewer than 1,000.
    let error = (0..1000u64)
        .map(|i| 7 * i + 1)
        .find_map(|step| {
            let steps: Vec<u64> = (step..step + 7).collect();
            recorder.try_steps(&steps).err()
        })
        .unwrap();
    let LedgerError::Io { path: file, source } = &error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), ErrorKind::StorageFull);
    assert_eq!(file, &path.join("chain.pow"));

    // After a failed write nothing more is appended.
    let again = recorder.try_steps(&[7001]).unwrap_err();
    assert!(matches!(again, LedgerError::Poisoned(_)), "{again}");
    let acknowledged = recorder.blocks();
    drop(recorder);

    assert!(acknowledged > 10);
    let report = unfinished_report(&RunDir::new(&path));
    assert!(report.holds(), "{report}");
    expect(&report, Level::Chain, Verdict::Holds, &[]);
    let chain = report.chain.as_ref().unwrap();
    assert_eq!(u64::from(chain.height) + 1, acknowledged);
}

/// Writes a checkpoint with a tensor of 60 kB.
fn checkpoint(files: &RunWriter, step: u8) -> Result<StateRoot, LedgerError> {
    let data = [step; 60_000];
    let info = TensorInfo {
        path: "weight",
        dtype: DType::U8,
        dims: &[60_000],
    };
    let mut model = TensorSet::new();
    model.insert(&info, &data).unwrap();
    files.checkpoint(&Checkpoint {
        step: StepNumber(step.into()),
        parameters: model.root(),
        rest: RestOfState {
            optimizer: TensorSet::new().root(),
            scheduler_steps: 0,
            seed_position: 0,
            cursor: 0,
        },
        model: &[Tensor { info, data: &data }],
        optimizer: &[],
    })
}

fn a_checkpoint_that_does_not_fit_takes_nothing_with_it() {
    let disk = Tmpfs::mount("160k").unwrap();
    let run = RunDir::new(disk.path().join("run"));
    let free = || run.free_space().unwrap().unwrap();
    let (empty, most) = (free(), Bytes(160 * 1024));
    assert!(empty <= most && empty > Bytes(140 * 1024), "{empty}");
    let (files, mut chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
    chain.append(&[1; 80], &[2; 100]).unwrap();
    let first = checkpoint(&files, 1).unwrap();
    assert!(free() < Bytes(empty.0 - 60_000));
    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![0; 50_000]).unwrap();

    let error = checkpoint(&files, 2).unwrap_err();
    let LedgerError::Io { path, source } = &error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), ErrorKind::StorageFull);
    assert!(path.starts_with(run.checkpoints()), "{error}");
    assert_eq!(run.checkpoint(first).recompute().unwrap().0, first);
    assert_eq!(run.checkpoint_roots().unwrap(), [first].into());
    // The chain goes on in what is left, and the run can be opened again.
    chain.append(&[1; 80], &[2; 100]).unwrap();
    drop((chain, files));
    std::fs::remove_file(filler).unwrap();
    let saved = run.read_saved(|_| Ok::<(), LedgerError>(())).unwrap();
    let reopened = saved.reopen(Durability::EveryBlock).unwrap();
    let second = checkpoint(&reopened.files, 2).unwrap();
    assert_eq!(run.checkpoint(second).recompute().unwrap().0, second);
    assert_eq!(run.open_chain().unwrap().count(), 2);
}
