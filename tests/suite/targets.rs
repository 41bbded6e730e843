//! Compact targets and work, held against Bitcoin Core's cases and against the
//! `bitcoin` crate.

mod bitcoin;
mod core;
mod shapes;

tests! { mod core, bitcoin }
