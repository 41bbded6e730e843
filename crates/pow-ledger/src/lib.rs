#![doc = include_str!("../README.md")]

mod chain;
mod digest;
mod error;
mod file_kind;
pub mod files;
mod format;
#[cfg(test)]
#[cfg(unix)]
mod links;
pub mod open;
pub mod published;
mod refusal;
mod run;
pub mod space;
mod tensors;
mod weakness;

#[doc(hidden)]
pub use chain::disk::Disk;
pub use chain::reader::{ChainReader, TornTail};
pub use chain::record::Record;
pub use chain::writer::{ChainWriter, Durability, GROUP_WINDOW};
pub use digest::file_digest;
pub use error::{LedgerError, ReadError};
pub use format::{FILE_FORMAT, FILE_HEADER_LEN, FILE_MAGIC, RECORD_HEADER_LEN, RECORD_MAGIC};
pub use run::anchors::{AnchorFile, AnchorKind};
pub use run::checkpoint::{Checkpoint, CheckpointFiles};
pub use run::reopen::{Recovered, Reopened, SavedRun};
pub use run::run_dir::RunDir;
pub use run::run_file::{CheckpointPart, RunFile};
pub use run::run_writer::RunWriter;
pub use run::signatures::{SignatureFile, SignatureKind};
pub use run::state_file::StateFile;
#[doc(hidden)]
pub use run::surroundings::Surroundings;
pub use tensors::tensor_file::TensorFile;
pub use tensors::tensor_header::StoredTensor;
pub use tensors::tensor_reader::{TensorBytes, TensorReader};
pub use tensors::write::{Tensor, write_tensors};
pub use weakness::Weakness;
