//! What each piece of evidence in a replay report is worth.

use super::bench::{Bench, differs, expect, tolerance};
use pow_audit::replay::{Again, EntryField, SegmentOutcome, SegmentResult};
use pow_audit::{Level, Verdict};
use pow_core::body::Extension;
use pow_core::challenge::SegmentIndex;
use pow_core::extension::{ExtensionKind, Known, Operation, Probe};
use pow_core::hash::{FileDigest, ParameterRoot};
use pow_tests::long_run::LongRun;
use std::sync::Arc;

tests! { accuse_only_with_all_the_evidence, say_that_a_probe_is_unusable }

/// What each piece of evidence is worth, if genesis has a probe.
fn accuse_only_with_all_the_evidence() {
    let probe = |byte| {
        let operation = Operation {
            name: "exp".into(),
            digest: Some(ParameterRoot([byte; 32])),
        };
        Probe::new(vec![operation]).unwrap()
    };
    let bench = Bench::of(LongRun::record_with(12, |genesis| {
        genesis.extensions = vec![Known::Probe(probe(1)).to_extension()];
    }));
    let parameters = EntryField::Parameters;
    let same = Some(Again::Same);
    let same_difference = differs(parameters, same);
    let found = |outcome: &SegmentOutcome, change: &dyn Fn(&mut SegmentResult)| {
        let report = bench.changed(
            |result| {
                if result.segment.index.0 == 4 {
                    result.outcome = outcome.clone();
                }
                change(result);
            },
            None,
        );
        let text = report.to_string();
        (report.level(Level::Replay).unwrap().verdict, text)
    };
    let nothing = |_: &mut SegmentResult| {};
    let refused = |result: &mut SegmentResult| {
        if result.segment.index.0 != 4 {
            result.outcome = SegmentOutcome::Refused { why: "no".into() };
        }
    };
    let first_alone = |result: &mut SegmentResult| {
        if result.segment.index.0 > 0 {
            refused(result);
        }
    };
    let with_control = |result: &mut SegmentResult| {
        refused(result);
        if result.segment.index.0 == 4 {
            result.control = Some(SegmentIndex(5));
        }
    };
    let unprobed = |result: &mut SegmentResult| Arc::make_mut(&mut result.machine).probe = None;
    let elsewhere = |result: &mut SegmentResult| {
        Arc::make_mut(&mut result.machine).probe = Some(probe(2));
    };
    let another_program = |result: &mut SegmentResult| {
        refused(result);
        Arc::make_mut(&mut result.machine).executable = Some(FileDigest([9; 32]));
    };
    let rate = differs(EntryField::LearningRate, None);
    let batch = differs(EntryField::Batch, None);
    let rounding = differs(EntryField::LearningRateRounding, None);
    let unfit = SegmentOutcome::Unfit { why: "form".into() };
    let (near, far) = (tolerance(0.5, 0.1, None), tolerance(0.5, 0.6, None));
    type Change<'a> = &'a dyn Fn(&mut SegmentResult);
    #[rustfmt::skip]
    let cases: [(&SegmentOutcome, Change<'_>, Verdict, &str); 17] = [
        (&same_difference, &nothing, Verdict::Fails, "the probe in genesis agrees in every operation"),
        (&same_difference, &with_control, Verdict::Fails, "segment 5 was reproduced bit for bit on this machine"),
        (&same_difference, &refused, Verdict::Unexplained, "no other segment from a checkpoint was reproduced"),
        (&differs(parameters, None), &nothing, Verdict::Unexplained, "execute it a second time"),
        (&differs(parameters, Some(Again::Other)), &nothing, Verdict::Unexplained, "a machine that repeats itself"),
        (&same_difference, &unprobed, Verdict::Unexplained, "this machine was not probed"),
        (&same_difference, &elsewhere, Verdict::NotComparable, "equal bits cannot be expected: \"exp\""),
        (&rounding, &nothing, Verdict::Unexplained, "execute it a second time"),
        // Another rate is no rounding, but can be another program.
        (&rate, &nothing, Verdict::Fails, "learning rate"),
        (&rate, &another_program, Verdict::Unexplained, "this may be another program"),
        (&unfit, &another_program, Verdict::Unexplained, "it DOES NOT FIT the program: form"),
        (&unfit, &refused, Verdict::Unexplained, "it DOES NOT FIT the program: form"),
        (&unfit, &nothing, Verdict::Fails, "it DOES NOT FIT the program: form"),
        // What starts afresh with the program is the same in the first segment.
        (&same_difference, &first_alone, Verdict::Unexplained, "no other segment from a checkpoint"),
        // The order follows from genesis and hashes.
        (&batch, &another_program, Verdict::Fails, "batch digest"),
        (&near, &elsewhere, Verdict::Partly, "REPLAYED IN PART"),
        (&far, &unprobed, Verdict::Unexplained, "  unexplained\n"),
    ];
    for (outcome, change, verdict, words) in cases {
        let (found, text) = found(outcome, change);
        assert_eq!(found, verdict, "{text}");
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

/// An unusable probe leaves the chain as it is, and a report says so.
fn say_that_a_probe_is_unusable() {
    let malformed = Extension {
        kind: ExtensionKind::Probe.number(),
        data: vec![7],
    };
    for extensions in [vec![malformed.clone()], vec![malformed.clone(), malformed]] {
        let bench = Bench::of(LongRun::record_with(3, |genesis| {
            genesis.extensions = extensions.clone();
        }));
        let found = bench.changed(|_| {}, Some(bench.head()));
        let words = [
            "the numerics probe in genesis is unusable",
            "inferred from the names of the environment",
        ];
        expect(&found, Verdict::Holds, Verdict::Holds, &words);
        // One line, however many there are.
        let text = found.to_string();
        assert_eq!(
            text.matches("the extension numerics probe of genesis")
                .count(),
            1
        );
    }
}
