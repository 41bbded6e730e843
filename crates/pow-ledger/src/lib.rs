#![doc = include_str!("../README.md")]

mod checkpoint;
mod create;
mod digest;
mod disk;
mod error;
mod file_kind;
pub mod files;
mod format;
#[cfg(test)]
#[cfg(unix)]
mod links;
mod names;
pub mod open;
mod reader;
mod record;
mod reopen;
mod run_dir;
mod run_file;
mod run_writer;
mod state_file;
mod tensor_file;
mod tensor_header;
mod tensor_reader;
mod tensors;
mod writer;

pub use checkpoint::{Checkpoint, CheckpointFiles};
pub use digest::file_digest;
#[doc(hidden)]
pub use disk::Disk;
pub use error::{LedgerError, ReadError};
pub use format::{FILE_FORMAT, FILE_HEADER_LEN, FILE_MAGIC, RECORD_HEADER_LEN, RECORD_MAGIC};
pub use reader::{ChainReader, TornTail};
pub use record::Record;
pub use reopen::{Recovered, Reopened, SavedRun};
pub use run_dir::RunDir;
pub use run_file::{CheckpointPart, RunFile};
pub use run_writer::RunWriter;
pub use state_file::StateFile;
pub use tensor_file::TensorFile;
pub use tensor_header::StoredTensor;
pub use tensor_reader::{TensorBytes, TensorReader};
pub use tensors::{Tensor, write_tensors};
pub use writer::{ChainWriter, Durability, GROUP_WINDOW};
