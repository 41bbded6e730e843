//! Damaged, foreign and forged runs: each must be found out, and the report
//! must say where. (`crates/pow-cli/tests` sends the same kinds of damage
//! through the program.)

mod chain;
mod costs;
mod disk;
mod files;
mod flips;
mod json;
mod lengths;
#[cfg(unix)]
mod special;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [
        chain::tests(),
        costs::tests(),
        disk::tests(),
        files::tests(),
        flips::tests(),
        json::tests(),
        lengths::tests(),
        #[cfg(unix)]
        special::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
