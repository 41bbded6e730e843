//! Why a run could not be checked.

use crate::lineage::LineageError;
use crate::replay::ReportError;
use pow_ledger::LedgerError;

/// Why a run could not be checked. A run that was checked and does not hold is not an
/// error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The chain file, or that of a parent, could not be opened or read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file of the base model could not be read, or is no tensor file.
    #[error("the base model: {0}")]
    BaseModel(LedgerError),
    /// Two of the parents have one genesis block.
    #[error(transparent)]
    Lineage(#[from] LineageError),
    /// The replay report could not be read, or is not a valid report.
    #[error(transparent)]
    ReplayReport(#[from] ReportError),
}
