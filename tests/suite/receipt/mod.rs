//! Receipts: what they show without the run, and which are refused.

mod defects;
mod script;
mod signed;

use crate::time::tsa::{Authority, trusting};
use pow_audit::anchor::tsp::{Nonce, timestamp_request};
use pow_audit::anchor::{BitcoinHeaders, StampDigest};
use pow_audit::receipt::{ReceiptOptions, ReceiptReport, check_receipt, make_receipt};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_core::extension::{BitcoinBlock, Known};
use pow_core::hash::BlockHash;
use pow_core::header::Header;
use pow_ledger::AnchorKind::{OpenTimestamps, Rfc3161};
use pow_tests::anchors::{REGTEST, complete, header, listed, root, stamped};
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::lineage::{BLOCKS, names};
use pow_tests::model::SMALL;
use pow_tests::tokens::{HEADER, TOKENS};

tests! {
    mod defects, script, signed;
    a_receipt_of_a_thousand_blocks_is_small, what_is_left_out_is_said,
        an_unfinished_run_and_genesis_alone_have_one;
    Openssl: the_time_level_is_that_of_the_run
}

/// The most bytes of a receipt of a run of 1,000 blocks.
const SMALL_ENOUGH: usize = 16 * 1024;

fn early() -> Header {
    header(BlockHash::ZERO, [1; 32], 1_699_900_000)
}

/// Bitcoin's block 7, and block 9 with the root of the proofs over these digests.
fn headers(digests: &[[u8; 32]]) -> Vec<(u32, Header)> {
    let mut headers = vec![(7, early())];
    for (height, digest) in (9..).step_by(2).zip(digests) {
        headers.push((
            height,
            header(BlockHash::ZERO, root(*digest), 1_700_100_000),
        ));
    }
    headers
}

/// A finished run of 1,000 blocks after Bitcoin's block 7.
fn thousand_blocks() -> Fixture {
    let plan = Plan {
        planned: Some(997),
        checkpoint_every: 500,
        zero_bits: 2,
        shapes: SMALL,
        ..Plan::default()
    };
    let steps: Vec<[u64; 1]> = (0..=997).map(|step| [step]).collect();
    Fixture::record_with(&plan, after_block_7(), |recorder| {
        recorder.finish_after(steps.iter().map(|step| &step[..]));
        assert_eq!(recorder.blocks(), 1000);
    })
}

fn after_block_7() -> impl FnOnce(&mut pow_core::body::Genesis) {
    names(Known::BitcoinBlock(BitcoinBlock {
        height: 7,
        header: early(),
    }))
}

/// A short one.
fn short() -> Fixture {
    Fixture::record_with(&Plan::default(), after_block_7(), |recorder| {
        recorder.finish_after(BLOCKS)
    })
}

/// Anchors two blocks in Bitcoin's blocks 9 and 11. Returns what was stamped.
fn anchored(run: &Fixture, heights: [usize; 2]) -> [[u8; 32]; 2] {
    let digests = heights.map(|height| stamped(run, height));
    for (digest, block) in digests.into_iter().zip([9, 11]) {
        let proof = complete(digest, block);
        run.run.add_anchor(OpenTimestamps, &proof).unwrap();
    }
    digests
}

fn receipt_of(run: &Fixture) -> Vec<u8> {
    let made = make_receipt(&run.run, &mut |_| {}).unwrap();
    assert_eq!(made.left_out, Vec::<String>::new());
    made.receipt.to_bytes()
}

fn trusting_headers(headers: &[(u32, Header)]) -> ReceiptOptions {
    ReceiptOptions {
        bitcoin_headers: Some(BitcoinHeaders::parse(listed(headers).as_bytes(), REGTEST).unwrap()),
        ..ReceiptOptions::default()
    }
}

#[track_caller]
fn expect(report: &ReceiptReport, level: Level, verdict: Verdict, words: &[&str]) {
    let found = report.level(level).unwrap_or_else(|| panic!("{report}"));
    assert_eq!(found.verdict, verdict, "{report}");
    let lines = found.lines.join("\n");
    for words in words {
        assert!(lines.contains(words), "{words:?} is missing: {lines}");
    }
}

fn a_receipt_of_a_thousand_blocks_is_small() {
    let run = thousand_blocks();
    let digests = anchored(&run, [999, 500]);
    let bytes = receipt_of(&run);
    assert!(bytes.len() < SMALL_ENOUGH, "{}", bytes.len());
    let full = audit(&run.run, &AuditOptions::default(), &mut |_| {}).unwrap();
    let chain = full.chain.unwrap();
    let head = chain.head.parse().unwrap();
    let options = ReceiptOptions {
        head: Some(head),
        genesis: Some(run.genesis),
        require: [Level::Time, Level::Finished].into(),
        ..trusting_headers(&headers(&digests))
    };
    let report = check_receipt(&bytes, &options);
    assert!(report.holds(), "{report}");
    assert_eq!(
        report.headline,
        "CONSISTENT WITH THE PINNED HEAD, ANCHORED IN TIME"
    );
    let words = [
        "block 999 extends block 0",
        "998 blocks in between are not in a receipt",
    ];
    expect(&report, Level::Chain, Verdict::Partly, &words);
    let words = ["a final block: completed after 997 steps"];
    expect(&report, Level::Finished, Verdict::Holds, &words);
    let words = [
        "made between 2023-11-13",
        "blocks 0 to 500: not after",
        "blocks 0 to 999: not after",
    ];
    expect(&report, Level::Time, Verdict::Holds, &words);
    for level in [
        Level::Data,
        Level::State,
        Level::Replay,
        Level::Detection,
        Level::Artifact,
    ] {
        expect(&report, level, Verdict::NotChecked, &[]);
    }
    let shown = report.chain.as_ref().unwrap();
    assert_eq!((&shown.genesis, &shown.head), (&chain.genesis, &chain.head));
    assert_eq!((shown.height, shown.ending), (999, Some("completed")));
    let artifact = shown.artifact.as_ref().unwrap().parse().unwrap();
    let with_model = ReceiptOptions {
        model: Some(artifact),
        ..options.clone()
    };
    let words = ["the model given is that of step 997"];
    expect(
        &check_receipt(&bytes, &with_model),
        Level::Artifact,
        Verdict::Holds,
        &words,
    );
}

fn the_time_level_is_that_of_the_run() {
    let authority = Authority::new();
    authority.issue("middle", "rsa:2048", "root", "ca");
    authority.issue("tsa", "rsa:2048", "middle", "tsa");
    let run = thousand_blocks();
    for height in [999, 400] {
        let request = timestamp_request(StampDigest(stamped(&run, height)), Nonce(1)).unwrap();
        let answer = authority.answer("tsa", &request, &["middle"]);
        run.run.add_anchor(Rfc3161, &answer).unwrap();
    }
    let headers = headers(&[]);
    let trusted = trusting(&[&authority.certificate("root")]);
    let bytes = receipt_of(&run);
    assert!(bytes.len() < SMALL_ENOUGH, "{}", bytes.len());
    let options = ReceiptOptions {
        trusted_tsas: trusted.clone(),
        ..trusting_headers(&headers)
    };
    let report = check_receipt(&bytes, &options);
    let audited = AuditOptions {
        trusted_tsas: trusted,
        bitcoin_headers: options.bitcoin_headers.clone(),
        ..AuditOptions::default()
    };
    let audited = audit(&run.run, &audited, &mut |_| {}).unwrap();
    let time = audited.level(Level::Time).unwrap();
    let words: Vec<&str> = time.lines.iter().map(String::as_str).collect();
    assert!(
        words[0].contains("the word of the TSA \"CN=TSA tsa\""),
        "{words:?}"
    );
    assert!(time.lines.len() > 4, "{words:?}");
    expect(&report, Level::Time, Verdict::Holds, &words);
    assert_eq!(report.level(Level::Time).unwrap().lines, time.lines);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["time"], serde_json::to_value(&audited.time).unwrap());
}

fn what_is_left_out_is_said() {
    let run = short();
    let digest = stamped(&run, 6);
    run.run
        .add_anchor(OpenTimestamps, &complete(digest, 9))
        .unwrap();
    // Of another chain, and none at all.
    assert_ne!(HEADER, &run.file().records[6].block[..80]);
    run.run.add_anchor(Rfc3161, TOKENS[0].1).unwrap();
    run.run.add_anchor(OpenTimestamps, b"nothing").unwrap();
    let made = make_receipt(&run.run, &mut |_| {}).unwrap();
    let left_out = made.left_out.join("\n");
    assert_eq!(made.left_out.len(), 2, "{left_out}");
    assert!(
        left_out.contains(".tsr: it is over no block of this chain"),
        "{left_out}"
    );
    assert!(
        left_out.contains(".ots: it does not begin as an OpenTimestamps"),
        "{left_out}"
    );
    let report = check_receipt(
        &made.receipt.to_bytes(),
        &trusting_headers(&headers(&[digest])),
    );
    expect(&report, Level::Time, Verdict::Holds, &["made between"]);
    run.write(b"nothing");
    assert!(
        make_receipt(&run.run, &mut |_| {})
            .unwrap_err()
            .is_verdict()
    );
}

fn an_unfinished_run_and_genesis_alone_have_one() {
    let plan = Plan::default();
    let none = &ReceiptOptions::default();
    let begun = Fixture::record_with(&plan, |_| {}, |recorder| recorder.steps(&[0]));
    let report = check_receipt(&receipt_of(&begun), none);
    assert!(report.holds(), "{report}");
    expect(
        &report,
        Level::Chain,
        Verdict::Partly,
        &["block 1 extends block 0"],
    );
    let words = ["the head is no final block"];
    expect(&report, Level::Finished, Verdict::NotChecked, &words);
    let alone = Fixture::record_with(&plan, |_| {}, |_| {});
    let report = check_receipt(&receipt_of(&alone), none);
    assert!(report.holds(), "{report}");
    expect(
        &report,
        Level::Chain,
        Verdict::Partly,
        &["block 0 meets its own target"],
    );
    let finished = ReceiptOptions {
        require: [Level::Finished].into(),
        ..none.clone()
    };
    let report = check_receipt(&receipt_of(&alone), &finished);
    assert_eq!(report.headline, "DOES NOT HOLD (finished)");
}
