//! Checks with software that others wrote: the `bitcoin` crate, Python's
//! standard library, and packages for Python.

mod bitcoin;
mod extensions;
mod lineage;
mod pypi;
mod python;

tests! { mod bitcoin, extensions, lineage, pypi, python }
