#![doc = include_str!("../README.md")]

mod checkpoint;
mod digest;
mod disk;
mod error;
pub mod files;
mod format;
#[cfg(all(test, unix))]
mod links;
mod names;
pub mod open;
mod reader;
mod record;
mod reopen;
mod run_dir;
mod run_file;
mod tensor_file;
mod tensor_header;
mod tensor_reader;
mod tensors;
mod writer;

pub use checkpoint::{Checkpoint, CheckpointFiles, StateFile};
pub use digest::file_digest;
#[doc(hidden)]
pub use disk::Disk;
pub use error::{LedgerError, ReadError};
pub use format::{FILE_FORMAT, FILE_HEADER_LEN, FILE_MAGIC, RECORD_HEADER_LEN, RECORD_MAGIC};
pub use reader::{ChainReader, TornTail};
pub use record::Record;
pub use reopen::{Recovered, Reopened, SavedRun};
pub use run_dir::{RunDir, RunWriter};
pub use run_file::{CheckpointPart, RunFile};
pub use tensor_file::TensorFile;
pub use tensor_header::StoredTensor;
pub use tensor_reader::{TensorBytes, TensorReader};
pub use tensors::{Tensor, write_tensors};
pub use writer::{ChainWriter, Durability, GROUP_WINDOW};
