//! Difficulty that adapts.

mod chains;
mod clock;
mod vectors;

tests! { mod vectors, clock, chains }
