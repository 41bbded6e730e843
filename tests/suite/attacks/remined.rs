//! A block that says one thing wrong about itself, with work: it and all that
//! follows it are mined anew.

use super::honest::{Case, Honest};
use super::seal::Link;
use pow_core::body::UnixMillis;
use pow_core::coinbase::Height;
use pow_core::hash::{TreeRoot, TxRoot};
use pow_core::header::Version;
use pow_core::target::CompactTarget;

/// The block that is made wrong.
const AT: usize = 3;

pub fn cases(honest: &Honest) -> Vec<Case> {
    let case = |name, attack: &str, why: &str, rule, words: &str, edit: fn(&mut Link)| {
        honest
            .attack(name, attack, why)
            .blocks(&honest.mined(|links| edit(&mut links[AT])))
            .breaks(AT as u32, rule, words)
    };
    let clock = "Parent's start ≤ parent found ≤ start.";
    let window = "The header's time lies within two hours after the body's start.";
    vec![
        case(
            "version_mined",
            "Block 3 has the version of Bitcoin's first blocks.",
            "The fixed bits of the version tell our blocks from old ones.",
            2,
            "header version 0x00000001",
            |link| link.header(|header| header.version = Version(1)),
        ),
        case(
            "prev_mined",
            "Block 3 names a parent that nobody has seen.",
            "It must name the block before.",
            3,
            "names ",
            |link| link.header(|header| header.prev.0[0] ^= 1),
        ),
        case(
            "transaction_root_mined",
            "Block 3's header commits to another coinbase than that which it carries.",
            "The transaction root must be the coinbase's id.",
            4,
            "transaction root is",
            |link| link.header(|header| header.tx_root = TxRoot([1; 32])),
        ),
        case(
            "coinbase_commitment_mined",
            "Block 3's coinbase commits to another body.",
            "The commitment must be that of the body.",
            5,
            "coinbase commits to",
            |link| {
                link.coinbase(|coinbase| {
                    let at = coinbase.len() - 36;
                    coinbase[at] ^= 1;
                });
            },
        ),
        case(
            "previous_blocks_mined",
            "Block 3 commits to another history than that which it follows.",
            "The body's tree over all previous blocks must be theirs.",
            6,
            "root over previous blocks is",
            |link| link.common(|common| common.previous_blocks = TreeRoot([1; 32])),
        ),
        case(
            "body_height_mined",
            "Block 3's body says height 4.",
            "Heights count from zero, in body and coinbase.",
            7,
            "says height 4",
            |link| link.common(|common| common.height = Height::new(4).unwrap()),
        ),
        case(
            "coinbase_height_mined",
            "Block 3's coinbase says height 4.",
            "Heights count from zero, in body and coinbase.",
            7,
            "says height 4",
            |link| link.coinbase(|coinbase| coinbase[42] += 1),
        ),
        case(
            "clock_before_the_parent_mined",
            "Block 3 began before its parent did.",
            clock,
            8,
            "clock runs backwards",
            |link| {
                link.common(|common| {
                    common.start.0 -= 1001;
                    common.parent_found = common.start;
                });
            },
        ),
        case(
            "parent_found_too_early_mined",
            "Block 3 says that its parent was found before that was begun, to feign speed.",
            clock,
            8,
            "clock runs backwards",
            |link| link.common(|common| common.parent_found.0 -= 401),
        ),
        case(
            "parent_found_too_late_mined",
            "Block 3 says that its parent was found after block 3 was begun, to feign slowness.",
            clock,
            8,
            "clock runs backwards",
            |link| link.common(|common| common.parent_found.0 += 601),
        ),
        case(
            "header_time_early_mined",
            "Block 3's header is a second older than its body.",
            window,
            9,
            "header time ",
            |link| link.header(|header| header.time.0 -= 1),
        ),
        case(
            "timewarp_in_the_header_mined",
            "Block 3's header lies far in the future, as in the timewarp attack on Bitcoin.",
            window,
            9,
            "header time ",
            |link| link.header(|header| header.time.0 += 7201),
        ),
        case(
            "clock_of_no_date_mined",
            "Block 3 began at the last millisecond that a u64 can hold.",
            "The header's time has 32 bits, and nothing may overflow on the way.",
            9,
            "header time ",
            |link| link.common(|common| common.start = UnixMillis(u64::MAX)),
        ),
        case(
            "bits_easier_mined",
            "Block 3 has an easier target than genesis demands, and meets it.",
            "Genesis says which target each block has.",
            11,
            "target is 0x207fffff",
            |link| link.header(|header| header.bits = CompactTarget(0x207f_ffff)),
        ),
        case(
            "bits_harder_mined",
            "Block 3 has a harder target than genesis demands, and meets it.",
            "Genesis says which target each block has.",
            11,
            "target is 0x1f7fffff",
            |link| link.header(|header| header.bits = CompactTarget(0x1f7f_ffff)),
        ),
        case(
            "bits_negative_mined",
            "Block 3's target has the sign bit of Bitcoin's compact form.",
            "There are no negative targets.",
            11,
            "target is 0x20ffff00",
            |link| link.header(|header| header.bits = CompactTarget(0x20ff_ff00)),
        ),
        case(
            "work_missing",
            "Block 3 is as it should be, but nobody mined it.",
            "Its hash does not meet the target.",
            11,
            "hash ",
            |link| link.without_work(),
        ),
    ]
}
