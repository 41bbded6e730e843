//! Each rule of `docs/format.md`, broken alone: the chain is otherwise valid
//! and mined, so that no other rule can stand in for it.

mod blocks;
mod forge;
mod kinds;

tests! { mod blocks, kinds }
