//! The program `pow`.
fn main() {}
