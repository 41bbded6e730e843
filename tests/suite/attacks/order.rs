//! Blocks moved, removed and repeated.

use super::honest::{Attacked, Honest};
use pow_tests::seal::links;

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let link = |at: usize| links(&honest.chain).remove(at);
    vec![
        honest.edited("blocks_reordered", |file| file.records.swap(2, 3)),
        honest.mined("blocks_reordered_mined", |links| links.swap(2, 3)),
        honest.edited("block_deleted", |file| drop(file.records.remove(3))),
        honest.mined("block_deleted_mined", |links| drop(links.remove(3))),
        honest.edited("block_duplicated", |file| {
            file.records.insert(4, file.records[3].clone());
        }),
        honest.mined("block_duplicated_mined", |links| links.insert(4, link(3))),
        honest.edited("block_inserted", |file| {
            file.records.insert(3, file.records[0].clone());
        }),
        honest.mined("block_inserted_mined", |links| links.insert(3, link(0))),
        honest.edited("prefix_cut_off", |file| drop(file.records.drain(..2))),
        honest.mined("prefix_cut_off_mined", |links| drop(links.remove(0))),
    ]
}
