//! The level `time`: an interval, one end of it, and every bound that does not count.

mod forged;
mod parse;
pub(crate) mod tsa;
mod twin;

use pow_audit::anchor::{AnchorProof, BitcoinHeaders, accept, stamp};
use pow_audit::{AnchorState, AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::body::{Genesis, OrderRule};
use pow_core::coinbase::Height;
use pow_core::extension::{BitcoinBlock, Known};
use pow_core::hash::BlockHash;
use pow_core::header::Header;
use pow_ledger::AnchorKind::{self, OpenTimestamps};
use pow_tests::anchors::{REGTEST, complete, header, listed, pending, root, stamped};
use pow_tests::audits::expect;
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::lineage::BLOCKS;

tests! {
    mod forged, parse, tsa, twin;
    an_interval_holds, one_end_holds_in_part, a_block_in_mid_run_covers_what_is_before_it,
        without_the_verifiers_headers_nothing_counts, a_completed_proof_counts_beside_a_pending_one,
        ends_that_contradict_each_other_fail, only_a_bound_order_ties_steps_to_a_lower_bound,
        what_is_stamped_is_the_header
}

/// The time of the Bitcoin block before the run.
const EARLY: u32 = 1_699_900_000;
/// And of the one after it.
const LATE: u32 = 1_700_100_000;
const HEAD: usize = 6;

fn early() -> Header {
    header(BlockHash::ZERO, [1; 32], EARLY)
}

/// Names the block in genesis, as Bitcoin's block 7.
fn begins_after(header: Header) -> impl FnOnce(&mut Genesis) {
    let block = BitcoinBlock { height: 7, header };
    move |genesis| genesis.extensions = vec![Known::BitcoinBlock(block).to_extension()]
}

/// A run after block 7.
fn run() -> Fixture {
    record(begins_after(early()))
}

fn record(edit: impl FnOnce(&mut Genesis)) -> Fixture {
    Fixture::record_with(&Plan::default(), edit, |recorder| {
        recorder.finish_after(BLOCKS)
    })
}

/// Blocks 7 to 10, of which block 9 has the root of the proofs over this digest.
fn chain_with(digest: [u8; 32], time: u32) -> Vec<(u32, Header)> {
    let mut headers = vec![(7, early())];
    for (height, root) in [(8, [2; 32]), (9, root(digest)), (10, [3; 32])] {
        let prev = headers.last().unwrap().1.hash();
        headers.push((height, header(prev, root, time)));
    }
    headers
}

fn check(run: &Fixture, headers: &[(u32, Header)]) -> AuditReport {
    let headers = (!headers.is_empty())
        .then(|| BitcoinHeaders::parse(listed(headers).as_bytes(), REGTEST).unwrap());
    let options = AuditOptions {
        bitcoin_headers: headers,
        ..AuditOptions::default()
    };
    audit(&run.run, &options, &mut |_| {}).unwrap()
}

fn add(run: &Fixture, proof: &[u8]) {
    add_kind(run, OpenTimestamps, proof);
}

fn add_kind(run: &Fixture, kind: AnchorKind, bytes: &[u8]) {
    run.run.add_anchor(kind, bytes).unwrap();
}

fn states(report: &AuditReport) -> Vec<AnchorState> {
    let anchors = &report.time.as_ref().unwrap().anchors;
    anchors.iter().map(|anchor| anchor.state).collect()
}

fn an_interval_holds() {
    let run = run();
    let digest = stamped(&run, HEAD);
    add(&run, &complete(digest, 9));
    let report = check(&run, &chain_with(digest, LATE));
    let words = [
        "made between 2023-11-13T16:26:40Z and 2023-11-16T04:00:00Z",
        "blocks 0 to 6: not after",
        "in a stretch of 4 linked headers, 1 of them on top",
        "targets up to 207fffff were allowed",
    ];
    expect(&report, Level::Time, Verdict::Holds, &words);
    assert_eq!(report.headline, "CONSISTENT, NOT PINNED, ANCHORED IN TIME");
    let time = report.time.as_ref().unwrap();
    assert_eq!(time.not_before, Some(i64::from(EARLY) - 7200));
    assert_eq!(time.not_after, Some(i64::from(LATE) + 7200));
    assert_eq!(states(&report), [AnchorState::Counts]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["time"]["lower"]["state"], "counts");
    assert_eq!(json["time"]["anchors"][0]["block"], 6);
}

fn one_end_holds_in_part() {
    let run = run();
    let digest = stamped(&run, HEAD);
    let headers = chain_with(digest, LATE);
    let report = check(&run, &headers);
    let words = ["not before 2023-11-13", "nothing shows how late"];
    expect(&report, Level::Time, Verdict::Partly, &words);
    assert_eq!(
        report.headline,
        "CONSISTENT, NOT PINNED, ANCHORED IN TIME IN PART"
    );
    add(&run, &complete(digest, 9));
    // Its block alone: the verifier's word.
    let report = check(&run, &headers[2..3]);
    let words = [
        "not after 2023-11-16",
        "supplied alone",
        "genesis names Bitcoin block 7",
    ];
    expect(&report, Level::Time, Verdict::Partly, &words);
}

fn a_block_in_mid_run_covers_what_is_before_it() {
    let run = run();
    let digest = stamped(&run, 3);
    add(&run, &complete(digest, 9));
    let headers = chain_with(digest, LATE);
    let report = check(&run, &headers);
    expect(
        &report,
        Level::Time,
        Verdict::Partly,
        &["blocks 0 to 3: not after"],
    );
    assert_eq!(report.time.as_ref().unwrap().not_after, None);
    let report = check(&run, &headers[2..3]);
    let words = ["blocks 0 to 3 not after a time; nothing shows when the blocks behind"];
    expect(&report, Level::Time, Verdict::Partly, &words);
}

fn without_the_verifiers_headers_nothing_counts() {
    let run = record(|_| {});
    let digest = stamped(&run, HEAD);
    add(&run, &complete(digest, 9));
    let report = check(&run, &[]);
    let words = [
        "UNANCHORED",
        "Bitcoin block 9, whose header was not supplied",
    ];
    expect(&report, Level::Time, Verdict::NotChecked, &words);
    assert_eq!(report.headline, "CONSISTENT, UNANCHORED");
    assert_eq!(states(&report), [AnchorState::HeaderNotSupplied]);
    // Work at easy bits of one's own does not count.
    let headers = listed(&chain_with(digest, LATE));
    let limit = pow_audit::anchor::MAINNET_LIMIT;
    let error = BitcoinHeaders::parse(headers.as_bytes(), limit).unwrap_err();
    assert!(
        error.to_string().contains("too little work for Bitcoin"),
        "{error}"
    );
    let report = check(&self::run(), &[]);
    expect(
        &report,
        Level::Time,
        Verdict::Fails,
        &["TOO LITTLE WORK", "1d00ffff"],
    );
}

fn a_completed_proof_counts_beside_a_pending_one() {
    let run = run();
    let digest = stamped(&run, HEAD);
    add(&run, &pending(digest));
    let headers = chain_with(digest, LATE);
    let words = ["blocks 0 to 6: PENDING", "https://calendar.example"];
    expect(&check(&run, &headers), Level::Time, Verdict::Partly, &words);
    add(&run, &complete(digest, 9));
    expect(&check(&run, &headers), Level::Time, Verdict::Holds, &words);
}

fn ends_that_contradict_each_other_fail() {
    let run = run();
    let digest = stamped(&run, HEAD);
    add(&run, &complete(digest, 9));
    let report = check(&run, &chain_with(digest, EARLY - 4 * 3600 - 1));
    expect(&report, Level::Time, Verdict::Fails, &["CONTRADICTION"]);
    let report = check(&run, &chain_with(digest, EARLY - 4 * 3600));
    expect(&report, Level::Time, Verdict::Holds, &["made between"]);
}

fn only_a_bound_order_ties_steps_to_a_lower_bound() {
    let says = |report: &AuditReport| {
        let mut lines = report.not_shown.iter();
        lines.any(|line| line.starts_with("whether training came before the lower bound"))
    };
    let run = run();
    let report = check(&run, &chain_with([0; 32], LATE));
    assert!(says(&report), "{report}");
    // The other lines stay as they were.
    let without = check(&run, &[]).not_shown;
    assert!(!says(&check(&run, &[])));
    let others: Vec<&String> = report
        .not_shown
        .iter()
        .filter(|line| !line.starts_with("whether training came"))
        .collect();
    assert_eq!(others, without.iter().collect::<Vec<_>>());
    // Under a bound order nothing is left to say.
    let block = BitcoinBlock {
        height: 7,
        header: early(),
    };
    let bound = Fixture::record_with(
        &Plan::default(),
        |genesis| {
            let OrderRule::Seeded {
                items,
                batch,
                accumulation,
            } = genesis.order
            else {
                panic!("another order")
            };
            genesis.extensions = vec![Known::BitcoinBlock(block).to_extension()];
            genesis.order = OrderRule::Bound {
                items,
                batch,
                accumulation,
                lag: std::num::NonZeroU32::MIN,
            };
        },
        |recorder| recorder.finish_after(BLOCKS),
    );
    let report = check(&bound, &chain_with([0; 32], LATE));
    assert!(report.time.as_ref().unwrap().not_before.is_some());
    assert!(!says(&report), "{report}");
}

fn what_is_stamped_is_the_header() {
    let run = run();
    let last = stamp(&run.run, None).unwrap();
    assert_eq!(last.height, Height::new(6).unwrap());
    assert_eq!(last.header[..], run.file().records[HEAD].block[..80]);
    assert_eq!(last.digest.0, stamped(&run, HEAD));
    let third = stamp(&run.run, Height::new(3).ok()).unwrap();
    assert_eq!(third.digest.0, stamped(&run, 3));
    let error = stamp(&run.run, Height::new(7).ok()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no block 7; the last one is block 6"
    );
    let accepted = accept(&run.run, &pending(third.digest.0)).unwrap();
    assert_eq!(accepted.height, third.height);
    let AnchorProof::OpenTimestamps(proof) = accepted.proof else {
        panic!("another kind")
    };
    assert!(!proof.is_complete());
    let other = Fixture::default();
    let error = accept(&other.run, &pending(third.digest.0)).unwrap_err();
    assert!(
        error.is_verdict() && error.to_string().contains("no block of this chain"),
        "{error}"
    );
    run.write(b"nothing");
    assert!(stamp(&run.run, None).unwrap_err().is_verdict());
    assert!(
        accept(&run.run, &pending(third.digest.0))
            .unwrap_err()
            .is_verdict()
    );
}
