//! Merging the reports of parts.

use pow_audit::replay::{
    Amount, MergeError, ReplayReport, SegmentOutcome, SegmentResult, Shard, merge,
};
use pow_core::challenge::{ChallengeSource, SegmentCount};
use pow_tests::long_run::{LongRun, goal, other_machine, source};
use std::time::Duration;

tests! {
    gives_the_undivided_report, takes_a_part_twice_if_it_says_the_same, refuses_a_missing_part,
    refuses_what_belongs_elsewhere
}

fn parts(run: &LongRun, of: u32) -> Vec<ReplayReport> {
    let shards = (1..=of).map(|index| Shard::new(index, of).unwrap());
    shards.map(|shard| run.varied(shard)).collect()
}

/// Any number of parts, more than segments among them, in any order, read from
/// their files.
fn gives_the_undivided_report() {
    let run = LongRun::record(9);
    let expected = run.varied(Shard::WHOLE).to_json().unwrap();
    for of in [1, 2, 3, 5, 9, 11, 40] {
        let mut files: Vec<String> = parts(&run, of)
            .iter()
            .map(|part| part.to_json().unwrap())
            .collect();
        for turn in 0..3 {
            let reports = files
                .iter()
                .map(|file| ReplayReport::from_json(file.as_bytes()).unwrap());
            let merged = merge(reports).unwrap();
            assert_eq!(merged.shard(), Shard::WHOLE);
            assert_eq!(
                merged.to_json().unwrap(),
                expected,
                "{of} parts, turn {turn}"
            );
            files.reverse();
            files.rotate_left(turn % of as usize);
        }
    }
}

fn takes_a_part_twice_if_it_says_the_same() {
    let run = LongRun::record(9);
    let expected = merge(parts(&run, 3)).unwrap();
    let doubled = [parts(&run, 3), parts(&run, 3)].concat();
    assert_eq!(merge(doubled), Ok(expected.clone()));

    let challenge = run.challenge(source(), Amount::All);
    let part_2 = |change: &dyn Fn(&mut SegmentResult)| {
        let shard = "2/3".parse().unwrap();
        let varied = run.varied(shard);
        let mut old = varied.results().iter().cloned();
        let changed = |result: &mut SegmentResult| {
            *result = old.next().unwrap();
            change(result);
        };
        run.report(&challenge, shard, changed).unwrap()
    };
    // Executed again it took another time: the shorter one is kept, whichever
    // comes first.
    let slow = || part_2(&|result| result.spent += Duration::from_secs(1));
    let fast = || part_2(&|result| result.spent -= Duration::from_millis(1));
    for again in [slow(), fast()] {
        let shorter = merge([parts(&run, 3), vec![again.clone()]].concat()).unwrap();
        let other = merge([vec![again], parts(&run, 3)].concat()).unwrap();
        assert_eq!(shorter, other);
        assert_eq!(
            shorter.clone().without_times(),
            expected.clone().without_times()
        );
    }
    let sum = |report: &ReplayReport| report.results().iter().map(|r| r.spent).sum::<Duration>();
    let slower = merge([parts(&run, 3), vec![slow()]].concat()).unwrap();
    assert_eq!(sum(&slower), sum(&expected));
    let faster = merge([parts(&run, 3), vec![fast()]].concat()).unwrap();
    assert_eq!(sum(&faster), sum(&expected) - Duration::from_millis(3));

    // The same part with another outcome, or from another machine.
    let conflicting = |change: &dyn Fn(&mut SegmentResult)| {
        part_2(&|result| {
            if result.segment.index.0 == 4 {
                change(result);
            }
        })
    };
    let outcome = conflicting(&|result| result.outcome = SegmentOutcome::BitExact { entries: 1 });
    let machine = conflicting(&|result| result.machine = other_machine(&result.machine));
    for again in [outcome, machine] {
        let expected = Err(MergeError::Conflict {
            report: 4,
            shard: "2/3".parse().unwrap(),
            segment: 4,
        });
        assert_eq!(merge([parts(&run, 3), vec![again]].concat()), expected);
    }
}

fn refuses_a_missing_part() {
    let run = LongRun::record(9);
    assert_eq!(merge([]), Err(MergeError::Nothing));
    for gone in 0..4 {
        let mut parts = parts(&run, 4);
        parts.remove(gone);
        let expected = Err(MergeError::Missing {
            first: Shard::new(gone as u32 + 1, 4).unwrap(),
            missing: 1,
            of: 4,
        });
        assert_eq!(merge(parts), expected);
    }
    // Even one that has no segments.
    let mut parts = parts(&run, 11);
    parts.truncate(9);
    let error = merge(parts).unwrap_err().to_string();
    assert_eq!(error, "part 10/11 is missing, and with it 2 of 11 parts");
    // A part of very many.
    let lonely = run.varied(Shard::new(1, u32::MAX).unwrap());
    let error = merge([lonely]).unwrap_err().to_string();
    assert!(error.starts_with("part 2/4294967295 is missing"), "{error}");
}

fn refuses_what_belongs_elsewhere() {
    let run = LongRun::record(9);
    let challenge = run.challenge(source(), Amount::All);
    let second: Shard = "2/2".parse().unwrap();
    let named = LongRun::record_with(9, |genesis| genesis.name.push('2'));
    let all = |run: &LongRun| run.challenge(source(), Amount::All);
    let six = Amount::Count(SegmentCount(6));
    let cases = [
        (named.exact(&all(&named), second), "genesis"),
        (
            run.exact(&run.challenge(ChallengeSource::Head, Amount::All), second),
            "challenge",
        ),
        (
            run.exact(&run.challenge(source(), six), second),
            "challenge",
        ),
        (
            run.exact(&run.challenge(source(), goal()), second),
            "challenge",
        ),
        (
            run.exact(&challenge, "2/3".parse().unwrap()),
            "number of parts",
        ),
    ];
    for (other, what) in cases {
        let first = run.exact(&challenge, "1/2".parse().unwrap());
        let expected = Err(MergeError::Foreign { report: 2, what });
        assert_eq!(merge([first, other]), expected);
    }
    // The same run at an earlier head.
    let json = run.exact(&challenge, second).to_json().unwrap();
    let height = format!("\"height\": {},", run.segments.chain().height().get());
    let earlier = json.replacen(&height, "\"height\": 3,", 1);
    let earlier = ReplayReport::from_json(earlier.as_bytes()).unwrap();
    let first = run.exact(&challenge, "1/2".parse().unwrap());
    let expected = Err(MergeError::Foreign {
        report: 2,
        what: "head",
    });
    assert_eq!(merge([first, earlier]), expected);
}
