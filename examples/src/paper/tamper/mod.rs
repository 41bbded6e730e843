//! Section 5, tamper evidence: a finished run is changed at random in many ways,
//! and verifiers look at it each time.
//!
//! Some changes can only be caught by a verifier that knows more than the run
//! itself. So every changed run is shown to three verifiers: one with the directory
//! alone, one that knows the genesis hash, and one that knows the hash of the last
//! block too. If the first finds nothing, a fourth has the program and trains every
//! segment again.

mod damage;
mod forge;
mod judge;
mod kind;
mod plan;
pub mod report;
mod tampered_run;
mod times;
mod training;
mod trials;

pub use kind::{TAMPER_KINDS, TamperKind};
pub use plan::{TamperPlan, TamperRow, TamperTimesRow};
pub use tampered_run::TamperedRun;
pub use times::measure_times;
pub use trials::measure;
