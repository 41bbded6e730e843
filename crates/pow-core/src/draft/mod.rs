//! A draft of version 2: roots of models whose element types version 1 does not
//! name.
//!
//! **No part of version 1.** Published models have element types that no block
//! can commit to, such as the floats of 8 bits. Their tensors get leaves under
//! tags of the draft, and so does the root of a model that has one of them. So
//! no root of the draft is ever equal to a root of version 1, and its type is
//! another one. A model that only has types of version 1 has its
//! [`ParameterRoot`](crate::hash::ParameterRoot), as ever.
//!
//! The draft may still change, and with it these roots. `docs/format.md` has it
//! in a section of its own.

mod dtype;
mod model;

pub use dtype::{AnyDType, DraftDType};
pub use model::{AnyTensorInfo, AnyTensorSet, DRAFT_TAG_PREFIX, DraftRoot, ModelRoot};
