//! Rules 2 to 9, 11 and 20: what a block says beside its kind.

use super::forge::{Edit, Forge, HARDER, end, genesis, steps};
use pow_core::body::{BodyKind, UnixMillis};
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, BodyCommitment, TreeRoot, TxRoot};
use pow_core::header::{HeaderTime, Version};

tests! {
    a_block_that_breaks_one_rule, a_genesis_that_breaks_one_rule, a_block_at_the_edge_of_a_rule,
    the_pinned_genesis
}

fn begun() -> Forge {
    let mut forge = Forge::new(None);
    let genesis = BodyKind::Genesis(Box::new(genesis()));
    forge.push(genesis, Edit::default()).unwrap();
    forge
}

/// Pushes the edited block and then, to show that the edit alone was wrong and
/// the verifier is as it was, the block without it.
fn breaks(rule: u8, edit: Edit) {
    let mut forge = begun();
    let error = forge.push(steps([0]), edit).unwrap_err();
    assert_eq!((error.height, error.violation.rule()), (1, rule), "{error}");
    assert!(error.to_string().starts_with("block 1: "), "{error}");
    forge.push(steps([0]), Edit::default()).unwrap();
}

fn with_body(body: fn(&mut pow_core::body::Body)) -> Edit {
    Edit {
        body,
        ..Edit::default()
    }
}

fn with_coinbase(coinbase: fn(&mut pow_core::block::Block)) -> Edit {
    Edit {
        coinbase,
        ..Edit::default()
    }
}

fn with_header(header: fn(&mut pow_core::block::Block)) -> Edit {
    Edit {
        header,
        ..Edit::default()
    }
}

fn a_block_that_breaks_one_rule() {
    breaks(
        2,
        with_header(|block| block.header.version = Version(0x2000_0001)),
    );
    breaks(2, with_header(|block| block.header.version = Version(1)));
    breaks(3, with_header(|block| block.header.prev = BlockHash::ZERO));
    breaks(
        4,
        with_header(|block| block.header.tx_root = TxRoot([1; 32])),
    );
    breaks(
        5,
        with_coinbase(|block| block.coinbase.commitment = BodyCommitment([1; 32])),
    );
    breaks(
        6,
        with_body(|body| body.common.previous_blocks = TreeRoot([1; 32])),
    );
    let zero = |body: &mut pow_core::body::Body| body.common.height = Height::GENESIS;
    breaks(7, with_body(zero));
    breaks(
        7,
        with_coinbase(|block| block.coinbase.height = Height::GENESIS),
    );
    // The parent found before its own start, or after this one's.
    breaks(8, with_body(|body| body.common.parent_found.0 -= 10_001));
    breaks(8, with_body(|body| body.common.parent_found.0 += 1));
    breaks(9, with_header(|block| block.header.time.0 -= 1));
    breaks(9, with_header(|block| block.header.time.0 += 7201));
    breaks(
        9,
        with_body(|body| body.common.start = UnixMillis(u64::MAX)),
    );
    breaks(11, with_header(|block| block.header.bits = HARDER));
    breaks(11, with_header(|block| block.header.bits.0 = 0x2100_ffff));
    breaks(
        11,
        Edit {
            mined: false,
            ..Edit::default()
        },
    );
}

fn a_genesis_that_breaks_one_rule() {
    let edits = [
        (
            3,
            with_header(|block| block.header.prev = BlockHash([1; 32])),
        ),
        (8, with_body(|body| body.common.parent_found.0 -= 1)),
        (8, with_body(|body| body.common.start.0 -= 1)),
    ];
    for (rule, edit) in edits {
        let genesis = BodyKind::Genesis(Box::new(genesis()));
        let error = Forge::new(None).push(genesis, edit).unwrap_err();
        assert_eq!((error.height, error.violation.rule()), (0, rule), "{error}");
    }
}

fn a_block_at_the_edge_of_a_rule() {
    let edits = [
        // Miners roll these bits, and the time.
        with_header(|block| block.header.version = Version(0x3fff_e000)),
        with_header(|block| block.header.time.0 += 7200),
        // The parent found at its own start, and at this one's.
        with_body(|body| body.common.parent_found.0 -= 10_000),
        with_body(|_| {}),
        // Milliseconds that the header's seconds drop.
        with_body(|body| body.common.start.0 += 999),
    ];
    for edit in edits {
        begun().push(steps([0]), edit).unwrap();
    }
    // A header time before the parent's.
    let mut forge = Forge::new(None);
    let late = with_header(|block| block.header.time = HeaderTime(block.header.time.0 + 7200));
    forge
        .push(BodyKind::Genesis(Box::new(genesis())), late)
        .unwrap();
    forge.push(steps([0]), Edit::default()).unwrap();
    forge
        .push(BodyKind::Final(end(0)), Edit::default())
        .unwrap();
}

fn the_pinned_genesis() {
    let pinned = begun().genesis_hash();
    let push = |name: &str, pinned| {
        let mut genesis = genesis();
        genesis.name = name.into();
        Forge::new(Some(pinned)).push(BodyKind::Genesis(Box::new(genesis)), Edit::default())
    };
    push("rules", pinned).unwrap();
    let error = push("other", pinned).unwrap_err();
    assert_eq!((error.height, error.violation.rule()), (0, 20), "{error}");
}
