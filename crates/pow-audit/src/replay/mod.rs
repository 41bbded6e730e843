//! Replay: which segments of a run to execute again, what the result was, and how
//! likely a bad segment was to be found.
//!
//! This crate executes nothing. The program that executes steps (with `burn-pow`) takes
//! its segments from [`Segments`] and [`Challenge`] and puts the results into a
//! [`ReplayReport`]. `pow verify --replay-report` checks that report against the chain.
//! `docs/replay.md` describes the report file and what it shows.

mod challenge;
mod commitment;
mod comparability;
mod detection;
mod distance;
mod error;
mod file;
mod json;
mod judgement;
mod machine;
mod merge;
mod moves;
mod outcome;
mod report;
mod segments;
mod shard;

pub use challenge::{Amount, Challenge, Reason};
pub use commitment::{Commitment, CommitmentError, Commitments, MAX_COMMITMENT_FILE, Salt};
pub use comparability::Comparability;
pub use detection::{Detection, ForgingCost, Fraction, FractionError, Goal, SecurityBits};
pub use distance::squared_distance;
pub(crate) use distance::{float_value, float_width};
pub use error::{MAX_REPORT_LEN, ReportError};
pub use judgement::{Judgement, Missing};
pub use machine::{Machine, MachineDifference, MachinePart};
pub use merge::{MergeError, merge};
pub use moves::largest_moves;
pub use outcome::{Again, Decimal, EntryField, SegmentEnd, SegmentOutcome};
pub use report::{Executed, ReplayReport, ReplayedChain, ReportVersion, SegmentResult};
pub(crate) use segments::SegmentCollector;
pub use segments::{Segment, Segments, SegmentsError};
pub use shard::{Shard, ShardError};
