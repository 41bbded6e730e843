//! Why a replay has no report.

use pow_audit::replay::ReportError;
use pow_core::hash::BlockHash;
use pow_ledger::LedgerError;

/// Why a replay has no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The chain could not be read or verified again.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The chain changed while it was replayed.
    #[error(
        "the chain changed while it was replayed: its block at the challenged height is {}, \
         expected {expected}",
        found.map_or("absent".into(), |found| found.to_string())
    )]
    Changed {
        /// Hash of that block in the file now, if there is one.
        found: Option<BlockHash>,
        /// Hash of the last block of the chain that was challenged.
        expected: BlockHash,
    },
    /// The program was stopped.
    #[error("stopped before every segment was replayed")]
    Stopped,
    /// A process that replays a segment could not be started or watched.
    #[error("cannot run a process for a segment: {0}")]
    Process(std::io::Error),
    /// The results contradict each other.
    #[error(transparent)]
    Report(#[from] ReportError),
}
