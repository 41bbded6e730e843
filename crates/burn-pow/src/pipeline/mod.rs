//! From a step that was taken to a block in the chain. The training thread sends
//! messages; the committing thread hashes; the sealing thread mines and appends.

pub(crate) mod committer;
pub(crate) mod final_wait;
pub(crate) mod hashing;
pub(crate) mod message;
mod moved;
pub(crate) mod observer;
pub(crate) mod outbox;
mod replicas;
mod sealer;
pub(crate) mod stages;
pub(crate) mod state_roots;
pub(crate) mod status;
pub(crate) mod threads;
