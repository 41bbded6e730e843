//! A play, character by character: the text, and two small networks that learn what
//! comes next.

mod data;
mod lstm;
mod score;
mod transformer;

pub use data::{Batch, CHARACTERS, CONTEXT, Passage, PassageBatcher, load};
pub use lstm::CharLstm;
pub use score::bits_per_character;
use score::sequence_output;
pub use transformer::{CharTransformer, continuation};
