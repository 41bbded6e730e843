//! Each rule of `docs/format.md`, broken alone. The rest of the chain is valid and
//! mined, so that no other rule refuses it.

mod blocks;
mod forge;
mod kinds;

tests! { mod blocks, kinds }
