//! Checks with software that others wrote: the `bitcoin` crate, and Python's
//! standard library.

mod bitcoin;
mod python;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [bitcoin::tests(), python::tests()]
        .into_iter()
        .flatten()
        .collect()
}
