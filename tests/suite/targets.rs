//! Compact targets and work, held against Bitcoin Core's cases and against the
//! `bitcoin` crate.

mod core_vectors;
mod million;
mod shapes;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [core_vectors::tests(), million::tests()]
        .into_iter()
        .flatten()
        .collect()
}
