//! What came of one segment.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What came of executing a segment again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
#[non_exhaustive]
pub enum SegmentOutcome {
    /// Every entry was reproduced bit for bit (parameter root, batch digest,
    /// loss and learning rate), and so was the state root at the end. Of the
    /// first segment of a run whose initial state is regenerable it also says
    /// that seed and code gave that state again.
    BitExact {
        /// Entries compared: all of the segment's.
        entries: u64,
    },
    /// A step gave something else than the chain says.
    Differs {
        /// The first such step.
        step: u64,
        /// What of it differs.
        field: EntryField,
        /// What the replay gave: hex of a root or digest, or of a number's
        /// bits; `absent` for nothing.
        found: String,
        /// What the chain says.
        expected: String,
    },
    /// A checkpoint that the segment needs is not there.
    CheckpointAbsent {
        /// Which of both.
        which: SegmentEnd,
    },
    /// A checkpoint's files have another state root, or cannot be read.
    CheckpointDamaged {
        /// Which of both.
        which: SegmentEnd,
        /// What is wrong with it.
        why: String,
    },
    /// The steps gave other bits, or were not executed, where equal bits could
    /// not be expected: another CPU, backend or version. It accuses nobody.
    NotComparable {
        /// What differs between the machines.
        why: String,
    },
    /// The state at the end was compared with a threshold: weaker than bits,
    /// since published forgeries aim at thresholds.
    Tolerance {
        /// How the distance is measured.
        metric: String,
        /// The largest distance accepted.
        threshold: Decimal,
        /// The distance found.
        distance: Decimal,
    },
    /// The segment cannot be executed by anybody who has only the run and the
    /// program, such as one with a foreign order.
    Refused {
        /// Why not.
        why: String,
    },
}

impl SegmentOutcome {
    /// Whether this speaks against the run.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            SegmentOutcome::Differs { .. }
                | SegmentOutcome::CheckpointAbsent { .. }
                | SegmentOutcome::CheckpointDamaged { .. }
        )
    }
}

/// A part of an entry or state that a replay compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EntryField {
    /// The initial state that seed and code give.
    InitialState,
    /// Step number.
    Step,
    /// Parameter root.
    Parameters,
    /// Batch digest.
    Batch,
    /// Bits of the loss.
    Loss,
    /// Bits of the learning rate.
    LearningRate,
    /// State root of the checkpoint at the end.
    State,
}

impl EntryField {
    /// The field in words.
    pub fn name(self) -> &'static str {
        match self {
            EntryField::InitialState => "initial state",
            EntryField::Step => "step number",
            EntryField::Parameters => "parameter root",
            EntryField::Batch => "batch digest",
            EntryField::Loss => "loss",
            EntryField::LearningRate => "learning rate",
            EntryField::State => "state root",
        }
    }

    /// Whether it follows from genesis and hashes alone, so that no rounding
    /// excuses a difference.
    pub fn is_exact_anywhere(self) -> bool {
        matches!(self, EntryField::Step | EntryField::Batch)
    }
}

/// One of a segment's two checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentEnd {
    /// The one it starts from.
    Start,
    /// The one it ends with.
    End,
}

/// A finite number of at least 0. In a file it is a text, the shortest that
/// gives the number again: readers of JSON round numbers differently.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Decimal(f64);

impl Decimal {
    /// Takes a finite number of at least 0; `None` for any other.
    pub fn new(number: f64) -> Option<Self> {
        // Minus zero has a text of its own.
        (number.is_finite() && number.is_sign_positive()).then_some(Decimal(number))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .ok()
            .and_then(Decimal::new)
            .ok_or_else(|| format!("{text:?} is no finite number of at least 0"))
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
