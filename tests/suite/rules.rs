//! Each rule of `docs/format.md`, broken alone: the chain is otherwise valid
//! and mined, so that no other rule can stand in for it.

mod blocks;
mod forge;
mod kinds;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [blocks::tests(), kinds::tests()]
        .into_iter()
        .flatten()
        .collect()
}
