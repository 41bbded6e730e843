//! Runs that go on from others: which run a genesis block names as its parent, whether
//! that run commits to the state it names, and what the child took over from it.
//!
//! A link is a statement of the child's genesis block: another run's genesis hash, a step
//! and a state root. Everything else is compared here: [`LineageRun::read`] reads a run,
//! and [`Lineage::of`] puts the runs in a tree. [`audit`](crate::audit) checks the
//! ancestors of one run as its level `origin`.
//!
//! No run is its own ancestor. The hash of a genesis block covers the parent's hash in it,
//! so a circle would be a circle of SHA-256. Nothing here relies on that: no run is
//! visited twice.

mod base;
mod compare;
mod link;
mod run;
mod start;
mod tree;

pub use base::{BaseFile, BaseLink};
pub use link::Link;
pub use run::LineageRun;
pub use start::{Counts, Start};
pub use tree::{Lineage, LineageError, RunInTree};

pub(crate) use base::check_base;
pub(crate) use link::check_link;
pub(crate) use run::{Beginning, Committed};
pub(crate) use tree::{NOT_BEFORE, by_genesis};
