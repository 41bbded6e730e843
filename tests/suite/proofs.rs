//! Proofs: the paths against two other implementations, and whole proofs of the
//! recorded run, good and damaged, in Rust and in Python.

mod cases;
mod damage;
mod defects;
mod form;
mod script;
mod trees;
mod twins;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [
        trees::tests(),
        defects::tests(),
        form::tests(),
        damage::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
