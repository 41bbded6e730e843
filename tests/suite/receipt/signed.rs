//! Signatures, the declaration and replay reports in receipts: what they show without the run,
//! and which are refused.

use super::{SMALL_ENOUGH, anchored, expect, headers, trusting_headers};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pow_audit::declaration::{Declaration, Declared};
use pow_audit::receipt::{
    Receipt, ReceiptExtras, ReceiptOptions, ReceiptReport, Section, SectionKind, SignedText,
    check_receipt, make_receipt_with,
};
use pow_audit::replay::{
    Again, Amount, Challenge, EntryField, Machine, ReplayReport, SegmentOutcome, SegmentResult,
    Segments, Shard,
};
use pow_audit::signature::{SignerKey, Statement, genesis_statement, head_statement};
use pow_audit::{AuditOptions, Level, ReportSigners, SignatureState, Verdict, audit};
use pow_core::body::Genesis;
use pow_core::challenge::{ChallengeSource, SegmentCount};
use pow_core::coinbase::Height;
use pow_core::extension::{BitcoinBlock, Known};
use pow_ledger::SignatureKind;
use pow_tests::fixture::{Fixture, Plan, Recorder};
use pow_tests::lineage::BLOCKS;
use pow_tests::long_run::{LongRun, source};
use pow_tests::model::SMALL;
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign};
use std::io::Write;
use std::num::NonZeroU32;
use std::time::Duration;

tests! {
    a_receipt_with_everything_is_small_and_shows_it, the_levels_are_those_of_the_run,
        keys_that_nobody_named_count_for_nothing, a_signature_over_something_else_is_refused,
        a_signed_block_that_was_left_out_is_not_at_hand, another_declaration_is_refused,
        a_run_that_is_not_as_declared_fails, a_report_that_contradicts_fails,
        a_report_about_another_chain_fails, a_chosen_challenge_fails, a_strangers_report_changes_nothing,
        the_form_of_each_section_is_strict, what_does_not_belong_is_not_put_in
}

pub(super) fn key(seed: u8) -> SignerKey {
    ssh_public(seed).parse().unwrap()
}

pub(super) fn declaration(steps: u64) -> Declaration {
    Declaration::new(Declared {
        data: None,
        config: None,
        executable: None,
        lockfile: None,
        revision: None,
        seeds: vec![7, 8],
        steps: Some(steps),
        runs: 2.try_into().unwrap(),
        metric: "accuracy on the test set after the last step"
            .parse()
            .unwrap(),
        stopping: format!("after {steps} steps").parse().unwrap(),
    })
    .unwrap()
}

/// Names a declaration in genesis, and perhaps a Bitcoin block.
fn names(
    declaration: &Declaration,
    block: Option<BitcoinBlock>,
) -> impl FnOnce(&mut Genesis) + use<> {
    let declaration = Known::Declaration(declaration.digest());
    let block = block.map(Known::BitcoinBlock);
    let known: Vec<Known> = block.into_iter().chain([declaration]).collect();
    move |genesis| genesis.extensions = known.iter().map(Known::to_extension).collect()
}

/// A short run of two segments that names the declaration of its six steps.
pub(super) fn short() -> Fixture {
    Fixture::record_with(&Plan::default(), names(&declaration(6), None), |recorder| {
        recorder.finish_after(BLOCKS)
    })
}

/// A run of 1,000 blocks and ten segments.
fn thousand_blocks() -> Fixture {
    let plan = Plan {
        planned: Some(997),
        checkpoint_every: 100,
        zero_bits: 2,
        shapes: SMALL,
        ..Plan::default()
    };
    let steps: Vec<[u64; 1]> = (0..=997).map(|step| [step]).collect();
    let block = BitcoinBlock {
        height: 7,
        header: super::early(),
    };
    let record = |recorder: &mut Recorder| {
        recorder.finish_after(steps.iter().map(|step| &step[..]));
        assert_eq!(recorder.blocks(), 1000);
    };
    Fixture::record_with(&plan, names(&declaration(997), Some(block)), record)
}

/// A report on all segments: each was reproduced, but for what `change` makes of it.
fn report(run: &Fixture, change: impl Fn(&mut SegmentResult)) -> ReplayReport {
    let segments = Segments::of(&run.run, None, &mut |_| {}).unwrap();
    let challenge = Challenge::draw(&segments, ChallengeSource::Head, Amount::All, []).unwrap();
    let results = segments.iter().map(|segment| {
        let mut result = SegmentResult {
            segment,
            machine: Machine::of_genesis(segments.chain().genesis()).into(),
            outcome: SegmentOutcome::BitExact {
                entries: segment.entries,
            },
            control: None,
            spent: Duration::from_millis(5),
        };
        change(&mut result);
        result
    });
    ReplayReport::new(&segments, challenge, Shard::WHOLE, results.collect()).unwrap()
}

pub(super) fn exact(run: &Fixture) -> ReplayReport {
    report(run, |_| {})
}

/// A report and the signature of the key with this seed.
pub(super) fn signed_report(seed: u8, report: &ReplayReport) -> SignedText {
    let statement = Statement::of_report(report).unwrap();
    let signature = ssh_sign(seed, statement.namespace(), &statement.to_string());
    SignedText {
        text: report.to_json().unwrap().into_bytes(),
        signatures: vec![signature.into_bytes()],
    }
}

pub(super) fn signed_declaration(seed: u8, declaration: &Declaration) -> SignedText {
    let signature = ssh_sign(seed, "burn-pow/declaration/v1", declaration.text());
    SignedText {
        text: declaration.text().into(),
        signatures: vec![signature.into_bytes()],
    }
}

/// Signs genesis, and the blocks at these heights, as key 1.
fn sign(run: &Fixture, heights: &[u32]) {
    let heads = heights.iter().map(|height| {
        let height = Height::new(*height).unwrap();
        head_statement(&run.run, Some(height)).unwrap()
    });
    for statement in heads.chain([genesis_statement(&run.run).unwrap()]) {
        let text = statement.to_string();
        let signature = ssh_sign(1, statement.namespace(), &text);
        let (signature, text) = (signature.as_bytes(), text.as_bytes());
        run.run
            .add_signature(SignatureKind::Ssh, signature, text)
            .unwrap();
    }
}

pub(super) fn receipt_with(run: &Fixture, extras: &ReceiptExtras) -> Vec<u8> {
    let made = make_receipt_with(&run.run, extras, &mut |_| {}).unwrap();
    assert_eq!(made.left_out, Vec::<String>::new());
    made.receipt.to_bytes()
}

/// The receipt of a short run that is signed, declared by key 3 and replayed by key 2.
pub(super) fn full(run: &Fixture) -> Vec<u8> {
    sign(run, &[6, 3]);
    let extras = ReceiptExtras {
        declaration: Some(signed_declaration(3, &declaration(6))),
        reports: vec![signed_report(2, &exact(run))],
    };
    receipt_with(run, &extras)
}

fn signers(seeds: &[u8], quorum: u32) -> Option<ReportSigners> {
    Some(ReportSigners {
        trusted: seeds.iter().map(|seed| key(*seed)).collect(),
        signatures: Vec::new(),
        quorum: NonZeroU32::new(quorum).unwrap(),
        commitments: None,
    })
}

fn asking() -> ReceiptOptions {
    ReceiptOptions {
        signed_by: vec![key(1)],
        declared_by: vec![key(3)],
        report_signers: signers(&[2], 1),
        ..ReceiptOptions::default()
    }
}

fn a_receipt_with_everything_is_small_and_shows_it() {
    let run = thousand_blocks();
    let digests = anchored(&run, [999, 500]);
    sign(&run, &[999, 500]);
    let exact = exact(&run);
    let extras = ReceiptExtras {
        declaration: Some(signed_declaration(3, &declaration(997))),
        reports: vec![signed_report(2, &exact), signed_report(4, &exact)],
    };
    let bytes = receipt_with(&run, &extras);
    assert!(bytes.len() < SMALL_ENOUGH, "{}", bytes.len());
    let head = head_statement(&run.run, None).unwrap();
    let Statement::Head { hash, .. } = head else {
        panic!()
    };
    let options = ReceiptOptions {
        head: Some(hash),
        report_signers: signers(&[2, 4], 2),
        require: [
            Level::Time,
            Level::Signature,
            Level::Declared,
            Level::Finished,
        ]
        .into(),
        ..ReceiptOptions {
            bitcoin_headers: trusting_headers(&headers(&digests)).bitcoin_headers,
            ..asking()
        }
    };
    let report = check_receipt(&bytes, &options);
    assert!(report.holds(), "{report}");
    assert_eq!(
        report.headline,
        "CONSISTENT WITH THE PINNED HEAD, ANCHORED IN TIME, SIGNED"
    );
    let words = [
        "signed by 1 named key, up to the last block",
        "blocks 0 to 500: by ssh-ed25519",
    ];
    expect(&report, Level::Signature, Verdict::Holds, &words);
    let words = [
        "declared before genesis, and as declared",
        "steps: agrees: 997",
        &format!("signed by {}", key(3)),
    ];
    expect(&report, Level::Declared, Verdict::Holds, &words);
    let words = [
        "2 trusted signers found every challenged segment bit-exact",
        "report 1: 10 of 10 segments bit-exact",
        "only the run shows that steps and states of these segments are its own",
    ];
    expect(&report, Level::Replay, Verdict::Partly, &words);
    expect(&report, Level::Detection, Verdict::NotChecked, &[]);
    let not_shown = report.not_shown.join("\n");
    for words in [
        "2 runs were declared before genesis, and this may be one",
        "that the replay reports are true",
        "a signature has no date",
    ] {
        assert!(not_shown.contains(words), "{words}: {not_shown}");
    }
    // The same receipt is read back from its parts.
    let parts = Receipt::parse(&bytes).unwrap();
    assert_eq!(parts.to_bytes(), bytes);
}

fn the_levels_are_those_of_the_run() {
    let run = short();
    let bytes = full(&run);
    let by_receipt = check_receipt(&bytes, &asking());
    let text = declaration(6);
    let signature = signed_declaration(3, &text).signatures.remove(0);
    let options = AuditOptions {
        signed_by: vec![key(1)],
        declaration: Some(pow_audit::declaration::GivenDeclaration {
            declaration: text,
            signatures: vec![pow_audit::signature::Signature::parse(&signature).unwrap()],
            declared_by: vec![key(3)],
        }),
        ..AuditOptions::default()
    };
    let by_run = audit(&run.run, &options, &mut |_| {}).unwrap();
    for level in [Level::Signature, Level::Declared] {
        let (a, b) = (
            by_receipt.level(level).unwrap(),
            by_run.level(level).unwrap(),
        );
        assert_eq!((a.verdict, &a.lines), (b.verdict, &b.lines));
        assert_eq!(a.verdict, Verdict::Holds);
    }
    // The verifier's own copy of the declaration is used where it is given.
    let other = ReceiptOptions {
        declaration: Some(declaration(9)),
        ..asking()
    };
    let report = check_receipt(&bytes, &other);
    expect(
        &report,
        Level::Declared,
        Verdict::Fails,
        &["ANOTHER DECLARATION"],
    );
}

fn keys_that_nobody_named_count_for_nothing() {
    let bytes = full(&short());
    let report = check_receipt(&bytes, &ReceiptOptions::default());
    assert!(report.holds(), "{report}");
    expect(
        &report,
        Level::Signature,
        Verdict::NotChecked,
        &["you named no key"],
    );
    let words = ["who declared it is not checked"];
    expect(&report, Level::Declared, Verdict::Holds, &words);
    let words = ["does not count, as no trusted key signed it", "you trust 0"];
    expect(&report, Level::Replay, Verdict::NotChecked, &words);
    let strangers = ReceiptOptions {
        signed_by: vec![key(8)],
        declared_by: vec![key(8)],
        report_signers: signers(&[8], 1),
        ..ReceiptOptions::default()
    };
    let report = check_receipt(&bytes, &strangers);
    assert!(!report.holds());
    expect(
        &report,
        Level::Signature,
        Verdict::Fails,
        &["NOT SIGNED by"],
    );
    expect(&report, Level::Declared, Verdict::Fails, &["NOT SIGNED by"]);
    expect(
        &report,
        Level::Replay,
        Verdict::NotChecked,
        &["does not count"],
    );
    let revoked = ReceiptOptions {
        revoked: vec![key(1), key(2), key(3)],
        ..asking()
    };
    let report = check_receipt(&bytes, &revoked);
    expect(
        &report,
        Level::Signature,
        Verdict::Fails,
        &["you call revoked"],
    );
    expect(
        &report,
        Level::Declared,
        Verdict::Fails,
        &["you call it revoked"],
    );
    expect(
        &report,
        Level::Replay,
        Verdict::NotChecked,
        &["you call it revoked"],
    );
    // A level that is required and not there does not hold.
    let bare = receipt_with(&short(), &ReceiptExtras::default());
    let required = ReceiptOptions {
        require: [Level::Signature].into(),
        ..ReceiptOptions::default()
    };
    assert_eq!(
        check_receipt(&bare, &required).headline,
        "DOES NOT HOLD (signature)"
    );
    let required = ReceiptOptions {
        require: [Level::Origin].into(),
        ..ReceiptOptions::default()
    };
    assert_eq!(
        check_receipt(&bare, &required).headline,
        "DOES NOT HOLD (origin)"
    );
}

/// The receipt with these sections in place of those of their kind.
pub(super) fn with(bytes: &[u8], kind: SectionKind, contents: &[Vec<u8>]) -> Vec<u8> {
    let mut sections = Receipt::parse(bytes).unwrap().sections().to_vec();
    sections.retain(|section| section.kind != kind);
    sections.extend(contents.iter().map(|bytes| Section {
        kind,
        bytes: bytes.clone(),
    }));
    Receipt::new(sections).unwrap().to_bytes()
}

/// As a receipt has a replay report.
pub(super) fn compressed(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A section of a text and signatures.
pub(super) fn section(text: &[u8], signatures: &[&[u8]]) -> Vec<u8> {
    let parts = std::iter::once(text).chain(signatures.iter().copied());
    parts
        .flat_map(|part| [&(part.len() as u32).to_le_bytes()[..], part].concat())
        .collect()
}

pub(super) fn signed_statement(seed: u8, namespace: &str, statement: &Statement) -> Vec<u8> {
    let text = statement.to_string();
    section(
        text.as_bytes(),
        &[ssh_sign(seed, namespace, &text).as_bytes()],
    )
}

fn a_signature_over_something_else_is_refused() {
    let run = short();
    let bytes = full(&run);
    let head = head_statement(&run.run, None).unwrap();
    let other = head_statement(&Fixture::other().run, None).unwrap();
    let Statement::Head {
        genesis,
        height,
        hash,
    } = head
    else {
        panic!()
    };
    let forged = Statement::Head {
        genesis,
        height,
        hash: genesis,
    };
    let later = Statement::Head {
        genesis,
        height: Height::new(9).unwrap(),
        hash,
    };
    let head_space = "burn-pow/head/v1";
    let text = head.to_string();
    let cases = [
        (
            signed_statement(1, head_space, &other),
            SignatureState::Foreign,
        ),
        (
            signed_statement(1, head_space, &forged),
            SignatureState::OtherChain,
        ),
        (
            signed_statement(1, head_space, &later),
            SignatureState::Ahead,
        ),
        (
            signed_statement(1, "file", &head),
            SignatureState::WrongNamespace,
        ),
        (
            section(
                text.as_bytes(),
                &[ssh_sign(1, head_space, "another").as_bytes()],
            ),
            SignatureState::Wrong,
        ),
        (
            section(b"words", &[ssh_sign(1, head_space, "words").as_bytes()]),
            SignatureState::Malformed,
        ),
        (
            section(text.as_bytes(), &[b"words"]),
            SignatureState::Malformed,
        ),
    ];
    for (content, state) in cases {
        let report = check_receipt(&with(&bytes, SectionKind::Signature, &[content]), &asking());
        expect(&report, Level::Signature, Verdict::Fails, &[]);
        let found = report.signatures.as_ref().unwrap();
        assert_eq!(found.signatures[0].state, state, "{report}");
        assert!(!report.holds());
    }
    // Beside a right one, a head of another chain is an equivocation.
    let both = [
        signed_statement(1, head_space, &forged),
        signed_statement(1, head_space, &head),
    ];
    let report = check_receipt(&with(&bytes, SectionKind::Signature, &both), &asking());
    expect(&report, Level::Signature, Verdict::Fails, &["EQUIVOCATION"]);
}

fn a_signed_block_that_was_left_out_is_not_at_hand() {
    let run = short();
    let bytes = with(&full(&run), SectionKind::Block, &[]);
    let report = check_receipt(&bytes, &asking());
    let words = ["not checked: over block 3, which is not at hand"];
    expect(&report, Level::Signature, Verdict::Holds, &words);
    // Nor does it show what the key stands for.
    let middle = head_statement(&run.run, Height::new(3).ok()).unwrap();
    let only = [signed_statement(1, "burn-pow/head/v1", &middle)];
    let report = check_receipt(&with(&bytes, SectionKind::Signature, &only), &asking());
    expect(
        &report,
        Level::Signature,
        Verdict::Fails,
        &["NOT SIGNED by"],
    );
}

fn another_declaration_is_refused() {
    let bytes = full(&short());
    let other = declaration(9);
    let content = signed_declaration(3, &other);
    let signature: &[u8] = &content.signatures[0];
    let forged = [section(&content.text, &[signature])];
    let report = check_receipt(&with(&bytes, SectionKind::Declaration, &forged), &asking());
    expect(
        &report,
        Level::Declared,
        Verdict::Fails,
        &["ANOTHER DECLARATION: genesis names"],
    );
    // The right text with a signature over another one.
    let swapped = [section(declaration(6).text().as_bytes(), &[signature])];
    let report = check_receipt(&with(&bytes, SectionKind::Declaration, &swapped), &asking());
    let words = ["NOT SIGNED by", "WRONG: it is not a signature of this key"];
    expect(&report, Level::Declared, Verdict::Fails, &words);
    // Without the text there is nothing to compare.
    let report = check_receipt(&with(&bytes, SectionKind::Declaration, &[]), &asking());
    expect(
        &report,
        Level::Declared,
        Verdict::NotChecked,
        &["which was not given"],
    );
    let not_shown = report.not_shown.join("\n");
    assert!(not_shown.contains("made and discarded\n"), "{not_shown}");
}

fn a_run_that_is_not_as_declared_fails() {
    let run = Fixture::record_with(&Plan::default(), names(&declaration(9), None), |recorder| {
        recorder.finish_after(BLOCKS)
    });
    let extras = ReceiptExtras {
        declaration: Some(signed_declaration(3, &declaration(9))),
        reports: Vec::new(),
    };
    let report = check_receipt(&receipt_with(&run, &extras), &ReceiptOptions::default());
    let words = ["NOT AS DECLARED: steps: DIFFERS: 9 were declared, the run completed after 6"];
    expect(&report, Level::Declared, Verdict::Fails, &words);
    assert!(!report.holds());
}

fn differing(run: &Fixture) -> ReplayReport {
    report(run, |result| {
        if result.segment.index.0 == 1 {
            result.outcome = SegmentOutcome::Differs {
                step: result.segment.to_step.0,
                field: EntryField::Batch,
                found: "00".into(),
                expected: "01".into(),
                again: Some(Again::Same),
            };
        }
    })
}

fn check_reports(run: &Fixture, reports: &[SignedText], options: &ReceiptOptions) -> ReceiptReport {
    let contents: Vec<Vec<u8>> = reports
        .iter()
        .map(|of| {
            let signatures: Vec<&[u8]> = of.signatures.iter().map(|bytes| &bytes[..]).collect();
            section(&compressed(&of.text), &signatures)
        })
        .collect();
    let bytes = receipt_with(run, &ReceiptExtras::default());
    check_receipt(&with(&bytes, SectionKind::ReplayReport, &contents), options)
}

fn trusting(seeds: &[u8], quorum: u32) -> ReceiptOptions {
    ReceiptOptions {
        report_signers: signers(seeds, quorum),
        ..ReceiptOptions::default()
    }
}

fn a_report_that_contradicts_fails() {
    let run = short();
    let reports = [
        signed_report(2, &exact(&run)),
        signed_report(4, &differing(&run)),
    ];
    let report = check_reports(&run, &reports, &trusting(&[2, 4], 1));
    expect(
        &report,
        Level::Replay,
        Verdict::Fails,
        &["report 2: 1 of 2 segments bit-exact"],
    );
    assert!(!report.holds());
    // One signer, twice, is one.
    let twice = [
        signed_report(2, &exact(&run)),
        signed_report(2, &exact(&run)),
    ];
    let report = check_reports(&run, &twice, &trusting(&[2, 4], 2));
    let words = ["1 trusted signer found every challenged segment bit-exact, and 2 must"];
    expect(&report, Level::Replay, Verdict::Partly, &words);
    // A key of minisign does not lie in the signature, and one that stands beside another
    // report counts all the same.
    let exact = exact(&run);
    let text = Statement::of_report(&exact).unwrap().to_string();
    let mut reports = [signed_report(4, &differing(&run)), signed_report(2, &exact)];
    reports[0]
        .signatures
        .push(minisign_sign(5, &text).into_bytes());
    let options = ReceiptOptions {
        report_signers: Some(ReportSigners {
            trusted: vec![minisign_public(5).parse().unwrap()],
            ..signers(&[2], 1).unwrap()
        }),
        ..ReceiptOptions::default()
    };
    let report = check_reports(&run, &reports, &options);
    let words = [
        "1 trusted signer found",
        "signed by minisign 0505050505050505: according to report 2",
    ];
    expect(&report, Level::Replay, Verdict::Partly, &words);
}

fn a_report_about_another_chain_fails() {
    let run = short();
    let foreign = exact(&Fixture::other());
    let report = check_reports(&run, &[signed_report(2, &foreign)], &trusting(&[2], 1));
    let words = ["is not a report on this chain: it is about another chain"];
    expect(&report, Level::Replay, Verdict::Fails, &words);
}

fn a_chosen_challenge_fails() {
    let long = LongRun::record(20);
    let made = make_receipt_with(&long.run, &ReceiptExtras::default(), &mut |_| {}).unwrap();
    let bytes = made.receipt.to_bytes();
    let check = |text: String| {
        let report = ReplayReport::from_json(text.as_bytes()).unwrap();
        let signed = signed_report(2, &report);
        let content = [section(&compressed(&signed.text), &[&signed.signatures[0]])];
        let bytes = with(&bytes, SectionKind::ReplayReport, &content);
        check_receipt(&bytes, &trusting(&[2], 1))
    };
    let challenge = long.challenge(source(), Amount::Count(SegmentCount(5)));
    let honest = long.exact(&challenge, Shard::WHOLE).to_json().unwrap();
    // The segments are those of one value, and the report names another one.
    let chosen = honest.replacen("ab00", "ab01", 1);
    assert_ne!(chosen, honest);
    let words = ["1 trusted signer found"];
    expect(&check(honest), Level::Replay, Verdict::Partly, &words);
    let words = ["the challenge picks other segments of this chain"];
    expect(&check(chosen), Level::Replay, Verdict::Fails, &words);
    // More segments than anybody would hash for a stranger.
    let none = long.challenge(source(), Amount::Count(SegmentCount(0)));
    let few = long.exact(&none, Shard::WHOLE).to_json().unwrap();
    let many = few
        .replace("\"segments\": 20,", "\"segments\": 9000000,")
        .replace("\"remaining\": 18,", "\"remaining\": 8999998,")
        .replace("\"segment\": 19,", "\"segment\": 8999999,");
    let words = ["is about 9000000 segments: more than 1048576 are not drawn again"];
    expect(&check(many), Level::Replay, Verdict::NotChecked, &words);
}

fn a_strangers_report_changes_nothing() {
    let run = short();
    let foreign = exact(&Fixture::other());
    let reports = [
        signed_report(2, &exact(&run)),
        signed_report(9, &foreign),
        signed_report(9, &differing(&run)),
    ];
    let report = check_reports(&run, &reports, &trusting(&[2], 1));
    let words = [
        "1 trusted signer found",
        "you do not trust it (--trust-signer)",
    ];
    expect(&report, Level::Replay, Verdict::Partly, &words);
    assert!(report.holds(), "{report}");
}

fn the_form_of_each_section_is_strict() {
    let run = short();
    let bytes = full(&run);
    let failure = |kind, contents: &[Vec<u8>]| {
        let report = check_receipt(&with(&bytes, kind, contents), &ReceiptOptions::default());
        assert!(!report.holds() && report.levels.is_empty(), "{report}");
        report.failure.unwrap()
    };
    let text = declaration(6).text().as_bytes().to_vec();
    let made = ssh_sign(3, "burn-pow/declaration/v1", declaration(6).text());
    let good = section(&text, &[made.as_bytes()]);
    let (declared, statement) = (SectionKind::Declaration, SectionKind::Signature);
    for len in (0..good.len()).filter(|len| *len != 4 + text.len()) {
        let words = failure(declared, &[good[..len].to_vec()]);
        let is_cut_off = words.contains("it ends inside a part");
        assert!(is_cut_off && words.contains("kind 17"), "{len}: {words}");
    }
    let cases = [
        (declared, section(b"words", &[]), "not a declaration"),
        (
            declared,
            section(&[b'x'; 4097], &[]),
            "a part of 4097 bytes, at most 4096",
        ),
        (
            declared,
            section(&text, &[&[b'x'; 16385]]),
            "a part of 16385 bytes, at most 16384",
        ),
        (
            declared,
            section(&text, &[b"words"]),
            "signature 1: it begins neither",
        ),
        (
            declared,
            section(&text, &vec![made.as_bytes(); 65]),
            "more than 64 signatures",
        ),
        (
            statement,
            section(b"words", &[]),
            "expected one signature behind the statement",
        ),
        (
            statement,
            section(b"words", &[b"a", b"b"]),
            "expected one signature behind",
        ),
        (
            statement,
            section(&[b'x'; 1025], &[b"a"]),
            "a part of 1025 bytes, at most 1024",
        ),
        (
            SectionKind::ReplayReport,
            section(b"{}", &[]),
            "a section of kind 18: the report is not compressed by zlib",
        ),
        (
            SectionKind::ReplayReport,
            section(&compressed(b"{}"), &[]),
            "a section of kind 18: ",
        ),
        (
            SectionKind::ReplayReport,
            section(&compressed(&vec![b' '; 1 << 20 | 1]), &[]),
            "a report of more than 1048576 bytes",
        ),
        (
            SectionKind::ReplayReport,
            section(&[&compressed(b"{}")[..], b"x"].concat(), &[]),
            "bytes follow the compressed report",
        ),
        (
            SectionKind::ReplayReport,
            vec![0; 3],
            "a section of kind 18: it ends inside a part",
        ),
    ];
    for (kind, content, words) in cases {
        let said = failure(kind, &[content]);
        assert!(said.contains(words), "{words}: {said}");
    }
    let mut twice = Receipt::parse(&bytes).unwrap().sections().to_vec();
    let again = twice
        .iter()
        .find(|section| section.kind == declared)
        .cloned();
    twice.extend(again);
    let error = Receipt::new(twice).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 sections of kind 17, at most 1 are allowed"
    );
}

fn what_does_not_belong_is_not_put_in() {
    let run = short();
    let refused = |declaration: Option<SignedText>, reports: Vec<SignedText>| {
        let extras = ReceiptExtras {
            declaration,
            reports,
        };
        let error = make_receipt_with(&run.run, &extras, &mut |_| {}).unwrap_err();
        assert!(error.is_verdict(), "{error}");
        error.to_string()
    };
    let declared = |change: fn(&mut SignedText)| {
        let mut signed = signed_declaration(3, &declaration(6));
        change(&mut signed);
        refused(Some(signed), Vec::new())
    };
    let other = refused(Some(signed_declaration(3, &declaration(9))), Vec::new());
    assert!(other.contains(", and genesis names "), "{other}");
    let wrong = declared(|signed| {
        signed.signatures = signed_declaration(3, &declaration(9)).signatures;
    });
    assert!(wrong.contains("WRONG: it is not a signature"), "{wrong}");
    let words = declared(|signed| signed.text = b"words".to_vec());
    assert!(
        words.contains("the declaration: not a declaration"),
        "{words}"
    );
    let foreign = signed_report(2, &exact(&Fixture::other()));
    let foreign = refused(None, vec![foreign]);
    assert!(
        foreign.contains("replay report 1: it is about a chain that ends with"),
        "{foreign}"
    );
    let mut unsigned = signed_report(2, &exact(&run));
    unsigned.signatures = signed_report(2, &differing(&run)).signatures;
    let unsigned = refused(None, vec![unsigned]);
    assert!(
        unsigned.contains("it is over none of the replay reports"),
        "{unsigned}"
    );
    // What lies in the run and cannot be used is left out, and said.
    let forged = ssh_sign(1, "burn-pow/head/v1", "words");
    let head = head_statement(&Fixture::other().run, None)
        .unwrap()
        .to_string();
    let (kind, made) = (SignatureKind::Ssh, forged.as_bytes());
    run.run.add_signature(kind, made, head.as_bytes()).unwrap();
    let made = make_receipt_with(&run.run, &ReceiptExtras::default(), &mut |_| {}).unwrap();
    assert_eq!(made.left_out.len(), 1);
    assert!(made.left_out[0].ends_with(".sig: it is over no block of this chain"));
    let kinds = made.receipt.sections().iter().map(|section| section.kind);
    assert!(!kinds.into_iter().any(|kind| kind == SectionKind::Signature));
}
