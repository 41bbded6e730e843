//! Rules 2 to 9, 11 and 20: what a block says beside its kind.

use super::forge::{Edit, Forge, HARDER, end, entry, genesis, steps};
use pow_core::body::{BodyKind, Common, UnixMillis};
use pow_core::coinbase::{Coinbase, Height};
use pow_core::hash::{BlockHash, BodyCommitment, TreeRoot, TxRoot};
use pow_core::header::{Header, Version};

tests! {
    a_block_that_breaks_one_rule, a_genesis_that_breaks_one_rule, a_block_at_the_edge_of_a_rule,
    the_pinned_genesis, a_chain_tells_its_last_entry_and_its_end
}

fn begun() -> Forge {
    let mut forge = Forge::new(None);
    forge.push(first(), Edit::default()).unwrap();
    forge
}

fn first() -> BodyKind {
    BodyKind::Genesis(Box::new(genesis()))
}

fn common(common: fn(&mut Common)) -> Edit {
    Edit {
        common,
        ..Edit::default()
    }
}

fn coinbase(coinbase: fn(&mut Coinbase)) -> Edit {
    Edit {
        coinbase,
        ..Edit::default()
    }
}

fn header(header: fn(&mut Header)) -> Edit {
    Edit {
        header,
        ..Edit::default()
    }
}

/// After the edited block comes the block without the edit. That shows that the
/// edit alone was wrong, and that the verifier is as it was.
fn a_block_that_breaks_one_rule() {
    let unmined = Edit {
        mined: false,
        ..Edit::default()
    };
    #[rustfmt::skip]
    let cases = [
        (2, header(|header| header.version = Version(0x2000_0001))),
        (2, header(|header| header.version = Version(1))),
        (3, header(|header| header.prev = BlockHash::ZERO)),
        (4, header(|header| header.tx_root = TxRoot([1; 32]))),
        (5, coinbase(|coinbase| coinbase.commitment = BodyCommitment([1; 32]))),
        (6, common(|common| common.previous_blocks = TreeRoot([1; 32]))),
        (7, common(|common| common.height = Height::GENESIS)),
        (7, coinbase(|coinbase| coinbase.height = Height::GENESIS)),
        // The parent was found before its own start, or after this one's.
        (8, common(|common| common.parent_found.0 -= 10_001)),
        (8, common(|common| common.parent_found.0 += 1)),
        (9, header(|header| header.time.0 -= 1)),
        (9, header(|header| header.time.0 += 7201)),
        (9, common(|common| common.start = UnixMillis(u64::MAX))),
        (11, header(|header| header.bits = HARDER)),
        (11, header(|header| header.bits.0 = 0x2100_ffff)),
        (11, unmined),
    ];
    for (rule, edit) in cases {
        let mut forge = begun();
        let error = forge.push(steps([0]), edit).unwrap_err();
        assert_eq!((error.height, error.violation.rule()), (1, rule), "{error}");
        assert!(error.to_string().starts_with("block 1: "), "{error}");
        forge.push(steps([0]), Edit::default()).unwrap();
    }
}

fn a_genesis_that_breaks_one_rule() {
    let edits = [
        (3, header(|header| header.prev = BlockHash([1; 32]))),
        (8, common(|common| common.parent_found.0 -= 1)),
        (8, common(|common| common.start.0 -= 1)),
    ];
    for (rule, edit) in edits {
        let error = Forge::new(None).push(first(), edit).unwrap_err();
        assert_eq!((error.height, error.violation.rule()), (0, rule), "{error}");
    }
}

fn a_block_at_the_edge_of_a_rule() {
    let edits = [
        // Miners roll these bits, and the time.
        header(|header| header.version = Version(0x3fff_e000)),
        header(|header| header.time.0 += 7200),
        // The parent was found at its own start, and at this one's.
        common(|common| common.parent_found.0 -= 10_000),
        common(|_| {}),
        // Milliseconds that the header's seconds drop.
        common(|common| common.start.0 += 999),
    ];
    for edit in edits {
        begun().push(steps([0]), edit).unwrap();
    }
    // A header time before the parent's.
    let mut forge = Forge::new(None);
    forge
        .push(first(), header(|header| header.time.0 += 7200))
        .unwrap();
    forge.push(steps([0]), Edit::default()).unwrap();
    forge
        .push(BodyKind::Final(end(0)), Edit::default())
        .unwrap();
}

fn the_pinned_genesis() {
    let pinned = begun().genesis_hash();
    let push = |name: &str| {
        let mut genesis = genesis();
        genesis.name = name.into();
        Forge::new(Some(pinned)).push(BodyKind::Genesis(Box::new(genesis)), Edit::default())
    };
    push("rules").unwrap();
    let error = push("other").unwrap_err();
    assert_eq!((error.height, error.violation.rule()), (0, 20), "{error}");
}

fn a_chain_tells_its_last_entry_and_its_end() {
    let mut forge = begun();
    assert_eq!(forge.chain().last_entry(), None);
    for (block, last) in [(steps([0]), 0), (steps([1, 2]), 2)] {
        forge.push(block, Edit::default()).unwrap();
        assert_eq!(forge.chain().last_entry(), Some(&entry(last)));
        assert_eq!(forge.chain().end(), None);
    }
    forge
        .push(BodyKind::Final(end(2)), Edit::default())
        .unwrap();
    assert_eq!(forge.chain().last_entry(), Some(&entry(2)));
    assert_eq!(forge.chain().end(), Some(&end(2)));
}
