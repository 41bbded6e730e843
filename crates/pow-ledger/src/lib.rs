//! The run directory: the append-only chain file, checkpoints, the artifact
//! and the writer's lock.
//!
//! ```text
//! runs/digits/
//!   chain.pow                 blocks and bodies, append-only: the truth
//!   checkpoints/<state root>/ model.safetensors, optimizer.safetensors, state.json
//!   config.json               the exact bytes whose digest is in genesis
//!   model.safetensors         the final artifact
//!   lock                      held by the one writer
//! ```
//!
//! Everything but `chain.pow` is content-addressed or can be rebuilt. Files are
//! written beside their place, synced and renamed, so that no reader sees half
//! of one. The byte format of `chain.pow` is described in `docs/format.md`.

mod checkpoint;
mod disk;
mod error;
pub mod files;
mod format;
mod reader;
mod record;
mod reopen;
mod run_dir;
mod tensor_header;
mod tensors;
mod writer;

pub use checkpoint::{Checkpoint, CheckpointFiles, StateFile};
#[doc(hidden)]
pub use disk::Disk;
pub use error::{LedgerError, ReadError};
pub use format::{FILE_FORMAT, FILE_HEADER_LEN, FILE_MAGIC, RECORD_HEADER_LEN, RECORD_MAGIC};
pub use reader::{ChainReader, TornTail};
pub use record::Record;
pub use reopen::{Recovered, Reopened, SavedRun};
pub use run_dir::{RunDir, RunWriter};
pub use tensors::{StoredTensor, Tensor, TensorFile, write_tensors};
pub use writer::{ChainWriter, Durability, GROUP_WINDOW};
