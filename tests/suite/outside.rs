//! Checks with software that others wrote: the `bitcoin` crate, Python's
//! standard library, and packages for Python.

mod bitcoin;
mod pypi;
mod python;

tests! { mod bitcoin, pypi, python }
