//! From a step that was taken to a block in the chain: the threads that hash
//! and seal, and what the training thread needs to wait for them.

pub(crate) mod committer;
pub(crate) mod final_wait;
pub(crate) mod observer;
pub(crate) mod outbox;
pub(crate) mod replicas;
pub(crate) mod sealer;
pub(crate) mod stages;
pub(crate) mod status;
pub(crate) mod threads;
