//! Bitcoin Core's own cases, each with our verdict: see
//! `tests/vectors/compact/README.md` for what applies to us and what does not.

use pow_core::difficulty::{Difficulty, DifficultyError, Policy};
use pow_core::hash::BlockHash;
use pow_core::target::{CompactError, CompactTarget, MAX_TARGET, Target, Work};

const SET_COMPACT: &str = include_str!("../../vectors/compact/set_compact");
const CHECK_PROOF_OF_WORK: &str = include_str!("../../vectors/compact/check_proof_of_work");

/// The limits of Bitcoin's networks, as their genesis blocks carry them.
const NETWORKS: [(&str, u32); 5] = [
    ("main", 0x1d00_ffff),
    ("testnet", 0x1d00_ffff),
    ("testnet4", 0x1d00_ffff),
    ("signet", 0x1e03_77ae),
    ("regtest", 0x207f_ffff),
];

tests! {
    set_compact, get_compact_never_sets_the_sign_bit, check_proof_of_work,
    block_proof_of_the_easiest_target, limits_of_the_networks
}

/// The fields of each line of a vector file.
fn lines<const N: usize>(text: &'static str) -> Vec<[&'static str; N]> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields.try_into().unwrap()
        })
        .collect()
}

fn set_compact() {
    let cases = lines(SET_COMPACT);
    assert_eq!(cases.len(), 20);
    for [bits, negative, overflow, target, canonical, ours] in cases {
        let bits = compact(bits);
        let found = bits.decode();
        assert_eq!(verdict(found), ours, "{bits}");
        // What Core refuses, we refuse.
        if negative == "yes" || overflow == "yes" || canonical == "0x00000000" {
            assert!(found.is_err(), "{bits}");
        }
        match found {
            Ok(found) => {
                assert_eq!(hex(found), target, "{bits}");
                assert_eq!(found.to_compact(), bits);
                assert_eq!(canonical, bits.to_string());
            }
            Err(CompactError::NotCanonical { expected, .. }) => {
                let expected = CompactTarget(expected);
                assert_eq!(canonical, expected.to_string());
                assert_eq!(hex(expected.decode().unwrap()), target, "{bits}");
            }
            Err(_) => {}
        }
    }
}

/// Core: "Make sure that we don't generate compacts with the 0x00800000 bit
/// set".
fn get_compact_never_sets_the_sign_bit() {
    let mut bytes = [0; 32];
    bytes[0] = 0x80;
    let bits = Target::from_le_bytes(bytes).to_compact();
    assert_eq!(bits, CompactTarget(0x0200_8000));
}

fn check_proof_of_work() {
    let cases = lines(CHECK_PROOF_OF_WORK);
    assert_eq!(cases.len(), 5);
    for [name, bits, hash, ours] in cases {
        let bits = compact(bits);
        let hash: BlockHash = hash.parse().unwrap();
        let genesis = Difficulty {
            policy: Policy::Fixed(bits),
            floor: CompactTarget(0x1d00_ffff),
            final_bits: bits,
        };
        let found = match (bits.decode(), genesis.check()) {
            (Err(error), checked) => {
                assert_eq!(checked, Err(DifficultyError::Compact(error)), "{name}");
                verdict(Err(error))
            }
            (Ok(_), Err(DifficultyError::AboveFloor { .. })) => "above-floor",
            (Ok(target), Ok(())) if !target.is_met_by(hash) => "not-met",
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(found, ours, "{name}");
    }
    // The same excess over our own limit, which is regtest's.
    let error = CompactTarget(0x2100_ffff).decode();
    assert_eq!(verdict(error), "too-easy");
}

/// Core's `GetBlockProof` of `0x207fffff` is 2, summed over 10,000 blocks.
fn block_proof_of_the_easiest_target() {
    let one = MAX_TARGET.decode().unwrap().work();
    let sum = (0..10_000).fold(Work::ZERO, |sum, _| sum.plus(one));
    assert_eq!(sum.to_string(), "20000");
}

fn limits_of_the_networks() {
    for (name, bits) in NETWORKS {
        let bits = CompactTarget(bits);
        let target = bits.decode().unwrap();
        assert!(target <= Target::LIMIT, "{name}");
        assert_eq!(target.to_compact(), bits, "{name}");
    }
}

fn compact(hex: &str) -> CompactTarget {
    CompactTarget(u32::from_str_radix(hex.strip_prefix("0x").unwrap(), 16).unwrap())
}

/// The number in hex, as Core's `GetHex` prints it.
fn hex(target: Target) -> String {
    BlockHash(target.to_le_bytes()).to_string()
}

fn verdict(found: Result<Target, CompactError>) -> &'static str {
    match found {
        Ok(_) => "accepted",
        Err(CompactError::Negative(_)) => "negative",
        Err(CompactError::Zero(_)) => "zero",
        Err(CompactError::Overflow(_)) => "overflow",
        Err(CompactError::NotCanonical { .. }) => "not-canonical",
        Err(CompactError::TooEasy(_)) => "too-easy",
        Err(other) => panic!("{other}"),
    }
}
