//! Proofs: the paths against two other implementations, and whole proofs of the
//! recorded run, good and damaged, in Rust and in Python.

mod cases;
mod damage;
mod defects;
mod form;
mod report;
mod script;
mod trees;
mod twins;

tests! { mod trees, defects, form, report, damage }
