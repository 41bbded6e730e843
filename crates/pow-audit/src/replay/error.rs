//! Why a replay report cannot be used.

use pow_ledger::LedgerError;
use std::io::Error;
use std::path::{Path, PathBuf};

/// The longest report that is read or written, in bytes (256 MiB). A report of about
/// 300,000 segments is that long.
pub const MAX_REPORT_LEN: usize = 1 << 28;

/// Why a replay report is not valid, or could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] LedgerError),
    /// The file could not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: Error,
    },
    /// A file is not a valid report.
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<ReportError>,
    },
    /// Longer than [`MAX_REPORT_LEN`].
    #[error("longer than {MAX_REPORT_LEN} bytes, the longest report allowed")]
    TooLong,
    /// Not the JSON of a report.
    #[error("malformed replay report: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON of a report, but not in the one form in which reports are written.
    #[error(
        "byte {offset}: not written as `docs/replay.md` describes, although it reads as a report"
    )]
    Form {
        /// The first byte that differs.
        offset: usize,
    },
    /// The report contradicts itself or the chain.
    #[error("{place}: {reason}")]
    Content {
        /// The field or segment.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReportError {
    pub(super) fn io(path: &Path) -> impl FnOnce(Error) -> ReportError + '_ {
        move |source| ReportError::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn content(place: impl Into<String>, reason: impl Into<String>) -> Self {
        ReportError::Content {
            place: place.into(),
            reason: reason.into(),
        }
    }
}
