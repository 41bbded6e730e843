//! Receipts with a defect, each refused in its own words.

use super::{headers, receipt_of, short, trusting_headers};
use pow_audit::receipt::{
    MAX_RECEIPT, Receipt, ReceiptError, ReceiptOptions, Section, SectionKind, check_receipt,
};
use pow_audit::{Level, Verdict};
use pow_core::hash::{BlockHash, ParameterRoot};
use pow_ledger::AnchorKind::OpenTimestamps;
use pow_tests::anchors::{complete, stamped};
use pow_tests::fixture::Fixture;

tests! {
    the_form_is_strict, parts_of_other_runs_are_refused, what_the_verifier_knows_must_fit,
        a_section_of_an_unknown_kind_is_said_to_be_unread, no_flipped_bit_says_anything_else
}

fn sections(bytes: &[u8]) -> Vec<Section> {
    Receipt::parse(bytes).unwrap().sections().to_vec()
}

fn the_form_is_strict() {
    let good = receipt_of(&short());
    let parse = |bytes: &[u8]| Receipt::parse(bytes).unwrap_err();
    assert_eq!(Receipt::parse(&good).unwrap().to_bytes(), good);
    assert_eq!(parse(b""), ReceiptError::Magic);
    assert_eq!(parse(&good[1..]), ReceiptError::Magic);
    assert_eq!(parse(&good[..11]), ReceiptError::CutOff(8));
    let mut other = good.clone();
    other[8] = 2;
    assert_eq!(parse(&other), ReceiptError::Version(2));
    // Where the sections end, there is one too few, and elsewhere one is cut off.
    let ends: Vec<usize> = sections(&good)
        .iter()
        .scan(12, |at, section| {
            *at += 6 + section.bytes.len();
            Some(*at)
        })
        .collect();
    for len in 12..good.len() {
        let error = parse(&good[..len]);
        match len == 12 || ends.contains(&len) {
            true => assert!(
                matches!(error, ReceiptError::NotOne { .. }),
                "{len}: {error}"
            ),
            false => assert!(matches!(error, ReceiptError::CutOff(_)), "{len}: {error}"),
        }
    }
    let order = ReceiptError::Order {
        at: 3,
        found: 1,
        before: 2,
    };
    assert_eq!(parse(&[&good[..], &[1, 0, 0, 0, 0, 0]].concat()), order);
    let twice = ReceiptError::NotOne { kind: 2, found: 2 };
    assert_eq!(parse(&[&good[..], &[2, 0, 0, 0, 0, 0]].concat()), twice);
    let many = [&good[..], &[99, 0, 0, 0, 0, 0].repeat(511)].concat();
    assert_eq!(parse(&many), ReceiptError::TooMany);
    assert!(Receipt::parse(&many[..many.len() - 6]).is_ok());
    let long = vec![0; MAX_RECEIPT + 1];
    assert_eq!(parse(&long), ReceiptError::TooLong(MAX_RECEIPT + 1));
    let report = check_receipt(b"", &ReceiptOptions::default());
    assert!(!report.holds());
    assert_eq!(
        report.failure.unwrap(),
        "not a receipt: expected the magic POWRECPT"
    );
}

/// The receipt with one section replaced by that of another.
fn with(sections: &[Section], kind: SectionKind, other: &[Section]) -> Vec<u8> {
    let other = other.iter().filter(|section| section.kind == kind);
    let kept = sections.iter().filter(|section| section.kind != kind);
    Receipt::new(kept.chain(other).cloned().collect())
        .unwrap()
        .to_bytes()
}

fn parts_of_other_runs_are_refused() {
    let run = short();
    let mid = stamped(&run, 3);
    run.run
        .add_anchor(OpenTimestamps, &complete(mid, 9))
        .unwrap();
    let ours = sections(&receipt_of(&run));
    let kinds: Vec<u16> = ours.iter().map(|section| section.kind.number()).collect();
    assert_eq!(kinds, [1, 2, 3, 4]);
    let stranger = Fixture::default();
    let head = stamped(&stranger, 3);
    stranger
        .run
        .add_anchor(OpenTimestamps, &complete(head, 9))
        .unwrap();
    let theirs = sections(&receipt_of(&stranger));
    let failure = |bytes: &[u8]| {
        let report = check_receipt(bytes, &trusting_headers(&headers(&[mid])));
        assert!(!report.holds(), "{report}");
        report.failure.unwrap_or_default()
    };
    let words = failure(&with(&ours, SectionKind::Genesis, &theirs));
    assert_eq!(words, "the body of genesis is not that of the first block");
    let words = failure(&with(&ours, SectionKind::Chain, &theirs));
    assert_eq!(words, "the body of genesis is not that of the first block");
    let words = failure(&with(&ours, SectionKind::Block, &theirs));
    assert!(words.contains("head"), "{words}");
    // A proof of the head alone, and one that is no extension, show no chain.
    let block = ours
        .iter()
        .find(|section| section.kind == SectionKind::Block)
        .unwrap();
    let chain = Section {
        kind: SectionKind::Chain,
        ..block.clone()
    };
    let words = failure(&with(&ours, SectionKind::Chain, &[chain]));
    assert!(
        words.contains("does not show that the head extends block 0"),
        "{words}"
    );
    // A timestamp over another chain, or over a block that is not shown.
    let options = trusting_headers(&headers(&[mid]));
    let foreign = with(&ours, SectionKind::OpenTimestamps, &theirs);
    let report = check_receipt(&foreign, &options);
    assert_eq!(report.headline, "DOES NOT HOLD (time)");
    super::expect(
        &report,
        Level::Time,
        Verdict::Fails,
        &["FOREIGN: the stamped digest"],
    );
    let without = with(&ours, SectionKind::Block, &[]);
    let report = check_receipt(&without, &options);
    super::expect(
        &report,
        Level::Time,
        Verdict::Fails,
        &["FOREIGN: the stamped digest"],
    );
    // As it was made, it covers the blocks up to block 3.
    let good = Receipt::new(ours).unwrap().to_bytes();
    let report = check_receipt(&good, &options);
    super::expect(
        &report,
        Level::Time,
        Verdict::Partly,
        &["blocks 0 to 3: not after"],
    );
}

fn what_the_verifier_knows_must_fit() {
    let run = short();
    let bytes = receipt_of(&run);
    let other = Some(BlockHash([7; 32]));
    let fails = |options: &ReceiptOptions, level, words: &str| {
        let report = check_receipt(&bytes, options);
        assert!(!report.holds(), "{report}");
        super::expect(&report, level, Verdict::Fails, &[words]);
    };
    let none = trusting_headers(&headers(&[]));
    assert!(check_receipt(&bytes, &none).holds());
    let options = ReceiptOptions {
        head: other,
        ..none.clone()
    };
    fails(&options, Level::Chain, "the last block is ");
    let options = ReceiptOptions {
        genesis: other,
        ..none.clone()
    };
    fails(&options, Level::Chain, "genesis is ");
    let options = ReceiptOptions {
        model: Some(ParameterRoot([7; 32])),
        ..none.clone()
    };
    fails(&options, Level::Artifact, "the model given has root 0707");
    for level in [Level::Chain, Level::Replay, Level::Origin] {
        let options = ReceiptOptions {
            require: [level].into(),
            ..none.clone()
        };
        let report = check_receipt(&bytes, &options);
        assert!(
            !report.holds() && report.headline.contains(level.name()),
            "{report}"
        );
    }
}

fn a_section_of_an_unknown_kind_is_said_to_be_unread() {
    let run = short();
    let mut all = sections(&receipt_of(&run));
    for number in [6, 19, 99] {
        all.push(Section {
            kind: SectionKind::of(number),
            bytes: vec![1, 2, 3],
        });
    }
    let bytes = Receipt::new(all).unwrap().to_bytes();
    let report = check_receipt(&bytes, &trusting_headers(&headers(&[])));
    assert!(report.holds(), "{report}");
    let lines = report.not_shown.join("\n");
    for words in [
        "something of an unknown kind (section 6, 3 bytes)",
        "something of an unknown kind (section 19",
        "something of an unknown kind (section 99",
    ] {
        assert!(lines.contains(words), "{lines}");
    }
}

/// What holds under the pinned head after a bit was flipped says what the receipt said.
fn no_flipped_bit_says_anything_else() {
    let run = short();
    let bytes = receipt_of(&run);
    let options = trusting_headers(&headers(&[]));
    let good = check_receipt(&bytes, &options);
    let head = good.chain.as_ref().unwrap().head.parse().unwrap();
    let pinned = ReceiptOptions {
        head: Some(head),
        ..options
    };
    let says = |report: &pow_audit::receipt::ReceiptReport| {
        let text = report.to_string();
        let lines = text.lines().filter(|line| !line.starts_with("  receipt "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let expected = says(&check_receipt(&bytes, &pinned));
    let mut same = 0;
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 7);
        let report = check_receipt(&bad, &pinned);
        if report.holds() {
            assert_eq!(says(&report), expected, "byte {at}");
            same += 1;
        }
    }
    // Blanks and the case of hex digits in JSON.
    assert!(same < bytes.len() / 2, "{same} of {}", bytes.len());
}
