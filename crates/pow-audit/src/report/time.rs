//! What a report says about time, for programs.

use serde::Serialize;

/// When the chain was made, as far as it was checked, and from what that follows.
#[derive(Clone, Debug, Serialize)]
pub struct TimeReport {
    /// The earliest time of genesis, in seconds since 1970. Absent if no lower bound counts.
    pub not_before: Option<i64>,
    /// The latest time of the last block, in seconds since 1970. Absent if no upper bound of
    /// the last block counts.
    pub not_after: Option<i64>,
    /// The lower bound that genesis names. Absent if it names none that can be read.
    pub lower: Option<LowerBound>,
    /// The anchors of the run that were read.
    pub anchors: Vec<AnchorReport>,
}

/// A lower bound, and what was found out about it.
#[derive(Clone, Debug, Serialize)]
pub struct LowerBound {
    /// What was found.
    pub state: AnchorState,
    /// The same in words.
    pub line: String,
}

/// An anchor, and what was found out about it.
#[derive(Clone, Debug, Serialize)]
pub struct AnchorReport {
    /// Its path in the run.
    pub file: String,
    /// The last block that it covers. Absent if it covers none of this chain.
    pub block: Option<u32>,
    /// The latest time of that block, in seconds since 1970. Absent unless `state` is
    /// `counts`.
    pub not_after: Option<i64>,
    /// The name in the certificate of the TSA whose word it is, in quotes. Absent for other
    /// anchors, and unless `state` is `counts`.
    pub tsa: Option<String>,
    /// What was found.
    pub state: AnchorState,
    /// The same in words.
    pub line: String,
}

/// What was found out about a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnchorState {
    /// It was checked against what the verifier supplied, and bounds the time.
    Counts,
    /// A calendar has promised it, and nothing shows a time yet.
    Pending,
    /// It speaks of something that this version cannot check.
    Unknown,
    /// The Bitcoin header that it needs was not supplied.
    HeaderNotSupplied,
    /// No certificate that the verifier trusts is behind it.
    Untrusted,
    /// It could not be read, or is not read because there are too many.
    NotRead,
    /// It is over another chain, or another file.
    Foreign,
    /// It is not in its format.
    Malformed,
    /// Its bytes are not those for which it was named.
    Damaged,
    /// A header has less work than Bitcoin asks for.
    TooLittleWork,
    /// It uses a digest or a key that is too weak to show anything.
    Weak,
    /// A certificate was not valid at its time, or is not for time-stamping.
    UnfitCertificate,
    /// It contradicts what the verifier supplied, or itself.
    Forged,
}

impl AnchorState {
    /// Whether it speaks against the run.
    pub fn is_fault(self) -> bool {
        match self {
            AnchorState::Counts
            | AnchorState::Pending
            | AnchorState::Unknown
            | AnchorState::HeaderNotSupplied
            | AnchorState::Untrusted
            | AnchorState::NotRead => false,
            AnchorState::Foreign
            | AnchorState::Malformed
            | AnchorState::Damaged
            | AnchorState::TooLittleWork
            | AnchorState::Weak
            | AnchorState::UnfitCertificate
            | AnchorState::Forged => true,
        }
    }
}
