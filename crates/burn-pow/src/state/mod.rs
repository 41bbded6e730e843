//! The state of a training as named tensors, and the way back into Burn.

pub(crate) mod deferred;
pub(crate) mod in_place;
pub(crate) mod loss;
pub mod optimizer;
pub(crate) mod quantised;
pub mod snapshot;
pub mod tensors;
pub(crate) mod trainee;
