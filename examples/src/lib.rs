//! What the example programs are made of.

pub mod digits;
pub mod program;
pub mod text;
