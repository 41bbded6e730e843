//! The bytes of a block and of a body, each field with its name as docs/format.md has it.

mod block;
mod body;
mod fields;

pub use block::block_fields;
pub use body::{body_fields, entry_fields};
pub use fields::{Field, LayoutError};
