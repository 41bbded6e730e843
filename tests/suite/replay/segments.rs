//! The segments of a chain, against the entries read by hand.

use pow_audit::replay::{Segment, Segments, SegmentsError, largest_moves};
use pow_core::body::{Body, BodyKind, Entry};
use pow_core::challenge::{SegmentCount, SegmentIndex};
use pow_core::tensor::{DType, TensorInfo};
use pow_ledger::{Tensor, write_tensors};
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{Fixture, Plan, Recorder};
use pow_tests::long_run::LongRun;
use tempfile::TempDir;

tests! {
    lie_between_checkpoints, are_told_of_a_run_that_goes_on, end_with_the_last_entry,
    are_not_told_of_a_bad_chain, that_move_the_weights_most_in_a_step_come_first
}

/// The files of checkpoints are not checked here, so they can be anything.
fn that_move_the_weights_most_in_a_step_come_first() {
    let plan = Plan {
        planned: Some(10),
        ..Plan::default()
    };
    let run = LongRun::record_plan(plan, 10, |_| {});
    let (run, segments) = (&run.run, &run.segments);
    let all: Vec<Segment> = segments.iter().collect();
    // After steps 0, 3, 6, 9 and 10. The segments move `a` by 0, 2, 1 and 5 a step.
    let ends = all.iter().map(|segment| segment.to_state.unwrap());
    let states = [all[0].from_state].into_iter().chain(ends);
    for (state, a) in states.zip([1.0f32, 1.0, 7.0, 4.0, 9.0]) {
        let info = TensorInfo {
            path: "a",
            dtype: DType::F32,
            dims: &[1],
        };
        let data = &a.to_le_bytes();
        write_tensors(&run.checkpoint(state).model(), &[Tensor { info, data }]).unwrap();
    }
    let moves = |count| -> Vec<u64> {
        let moves = largest_moves(run, segments, count).unwrap();
        moves.into_iter().map(|segment| segment.0).collect()
    };
    assert_eq!(moves(1), [3]);
    assert_eq!(moves(9), [3, 1, 2, 0]);
    // Without a checkpoint, nothing is known of the segments on both sides.
    std::fs::remove_dir_all(run.checkpoint(all[3].from_state).dir()).unwrap();
    assert_eq!(moves(9), [1, 0]);
}

fn lie_between_checkpoints() {
    let fixture = Fixture::default();
    let mut entries: Vec<(u32, Entry)> = Vec::new();
    for record in ChainFile::read(&fixture.run.chain()).records {
        let body = Body::from_bytes(&record.body).unwrap();
        if let BodyKind::Steps(steps) = body.kind {
            let height = body.common.height.get();
            entries.extend(steps.into_iter().map(|entry| (height, entry)));
        }
    }
    let segments = Segments::of(&fixture.run, None, &mut |_| {}).unwrap();
    assert_eq!(segments.count(), SegmentCount(2));
    assert_eq!(segments.chain().genesis_hash(), fixture.genesis);
    for (segment, steps) in segments.iter().zip([[0, 3], [3, 6]]) {
        let [from, to] = steps.map(|step| entries[step]);
        assert_eq!(segment.from_step, from.1.step);
        assert_eq!(segment.to_step, to.1.step);
        assert_eq!(Some(segment.from_state), from.1.state_root());
        assert_eq!(segment.to_state, to.1.state_root());
        assert_eq!(segment.block.get(), to.0);
        assert_eq!(segment.entries, 3);
        assert_eq!(segments.get(segment.index), Some(segment));
    }
    assert_eq!(segments.iter().count(), 2);
    for past in [2, 3, u64::MAX] {
        assert_eq!(segments.get(SegmentIndex(past)), None);
    }
    let long = LongRun::record(11);
    assert_eq!(long.segments.count(), SegmentCount(11));
    assert!(long.segments.iter().all(|segment| segment.entries == 1));
}

fn begun(steps: &[&[u64]]) -> (TempDir, Segments) {
    let dir = TempDir::new().unwrap();
    let mut recorder = Recorder::begin(&dir.path().join("run"), &Plan::default());
    for block in steps {
        recorder.steps(block);
    }
    let segments = Segments::of(recorder.run(), None, &mut |_| {}).unwrap();
    (dir, segments)
}

fn are_told_of_a_run_that_goes_on() {
    let counts: [(&[&[u64]], u64); 5] = [
        (&[], 0),
        (&[&[0]], 0),
        (&[&[0], &[1, 2]], 1),
        (&[&[0], &[1, 2, 3]], 1),
        (&[&[0], &[1, 2, 3], &[4]], 2),
    ];
    for (steps, count) in counts {
        let (_dir, segments) = begun(steps);
        assert_eq!(segments.count(), SegmentCount(count), "{steps:?}");
        assert!(segments.chain().end().is_none());
    }
}

fn end_with_the_last_entry() {
    let last = |steps: &[&[u64]]| {
        let segments = begun(steps).1;
        let last = segments.count().0.checked_sub(1)?;
        let last = segments.get(SegmentIndex(last))?;
        let steps = last.from_step.0..last.to_step.0;
        Some((
            steps,
            last.to_state.is_some(),
            last.block.get(),
            last.entries,
        ))
    };
    assert_eq!(last(&[]), None);
    assert_eq!(last(&[&[0]]), None);
    assert_eq!(last(&[&[0], &[1, 2, 3]]), Some((0..3, true, 2, 3)));
    assert_eq!(
        last(&[&[0], &[1, 2, 3], &[4], &[5]]),
        Some((3..5, false, 4, 2))
    );
    assert_eq!(last(&[&[0], &[1], &[2]]), Some((0..2, false, 3, 2)));
}

fn are_not_told_of_a_bad_chain() {
    let fixture = Fixture::default();
    let of = |genesis| Segments::of(&fixture.run, genesis, &mut |_| {});
    assert!(of(Some(fixture.genesis)).is_ok());
    let other = Some(pow_core::hash::BlockHash([7; 32]));
    assert!(matches!(of(other), Err(SegmentsError::Chain(_))));
    let mut bytes = std::fs::read(fixture.run.chain()).unwrap();
    bytes[900] ^= 1;
    std::fs::write(fixture.run.chain(), bytes).unwrap();
    assert!(matches!(of(None), Err(SegmentsError::Chain(_))));
    std::fs::remove_file(fixture.run.chain()).unwrap();
    assert!(matches!(of(None), Err(SegmentsError::Ledger(_))));
}
