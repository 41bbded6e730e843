//! A block that says one thing wrong about itself, with work: it and all that
//! follows it are mined again.

use super::honest::{Attacked, Honest};
use pow_core::body::{Common, UnixMillis};
use pow_core::coinbase::Height;
use pow_core::hash::{TreeRoot, TxRoot};
use pow_core::header::{Header, Version};
use pow_core::target::CompactTarget;
use pow_tests::seal::Link;

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let block_3 = |name, edit: fn(&mut Link)| honest.mined(name, |links| edit(&mut links[3]));
    let header = |name, edit: fn(&mut Header)| honest.mined(name, |links| links[3].header(edit));
    let common = |name, edit: fn(&mut Common)| honest.mined(name, |links| links[3].common(edit));
    vec![
        header("version_mined", |header| header.version = Version(1)),
        header("prev_mined", |header| header.prev.0[0] ^= 1),
        header("transaction_root_mined", |header| {
            header.tx_root = TxRoot([1; 32])
        }),
        block_3("coinbase_commitment_mined", |link| {
            link.coinbase(|coinbase| {
                let at = coinbase.len() - 36;
                coinbase[at] ^= 1;
            });
        }),
        common("previous_blocks_mined", |common| {
            common.previous_blocks = TreeRoot([1; 32]);
        }),
        common("body_height_mined", |common| {
            common.height = Height::new(4).unwrap()
        }),
        block_3("coinbase_height_mined", |link| {
            link.coinbase(|coinbase| coinbase[42] += 1)
        }),
        common("clock_before_the_parent_mined", |common| {
            common.start.0 -= 1001;
            common.parent_found = common.start;
        }),
        common("parent_found_too_early_mined", |common| {
            common.parent_found.0 -= 401
        }),
        common("parent_found_too_late_mined", |common| {
            common.parent_found.0 += 601
        }),
        header("header_time_early_mined", |header| header.time.0 -= 1),
        header("timewarp_in_the_header_mined", |header| {
            header.time.0 += 7201
        }),
        common("clock_of_no_date_mined", |common| {
            common.start = UnixMillis(u64::MAX)
        }),
        header("bits_easier_mined", |header| {
            header.bits = CompactTarget(0x207f_ffff)
        }),
        header("bits_harder_mined", |header| {
            header.bits = CompactTarget(0x1f7f_ffff)
        }),
        header("bits_negative_mined", |header| {
            header.bits = CompactTarget(0x20ff_ff00)
        }),
        block_3("work_missing", |link| link.without_work()),
    ]
}
