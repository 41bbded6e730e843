//! Replay reports that somebody damaged or made up.

use super::report::varied;
use pow_audit::replay::{MAX_REPORT_LEN, ReplayReport, ReportError, Shard};
use pow_tests::long_run::LongRun;

tests! {
    any_byte_changed_is_refused_or_says_so, any_end_cut_off_is_refused, only_one_form_is_read,
    what_contradicts_itself_is_refused
}

fn json() -> String {
    let run = LongRun::record(9);
    varied(&run, Shard::WHOLE).to_json().unwrap()
}

/// Whatever is read is read in full: it gives the same bytes again.
fn any_byte_changed_is_refused_or_says_so() {
    let good = json().into_bytes();
    let mut accepted = 0;
    for at in 0..good.len() {
        for bit in [0, 4, 5] {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            match ReplayReport::from_json(&bad) {
                Ok(report) => {
                    accepted += 1;
                    assert_eq!(report.to_json().unwrap().as_bytes(), bad, "byte {at}");
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    // Texts, roots and numbers may be anything; the chain tells.
    assert!(accepted > 100, "{accepted}");
}

fn any_end_cut_off_is_refused() {
    let good = json();
    for len in 0..good.len() {
        assert!(ReplayReport::from_json(&good.as_bytes()[..len]).is_err());
    }
    let longer = [good.as_bytes(), b"\n"].concat();
    let error = ReplayReport::from_json(&longer).unwrap_err();
    let ReportError::Form { offset } = error else {
        panic!("{error}");
    };
    assert_eq!(offset, good.len());
    let endless = vec![b' '; MAX_REPORT_LEN + 1];
    let error = ReplayReport::from_json(&endless).unwrap_err();
    assert!(matches!(error, ReportError::TooLong), "{error}");
}

#[track_caller]
fn refused(good: &str, from: &str, to: &str, words: &str) {
    assert!(good.contains(from), "{from:?} is not in {good}");
    let bad = good.replacen(from, to, 1);
    let error = ReplayReport::from_json(bad.as_bytes()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains(words), "{words:?} is not in {error:?}");
}

fn only_one_form_is_read() {
    let good = json();
    let schema = "\"schema\": \"burn-pow/replay-report/v1\",\n";
    let cases = [
        (schema, "", "missing field `schema`"),
        (
            schema,
            "\"schema\": \"burn-pow/replay-report/v0\",\n",
            "schema: \"burn-pow/replay-report/v0\", expected",
        ),
        (
            schema,
            "\"schema\":\"burn-pow/replay-report/v1\",\n",
            "byte 13: not written as",
        ),
        (schema, "\"more\": 1,\n", "unknown field `more`"),
        (
            "\"height\": 5,",
            "\"height\": 5, \"height\": 5,",
            "duplicate field `height` at line",
        ),
        ("\"height\": 5,", "\"height\": 5e0,", "at line 6 column"),
        (
            "\"height\": 5,",
            "\"height\": 2147483648,",
            "chain: height 2147483648 is not below",
        ),
        (
            "\"finished\": true",
            "\"finished\": null",
            "at line 7 column",
        ),
        (
            "\"value\": \"ab00\"",
            "\"value\": \"AB00\"",
            "not written as",
        ),
        (
            "\"value\": \"ab00\"",
            "\"value\": \"ab0\"",
            "challenge.value: an odd number",
        ),
        (
            "\"value\": \"ab00\"",
            "\"value\": \"ag00\"",
            "challenge.value: not hex",
        ),
        (
            "\"value\": \"ab00\"",
            "\"value\": \"\"",
            "challenge.value: a challenge value has 1 to",
        ),
        (
            "\"source\": \"verifier\"",
            "\"source\": \"head\"",
            "challenge.value: source head has none",
        ),
        (
            "\"source\": \"verifier\"",
            "\"source\": \"dice\"",
            "challenge.source: \"dice\"",
        ),
        (
            "\"threshold\": \"0.001\"",
            "\"threshold\": \"1e-3\"",
            "not written as",
        ),
        (
            "\"threshold\": \"0.001\"",
            "\"threshold\": \"NaN\"",
            "no finite number",
        ),
        (
            "\"threshold\": \"0.001\"",
            "\"threshold\": \"-0\"",
            "no finite number",
        ),
        (
            "\"metric\": \"largest",
            "\"more\": 1, \"metric\": \"largest",
            "unknown field `more`",
        ),
        (
            "\"kind\": \"refused\"",
            "\"kind\": \"fine\"",
            "unknown variant `fine`",
        ),
    ];
    for (from, to, words) in cases {
        refused(&good, from, to, words);
    }
    let array = format!("[{}]", good.trim_end());
    assert!(ReplayReport::from_json(array.as_bytes()).is_err());
    let marked = ["\u{feff}", &good].concat();
    assert!(ReplayReport::from_json(marked.as_bytes()).is_err());
}

fn what_contradicts_itself_is_refused() {
    let good = json();
    let first = "\"segment\": 0,\n        \"why\": \"first\"";
    let picked = "\"picked\": [\n      1,\n      2,";
    let cases = [
        (
            "\"segments\": 9",
            "\"segments\": 8",
            "challenge.always: there is no segment 8",
        ),
        (
            "\"segments\": 9",
            "\"segments\": 10",
            "challenge.always: segment 8 is Last, expected Named",
        ),
        ("\"remaining\": 7", "\"remaining\": 6", "not written as"),
        ("\"picks\": 7", "\"picks\": 6", "not written as"),
        (
            first,
            "\"segment\": 1,\n        \"why\": \"first\"",
            "challenge.picked: segment 1 is always checked",
        ),
        (
            first,
            "\"segment\": 0,\n        \"why\": \"named\"",
            "challenge.always: segment 0 is Named",
        ),
        (
            picked,
            "\"picked\": [\n      2,\n      1,",
            "challenge.picked: not in ascending order",
        ),
        (
            picked,
            "\"picked\": [\n      1,\n      1,",
            "challenge.picked: not in ascending order",
        ),
        (
            picked,
            "\"picked\": [\n      1,",
            "results: segment 2 where part 1/1",
        ),
        ("\"of\": 1", "\"of\": 0", "shard: expected I/N"),
        (
            "\"of\": 1",
            "\"of\": 2",
            "results: segment 1 where part 1/2",
        ),
        (
            "\"entries\": 1,\n      \"machine\": 1,\n      \"outcome\": {\n        \"kind\": \"bit-exact\"",
            "\"entries\": 4294967297,\n      \"machine\": 1,\n      \"outcome\": {\n        \"kind\": \"bit-exact\"",
            "segment 0: bit-exact in 1 entries",
        ),
        ("\"cpu\": false", "\"cpu\": true", "not written as"),
        ("\"cpu\": \"other\"", "\"cpu\": \"any\"", "not written as"),
        ("\"millis\": 103", "\"millis\": -1", "at line"),
        (
            "\"segment\": 3,\n      \"millis\"",
            "\"segment\": 4,\n      \"millis\"",
            "segment 3: timing names another",
        ),
    ];
    for (from, to, words) in cases {
        refused(&good, from, to, words);
    }
    // Nobody can leave out what is always checked.
    let row = |segment: u64, why: &str| {
        format!("{{\n        \"segment\": {segment},\n        \"why\": \"{why}\"\n      }}")
    };
    let (first, last) = (row(0, "first"), row(8, "last"));
    let both = format!("{first},\n      {last}");
    refused(
        &good,
        &both,
        &first,
        "challenge.always: segment 8 is missing",
    );
    refused(
        &good,
        &both,
        &last,
        "challenge.always: segment 0 is missing",
    );
    // No list is as long as a number claims.
    for number in [
        "\"segments\": 18446744073709551615",
        "\"segments\": 1000000000000",
    ] {
        refused(&good, "\"segments\": 9", number, "challenge.always");
    }
    refused(
        &good,
        "\"of\": 1",
        "\"of\": 4294967295",
        "results: segment 1 where",
    );
    let machine = "\"machine\": 0,\n      \"outcome\": {\n        \"kind\": \"refused\"";
    let none = machine.replace("0,", "2,");
    refused(&good, machine, &none, "segment 6: it names no machine");
}
