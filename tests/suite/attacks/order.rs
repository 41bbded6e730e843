//! Blocks moved, removed and repeated.

use super::honest::{Case, Honest};
use super::seal::{Link, links};

pub fn cases(honest: &Honest) -> Vec<Case> {
    let link = "A block names the hash of the one before.";
    let steps = "Each entry's step follows the last one's by the commit interval.";
    let mined = |edit: fn(&mut Vec<Link>)| honest.mined(edit);
    vec![
        honest
            .attack(
                "blocks_reordered",
                "The blocks 2 and 3 change places.",
                link,
            )
            .chain(honest.unmined(|file| file.records.swap(2, 3)))
            .breaks(2, 3, "names "),
        honest
            .attack(
                "blocks_reordered_mined",
                "The blocks 2 and 3 change places, and all is mined anew from there.",
                steps,
            )
            .blocks(&mined(|links| links.swap(2, 3)))
            .breaks(2, 15, "entry of step 3 follows step 0"),
        honest
            .attack("block_deleted", "Block 3 is left out.", link)
            .chain(honest.unmined(|file| drop(file.records.remove(3))))
            .breaks(3, 3, "names "),
        honest
            .attack(
                "block_deleted_mined",
                "Block 3 is left out, and all is mined anew from there.",
                steps,
            )
            .blocks(&mined(|links| drop(links.remove(3))))
            .breaks(3, 15, "entry of step 4 follows step 2"),
        honest
            .attack("block_duplicated", "Block 3 stands there twice.", link)
            .chain(honest.unmined(|file| file.records.insert(4, file.records[3].clone())))
            .breaks(4, 3, "names "),
        honest
            .attack(
                "block_duplicated_mined",
                "Block 3 stands there twice, and all is mined anew from there.",
                steps,
            )
            .blocks(&honest.mined(|blocks| {
                blocks.insert(4, links(&honest.chain).remove(3));
            }))
            .breaks(4, 15, "entry of step 3 follows step 3"),
        honest
            .attack(
                "block_inserted",
                "Genesis stands there again before block 3, with work of its own.",
                link,
            )
            .chain(honest.unmined(|file| file.records.insert(3, file.records[0].clone())))
            .breaks(3, 3, "names "),
        honest
            .attack(
                "block_inserted_mined",
                "A second genesis is mined in between.",
                "Genesis is the first block, and no other.",
            )
            .blocks(&honest.mined(|blocks| {
                blocks.insert(3, links(&honest.chain).remove(0));
            }))
            .breaks(3, 10, "a genesis body cannot stand here"),
        honest
            .attack(
                "prefix_cut_off",
                "Genesis and the block of step 0 are left out.",
                "The first block has no parent.",
            )
            .chain(honest.unmined(|file| drop(file.records.drain(..2))))
            .breaks(0, 3, "names "),
        honest
            .attack(
                "prefix_cut_off_mined",
                "Genesis is left out, and all is mined anew.",
                "The first block is genesis.",
            )
            .blocks(&mined(|links| drop(links.remove(0))))
            .breaks(0, 10, "a steps body cannot stand here"),
    ]
}
