//! Which segments a challenge picks.

mod example;
mod oracle;

use example::the_document_has_the_example;
use oracle::python_picks_the_same;
use pow_core::challenge::{
    ChallengeError, ChallengeSource, ChallengeValue, Domain, MAX_CHALLENGE_VALUE, SegmentCount,
    SegmentIndex,
};
use pow_core::hash::BlockHash;
use pow_tests::model::mix;
use std::collections::{BTreeMap, BTreeSet};

tests! {
    the_document_has_the_example, what_is_picked_is_what_was_asked_for,
    what_cannot_be_picked_is_said, each_set_is_equally_likely, head_source_and_value_change_the_picks;
    Python: python_picks_the_same
}

fn head(seed: u64) -> BlockHash {
    let words = [0, 1, 2, 3].map(|word| mix(4 * seed + word).to_le_bytes());
    BlockHash(words.concat().try_into().unwrap())
}

fn value(bytes: &[u8]) -> ChallengeValue {
    ChallengeValue::new(bytes.to_vec()).unwrap()
}

fn domain(segments: u64, named: &[u64]) -> Domain {
    let named = named.iter().map(|index| SegmentIndex(*index));
    Domain::new(SegmentCount(segments), named).unwrap()
}

fn what_is_picked_is_what_was_asked_for() {
    for segments in 0..20 {
        let named: Vec<u64> = [1, 4].into_iter().filter(|i| *i < segments).collect();
        let domain = domain(segments, &named);
        let seed = ChallengeSource::Head.seed(head(segments));
        let mut fewer = BTreeSet::new();
        for count in 0..=domain.remaining().0 {
            let picked = domain.pick(seed, SegmentCount(count)).unwrap();
            assert!(picked.is_sorted_by(|a, b| a < b), "{picked:?}");
            assert_eq!(picked.len() as u64, count);
            let picked: BTreeSet<SegmentIndex> = picked.into_iter().collect();
            assert!(picked.is_disjoint(domain.always()));
            assert!(picked.iter().all(|segment| segment.0 < segments));
            assert!(picked.is_superset(&fewer), "{fewer:?} in {picked:?}");
            fewer = picked;
        }
        let all = fewer.len() + domain.always().len();
        assert_eq!(all as u64, segments);
    }
    let ends = |segments| {
        let always = domain(segments, &[]).always().clone();
        always.into_iter().map(|i| i.0).collect::<Vec<_>>()
    };
    assert_eq!(ends(0), Vec::<u64>::new());
    assert_eq!(ends(1), [0]);
    assert_eq!(ends(2), [0, 1]);
    assert_eq!(ends(9), [0, 8]);
}

fn what_cannot_be_picked_is_said() {
    let seed = ChallengeSource::Head.seed(head(0));
    let asked = SegmentCount(4);
    let remaining = SegmentCount(3);
    let too_many = ChallengeError::TooMany { asked, remaining };
    assert_eq!(domain(5, &[]).pick(seed, asked), Err(too_many));
    let named = [SegmentIndex(2), SegmentIndex(5)];
    let none = ChallengeError::NoSegment {
        segment: SegmentIndex(5),
        segments: SegmentCount(5),
    };
    assert_eq!(Domain::new(SegmentCount(5), named), Err(none));
    for found in [0, MAX_CHALLENGE_VALUE + 1] {
        let error = ChallengeError::ValueLength { found };
        assert_eq!(ChallengeValue::new(vec![7; found]), Err(error));
    }
    assert!(ChallengeValue::new(vec![7; MAX_CHALLENGE_VALUE]).is_ok());
}

/// 10,000 challenges pick 2 of 5 segments; none of the 10 pairs comes more than
/// four standard deviations from its 1,000. (One of ten beyond that by chance:
/// 0.06 %. The seeds are fixed, so it is always or never.)
fn each_set_is_equally_likely() {
    let domain = domain(7, &[]);
    let mut pairs = BTreeMap::new();
    for seed in 0..10_000 {
        let seed = ChallengeSource::Head.seed(head(seed));
        let picked = domain.pick(seed, SegmentCount(2)).unwrap();
        *pairs.entry(picked).or_insert(0u32) += 1;
    }
    assert_eq!(pairs.len(), 10);
    let sigma = (10_000.0f64 * 0.1 * 0.9).sqrt();
    for (pair, count) in pairs {
        let off = (f64::from(count) - 1000.0) / sigma;
        assert!(off.abs() < 4.0, "{pair:?}: {off} sigma");
    }
}

/// Nothing of what a seed is made of can pass for another part of it.
fn head_source_and_value_change_the_picks() {
    let long = [1u8; 33];
    let sources = [
        ChallengeSource::Head,
        ChallengeSource::Verifier(value(&[0])),
        ChallengeSource::Verifier(value(&[0, 0])),
        ChallengeSource::Verifier(value(&[1])),
        ChallengeSource::Beacon(value(&[0])),
        ChallengeSource::Beacon(value(&long)),
    ];
    let mut seeds = BTreeSet::new();
    for head in [head(1), head(2), BlockHash([0; 32])] {
        for source in &sources {
            assert!(seeds.insert(source.seed(head)), "{source:?}");
        }
    }
}
