//! The picks by a script of thirty lines, written from `docs/format.md`.

use super::{head, value};
use crate::python::printed_by_code;
use pow_core::challenge::{ChallengeSource, Domain, SegmentCount, SegmentIndex};
use pow_tests::model::mix;
use pow_tests::oracle::hex;

/// Reads lines of `head source value segments named count`, hex and numbers,
/// and prints seed and picks of each.
const SCRIPT: &str = "
import hashlib
import sys


def tagged(name, data):
    tag = hashlib.sha256(b'burn-pow/v1/' + name).digest()
    return hashlib.sha256(tag + tag + data).digest()


for line in sys.argv[1:]:
    head, source, value, segments, named, count = line.split(' ')
    value, segments = bytes.fromhex(value), int(segments)
    seed = tagged(
        b'challenge',
        # A hash is shown with its bytes reversed.
        bytes.fromhex(head)[::-1]
        + bytes([['head', 'verifier', 'beacon'].index(source)])
        + len(value).to_bytes(4, 'little')
        + value,
    )
    always = {0, segments - 1} | {int(i) for i in named.split(',') if i}
    others = [i for i in range(segments) if i not in always]
    others.sort(key=lambda i: tagged(b'pick', seed + i.to_bytes(8, 'little')))
    print(seed.hex(), *sorted(others[:int(count)]))
";

pub fn python_picks_the_same() {
    let mut lines = Vec::new();
    let mut expected = String::new();
    for case in 0..60u64 {
        let random = |what: u64| mix(100 * case + what);
        let bytes: Vec<u8> = (0..1 + random(0) % 1024).map(|i| random(i) as u8).collect();
        let source = match case % 3 {
            0 => ChallengeSource::Head,
            1 => ChallengeSource::Verifier(value(&bytes)),
            _ => ChallengeSource::Beacon(value(&bytes)),
        };
        let segments = random(1) % 300;
        let named: Vec<u64> = (0..random(2) % 4)
            .filter(|_| segments > 0)
            .map(|i| random(10 + i) % segments)
            .collect();
        let named_indices = named.iter().map(|index| SegmentIndex(*index));
        let domain = Domain::new(SegmentCount(segments), named_indices).unwrap();
        let count = SegmentCount(random(3) % (domain.remaining().0 + 1));
        let seed = source.seed(head(case));
        expected += &seed.to_string();
        for picked in domain.pick(seed, count).unwrap() {
            expected += &format!(" {picked}");
        }
        expected += "\n";
        let hex = hex(source.value());
        let named: Vec<String> = named.iter().map(u64::to_string).collect();
        lines.push(format!(
            "{} {} {hex} {segments} {} {count}",
            head(case),
            source.name(),
            named.join(",")
        ));
    }
    assert_eq!(printed_by_code(SCRIPT, &lines), expected);
}
