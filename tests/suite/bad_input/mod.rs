//! Damaged, foreign and forged runs. Each must be refused, and the report must
//! say where the fault is. (`crates/pow-cli/tests` sends the same kinds of damage
//! through the program.)

mod chain;
mod costs;
mod disk;
mod files;
mod flips;
mod json;
mod lengths;
mod nothing;
mod sources;
#[cfg(unix)]
mod special;

tests! { mod chain, costs, disk, files, flips, json, lengths, nothing, sources, #[cfg(unix)] special }
