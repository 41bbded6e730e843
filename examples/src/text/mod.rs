//! A play, character by character: the text, and a small transformer that continues
//! it.

mod data;
mod model;

pub use data::{Batch, CHARACTERS, CONTEXT, Passage, PassageBatcher, load};
pub use model::{CharTransformer, bits_per_character, continuation};
