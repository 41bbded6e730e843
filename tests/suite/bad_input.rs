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

tests! { mod chain, costs, disk, files, flips, json, lengths, #[cfg(unix)] special }
