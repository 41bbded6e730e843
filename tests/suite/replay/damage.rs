//! Replay reports that somebody damaged or made up.

use pow_audit::replay::{Amount, MAX_REPORT_LEN, ReplayReport, ReportError, SegmentOutcome, Shard};
use pow_core::challenge::ChallengeSource;
use pow_tests::long_run::LongRun;

tests! {
    any_byte_changed_is_refused_or_says_so, any_end_cut_off_is_refused, the_longest_report_is_read, only_one_form_is_read,
    what_contradicts_itself_is_refused
}

fn json() -> String {
    let run = LongRun::record(9);
    run.varied(Shard::WHOLE).to_json().unwrap()
}

/// A report that is read is read in full: it gives the same bytes again.
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
    // Texts, roots and numbers may be anything; the chain refuses them.
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

/// Whatever is written can be read again.
fn the_longest_report_is_read() {
    let run = LongRun::record(1);
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let json = |len: usize| {
        let report = run.report(&challenge, Shard::WHOLE, |result| {
            let why = "x".repeat(len);
            result.outcome = SegmentOutcome::Refused { why };
        });
        report.unwrap().to_json()
    };
    let most = MAX_REPORT_LEN - json(0).unwrap().len();
    let longest = json(most).unwrap();
    assert_eq!(longest.len(), MAX_REPORT_LEN);
    assert!(ReplayReport::from_json(longest.as_bytes()).is_ok());
    drop(longest);
    assert!(matches!(json(most + 1), Err(ReportError::TooLong)));
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
    let schema = "\"schema\": \"burn-pow/replay-report/v2\",\n";
    #[rustfmt::skip]
    let cases: [(&str, &str, &str); 19] = [
        (schema, "", "missing field `schema`"),
        (schema, &schema.replace("/v2", "/v0"), r#"schema: "burn-pow/replay-report/v0", expected"#),
        (schema, &schema.replace(": ", ":"), "byte 13: not written as"),
        (schema, "\"more\": 1,\n", "unknown field `more`"),
        (r#""height": 5,"#, r#""height": 5, "height": 5,"#, "duplicate field `height` at line"),
        (r#""height": 5,"#, r#""height": 5e0,"#, "at line 6 column"),
        (r#""height": 5,"#, r#""height": 2147483648,"#, "chain: height 2147483648 is not below"),
        (r#""finished": true"#, r#""finished": null"#, "at line 7 column"),
        (r#""value": "ab00""#, r#""value": "AB00""#, "not written as"),
        (r#""value": "ab00""#, r#""value": "ab0""#, "challenge.value: an odd number"),
        (r#""value": "ab00""#, r#""value": "ag00""#, "challenge.value: not hex"),
        (r#""value": "ab00""#, r#""value": """#, "challenge.value: a challenge value has 1 to"),
        (r#""source": "verifier""#, r#""source": "head""#, "challenge.value: source head has none"),
        (r#""source": "verifier""#, r#""source": "dice""#, r#"challenge.source: unknown source "dice""#),
        (r#""threshold": "0.001""#, r#""threshold": "1e-3""#, "not written as"),
        (r#""threshold": "0.001""#, r#""threshold": "NaN""#, "expected a finite number of at least 0"),
        (r#""threshold": "0.001""#, r#""threshold": "-0""#, "expected a finite number of at least 0"),
        (r#""metric": "largest"#, r#""more": 1, "metric": "largest"#, "unknown field `more`"),
        (r#""kind": "refused""#, r#""kind": "fine""#, "unknown variant `fine`"),
    ];
    for (from, to, words) in cases {
        refused(&good, from, to, words);
    }
    let array = format!("[{}]", good.trim_end());
    let marked = ["\u{feff}", &good].concat();
    for bad in [array, marked] {
        assert!(ReplayReport::from_json(bad.as_bytes()).is_err());
    }
}

fn what_contradicts_itself_is_refused() {
    let good = json();
    // Blanks at line ends, as they are in a report.
    let always =
        |segment: u64, why: &str| format!("\"segment\": {segment},\n        \"why\": \"{why}\"");
    let row = |segment, why| format!("{{\n        {}\n      }}", always(segment, why));
    let (first, last) = (row(0, "first"), row(8, "last"));
    let both = format!("{first},\n      {last}");
    let picked = |more: &str| format!("\"picked\": [\n      {more}");
    let timing = |segment: u64| format!("\"segment\": {segment},\n      \"millis\"");
    let last_timing = format!(",\n    {{\n      {}: 108\n    }}", timing(8));
    let result = |entries: u64, machine: u64, kind: &str| {
        format!(
            "\"entries\": {entries},\n      \"machine\": {machine},\n      \"outcome\": {{\n        \"kind\": \"{kind}\""
        )
    };
    #[rustfmt::skip]
    let cases: [(&str, &str, &str); 24] = [
        (r#""segments": 9"#, r#""segments": 8"#, "challenge.always: there is no segment 8"),
        (r#""segments": 9"#, r#""segments": 10"#, "challenge.always: segment 8 is Last, expected Named"),
        (r#""remaining": 7"#, r#""remaining": 6"#, "not written as"),
        (r#""picks": 7"#, r#""picks": 6"#, "not written as"),
        (&always(0, "first"), &always(1, "first"), "challenge.picked: segment 1 is always checked"),
        (&always(0, "first"), &always(0, "named"), "challenge.always: segment 0 is Named"),
        (&picked("1,\n      2,"), &picked("2,\n      1,"), "challenge.picked: not in ascending order"),
        (&picked("1,\n      2,"), &picked("1,\n      1,"), "challenge.picked: not in ascending order"),
        (&picked("1,\n      2,"), &picked("1,"), "results: segment 2 where part 1/1"),
        (r#""of": 1"#, r#""of": 0"#, "shard: expected I/N"),
        (r#""of": 1"#, r#""of": 2"#, "results: segment 1 where part 1/2"),
        (&result(1, 1, "bit-exact"), &result(4_294_967_297, 1, "bit-exact"), "segment 0: bit-exact in 1 entries"),
        (r#""cpu": false"#, r#""cpu": true"#, "not written as"),
        // The machine of segment 5 becomes one where equal bits can be expected.
        (r#""cpu": "other""#, r#""cpu": "any""#, "segment 5: a tolerance, although"),
        (r#""millis": 103"#, r#""millis": -1"#, "at line"),
        (&last_timing, "", "timing: it does not have as many segments as `results`"),
        (r#""index": 1"#, r#""index": 2"#, "shard: expected I/N with 1 <= I <= N, found \"2/1\""),
        (&timing(3), &timing(4), "segment 3: timing has another segment in its place"),
        // Nobody can leave out what is always checked.
        (&both, &first, "challenge.always: segment 8 is missing"),
        (&both, &last, "challenge.always: segment 0 is missing"),
        // No list is as long as a number claims.
        (r#""segments": 9"#, r#""segments": 18446744073709551615"#, "challenge.always"),
        (r#""segments": 9"#, r#""segments": 1000000000000"#, "challenge.always"),
        (r#""of": 1"#, r#""of": 4294967295"#, "results: segment 1 where"),
        (&result(1, 0, "refused"), &result(1, 2, "refused"), "segment 6: it names no machine"),
    ];
    for (from, to, words) in cases {
        refused(&good, from, to, words);
    }
}
