//! What the example programs are made of.

pub mod digits;
