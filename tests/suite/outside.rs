//! Checks with software that others wrote: the `bitcoin` crate, Python's
//! standard library, and packages for Python.

mod bitcoin;
mod pypi;
mod python;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [bitcoin::tests(), pypi::tests(), python::tests()]
        .into_iter()
        .flatten()
        .collect()
}
