//! Whole proofs: all good ones hold, and no changed one does, in Rust and in
//! Python.

use super::cases::{Case, Run};
use super::script::Batch;
use pow_audit::proof::{CheckOptions, check_proof, proof_from_json, proof_to_json};
use pow_tests::oracle::{hex, unhex};
use serde_json::{Value, json};

tests! {
    good_ones_hold, every_changed_bit_is_refused, every_changed_byte_of_the_file_is_refused;
    Python: good_ones_hold_in_python, changed_ones_are_refused_in_python
}

fn json_of(case: &Case) -> String {
    proof_to_json(&case.made.proof).unwrap()
}

fn options(case: &Case) -> CheckOptions<'_> {
    CheckOptions {
        head: Some(case.head),
        older: case.older,
        value: case.made.value.as_deref(),
    }
}

fn good_ones_hold() {
    let run = Run::new();
    for case in run.cases() {
        let json = json_of(&case);
        assert_eq!(proof_from_json(json.as_bytes()).unwrap(), case.made.proof);
        let headline = |options| check_proof(json.as_bytes(), &options).headline().to_owned();
        let pinned = headline(options(&case));
        assert!(pinned.starts_with("SHOWN"), "{}: {pinned}", case.name);
        let unanchored = headline(CheckOptions::default());
        assert_eq!(unanchored, "SHOWN, UNANCHORED", "{}", case.name);
        // Under no other head, and of no other bytes.
        let head = run.hashes.iter().find(|hash| **hash != case.head).copied();
        let other = CheckOptions {
            head,
            ..options(&case)
        };
        assert_eq!(headline(other), "DOES NOT HOLD", "{}", case.name);
        let value = [case.made.value.clone().unwrap_or_default(), vec![0]].concat();
        let other = CheckOptions {
            value: Some(&value),
            ..options(&case)
        };
        assert_eq!(headline(other), "DOES NOT HOLD", "{}", case.name);
    }
}

/// Each change of one thing in a proof's JSON: a bit of any hex, a bit or one
/// unit of any number, a character of any text, an item of any array left out,
/// repeated or added.
fn each_change(proof: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    let mut changed = proof.clone();
    let mut places = Vec::new();
    collect_places(proof, String::new(), &mut places);
    for place in &places {
        let original = proof.pointer(place).unwrap();
        for other in changes(original) {
            *changed.pointer_mut(place).unwrap() = other;
            visit(place, &changed);
        }
        *changed.pointer_mut(place).unwrap() = original.clone();
    }
}

fn collect_places(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                collect_places(field, format!("{at}/{name}"), places);
            }
        }
        Value::Array(items) => {
            places.push(at.clone());
            for (i, item) in items.iter().enumerate() {
                collect_places(item, format!("{at}/{i}"), places);
            }
        }
        _ => places.push(at),
    }
}

fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => match unhex(text) {
            Some(bytes) => bit_flips(&bytes).map(|bytes| json!(hex(&bytes))).collect(),
            None => vec![json!(format!("{text} ")), json!(text[1..])],
        },
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            let bits = (0..64).map(|bit| json!(number ^ 1 << bit));
            bits.chain([json!(number.wrapping_add(1)), json!(number.wrapping_sub(1))])
                .collect()
        }
        Value::Array(items) => {
            // A digest, or a dim.
            let extra = items.last().cloned().unwrap_or(json!("00".repeat(32)));
            let mut appended = items.clone();
            appended.push(extra.clone());
            let mut prepended = items.clone();
            prepended.insert(0, extra);
            let mut out = vec![appended, prepended];
            for i in 0..items.len() {
                let mut shorter = items.clone();
                shorter.remove(i);
                out.push(shorter);
            }
            out.into_iter().map(Value::Array).collect()
        }
        other => panic!("no proof holds {other}"),
    }
}

fn bit_flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    })
}

/// Under the pinned head no change passes. Without a pin, a changed header of the
/// head passes if it happens to meet the target: that is mining. The last block
/// has 16 zero bits, and the run is always the same.
fn every_changed_bit_is_refused() {
    for case in Run::new().cases() {
        let proof: Value = serde_json::from_str(&json_of(&case)).unwrap();
        let mut count = 0;
        each_change(&proof, &mut |place, changed| {
            let bytes = serde_json::to_vec(changed).unwrap();
            let report = check_proof(&bytes, &options(&case));
            assert!(!report.holds(), "{}: {place}: {changed}", case.name);
            let unanchored = check_proof(&bytes, &CheckOptions::default());
            let lucky = case.name == "entry of the head" || case.name == "genesis";
            assert!(lucky || !unanchored.holds(), "{}: {place}", case.name);
            count += 1;
        });
        assert!(count > 2000, "{}: {count}", case.name);
    }
}

/// The same for the bytes of the file: no other spelling of a proof is read.
fn every_changed_byte_of_the_file_is_refused() {
    for case in Run::new().cases() {
        let mut bytes = json_of(&case).into_bytes();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !check_proof(&bytes, &options(&case)).holds(),
                "{}: bit {bit}",
                case.name
            );
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for len in 0..bytes.len() - 1 {
            assert!(!check_proof(&bytes[..len], &options(&case)).holds());
        }
    }
}

/// The options with which the script checks a case.
fn flags(case: &Case) -> Vec<String> {
    let mut flags = vec!["--head".into(), case.head.to_string()];
    flags.extend(
        case.older
            .iter()
            .flat_map(|older| ["--older".into(), older.to_string()]),
    );
    flags
}

fn verdicts(batch: &Batch, flags: &[String]) -> Vec<String> {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    batch.verdicts(&flags)
}

fn good_ones_hold_in_python() {
    let run = Run::new();
    let mut all = Batch::new();
    for case in run.cases() {
        let json = json_of(&case);
        all.add(json.as_bytes());
        let mut batch = Batch::new();
        batch.add(json.as_bytes());
        let mut flags = flags(&case);
        if let Some(value) = &case.made.value {
            let path = batch.path().join("value");
            std::fs::write(&path, value).unwrap();
            flags.extend(["--value".into(), path.to_str().unwrap().into()]);
        }
        let ours = check_proof(json.as_bytes(), &options(&case));
        assert!(ours.holds());
        assert_eq!(verdicts(&batch, &flags), [ours.headline()], "{}", case.name);

        // Another value than the one that was proved.
        let path = batch.path().join("other");
        std::fs::write(&path, b"other").unwrap();
        flags.truncate(2);
        flags.extend(["--value".into(), path.to_str().unwrap().into()]);
        let verdict = &verdicts(&batch, &flags)[0];
        assert!(verdict.starts_with("DOES NOT HOLD: value: "), "{verdict}");
    }
    assert!(
        all.verdicts(&[])
            .iter()
            .all(|verdict| verdict == "SHOWN, UNANCHORED")
    );
    // Four cases extend a block, one of them this one.
    let older = run.hashes[3].to_string();
    let from = all.verdicts(&["--older", &older]);
    let count = |word| from.iter().filter(|verdict| verdict.contains(word)).count();
    assert_eq!(count("SHOWN FROM THE PINNED BLOCK, HEAD UNANCHORED"), 1);
    assert_eq!(count("DOES NOT HOLD: block: it is not the one"), 3);
    assert_eq!(count("DOES NOT HOLD: extension: the proof has none"), 8);
    // Two cases hang on earlier blocks.
    let head = run.hashes[6].to_string();
    let under = all.verdicts(&["--head", &head]);
    let count = |word| {
        under
            .iter()
            .filter(|verdict| verdict.starts_with(word))
            .count()
    };
    assert_eq!((count("SHOWN"), count("DOES NOT HOLD: head")), (10, 2));
}

/// Every change except those of bits, and every 7th of those: each byte is
/// changed, at another bit from byte to byte.
fn changed_ones_are_refused_in_python() {
    for case in Run::new().cases() {
        let proof: Value = serde_json::from_str(&json_of(&case)).unwrap();
        let mut batch = Batch::new();
        let (mut places, mut bits) = (Vec::new(), 0);
        each_change(&proof, &mut |place, changed| {
            if changed.pointer(place).unwrap().is_string() {
                bits += 1;
                if bits % 7 != 0 {
                    return;
                }
            }
            batch.add(&serde_json::to_vec(changed).unwrap());
            places.push(place.to_owned());
        });
        let verdicts = verdicts(&batch, &flags(&case));
        for (verdict, place) in verdicts.iter().zip(places) {
            assert!(
                verdict.starts_with("DOES NOT HOLD"),
                "{}: {place}",
                case.name
            );
        }
    }
}
