//! Models as people publish them: one safetensors file, or several with an index, as
//! Hugging Face lays them out.
//!
//! They are read in the way in which the tensor files of a run are read, with two
//! differences. Element types of the [draft](pow_core::draft) are taken as well, and the
//! tensors may lie in several files. What is read here is never taken for a checkpoint of a
//! run: its tensors are of another type ([`PublishedTensor`]).
//!
//! A tensor is read in pieces, at any place, so memory does not grow with it.

mod error;
mod index;
mod model;
mod model_file;
mod stream;

pub use error::{IndexError, PublishedError};
pub use model::{INDEX_FILE, MODEL_FILE, PublishedModel};
pub use model_file::ModelFile;
pub use stream::TensorStream;

use crate::tensors::tensor_header::StoredTensor;
use pow_core::draft::AnyDType;

/// Where a tensor of a published model is in its file.
pub type PublishedTensor = StoredTensor<AnyDType>;
