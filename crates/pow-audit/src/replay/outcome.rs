//! The outcome of one segment.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The outcome of executing a segment again. What it is worth depends on the machine
/// and on the other results: see [`Judgement`](super::Judgement).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
#[non_exhaustive]
pub enum SegmentOutcome {
    /// Every entry was reproduced bit for bit (parameter root, batch digest, loss and
    /// learning rate), and so was the state root at the end. If the initial state is
    /// regenerable, then for the first segment seed and code also gave that state
    /// again: weights, optimizer and positions.
    BitExact {
        /// Number of entries compared: all entries of the segment.
        entries: u64,
    },
    /// A step gave another result than the chain has.
    Differs {
        /// The first such step.
        step: u64,
        /// What differs in it.
        field: EntryField,
        /// The value from the replay: hex digits of a root, a digest or the bits of a
        /// number, or `absent`.
        found: String,
        /// The value in the chain.
        expected: String,
        /// What a second execution gave. Absent if there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<Again>,
    },
    /// A checkpoint that the segment needs is missing.
    CheckpointAbsent {
        /// Which of the two checkpoints.
        which: SegmentEnd,
    },
    /// The files of a checkpoint have another state root, or cannot be read.
    CheckpointDamaged {
        /// Which of the two checkpoints.
        which: SegmentEnd,
        /// What is wrong with it.
        why: String,
    },
    /// What the chain commits to contradicts itself, whichever program executes it:
    /// the first state has taken steps, or config.json is not what genesis says.
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// What the chain commits to does not fit the program that executed it: its model,
    /// its optimizer or its settings have another form.
    Unfit {
        /// What does not fit.
        why: String,
    },
    /// Only in reports of version 1. The steps gave other bits, or were not executed,
    /// on a machine where equal bits cannot be expected: another CPU, backend or
    /// version. It accuses nobody.
    NotComparable {
        /// What differs between the machines.
        why: String,
    },
    /// The state at the end was compared with a threshold. This is weaker than equal
    /// bits: published forgeries aim at thresholds.
    Tolerance {
        /// How the distance is measured.
        metric: String,
        /// The largest distance that is accepted.
        threshold: Decimal,
        /// The distance that was found.
        distance: Decimal,
        /// The largest difference between two losses of one step, divided by the larger
        /// of the two. Absent if no loss is recorded, and in version 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        loss: Option<Decimal>,
    },
    /// The segment was not executed: the run and the program are not enough for it, for
    /// example because the order of the samples is not declared.
    Refused {
        /// Why not.
        why: String,
    },
    /// The execution came to no end, or a file could not be read: the program panicked,
    /// ran out of memory or hung. It speaks for nothing and against nobody.
    NotChecked {
        /// What happened.
        why: String,
    },
}

/// The most bytes of a text that tells why. A run may have names of many megabytes.
const MAX_WHY: usize = 2000;

impl SegmentOutcome {
    /// The same outcome. If the text that tells why is longer than 2,000 bytes, it is
    /// cut.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        if let SegmentOutcome::CheckpointDamaged { why, .. }
        | SegmentOutcome::Malformed { why }
        | SegmentOutcome::Unfit { why }
        | SegmentOutcome::NotComparable { why }
        | SegmentOutcome::Refused { why }
        | SegmentOutcome::NotChecked { why } = &mut self
            && why.len() > MAX_WHY
        {
            why.truncate(why.floor_char_boundary(MAX_WHY));
            why.push('…');
        }
        self
    }
}

/// What the second execution of a segment gave that had differed from the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Again {
    /// The same difference, bit for bit.
    Same,
    /// Another result. The machine contradicts itself.
    Other,
}

/// A part of an entry or state that a replay compares with the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EntryField {
    /// The initial state, made from seed and code.
    InitialState,
    /// Step number.
    Step,
    /// Parameter root.
    Parameters,
    /// Batch digest.
    Batch,
    /// Bits of the loss.
    Loss,
    /// The learning rate, by more than rounding.
    LearningRate,
    /// The last bits of the learning rate. Elementary functions such as the cosine
    /// differ between C libraries.
    LearningRateRounding,
    /// State root of the checkpoint at the end.
    State,
}

impl EntryField {
    /// The field's name in reports.
    pub fn name(self) -> &'static str {
        match self {
            EntryField::InitialState => "initial state",
            EntryField::Step => "step number",
            EntryField::Parameters => "parameter root",
            EntryField::Batch => "batch digest",
            EntryField::Loss => "loss",
            EntryField::LearningRate => "learning rate",
            EntryField::LearningRateRounding => "last bits of the learning rate",
            EntryField::State => "state root",
        }
    }

    /// Whether the field follows from genesis and hashes alone. Then neither rounding
    /// nor another program can explain a difference, on any machine.
    pub fn is_exact_anywhere(self) -> bool {
        matches!(self, EntryField::Step | EntryField::Batch)
    }

    /// Whether another rounding can explain a difference. The learning rate cannot
    /// differ by more than its last bits, but another program can have another one.
    pub fn can_be_rounding(self) -> bool {
        !self.is_exact_anywhere() && self != EntryField::LearningRate
    }
}

/// One of the two checkpoints of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentEnd {
    /// The checkpoint that it starts from.
    Start,
    /// The checkpoint that it ends with.
    End,
}

/// A finite number of at least 0. In a file it is the shortest text that gives the same
/// number again, because readers of JSON round numbers differently.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Decimal(f64);

impl Decimal {
    /// Takes a finite number of at least 0. `None` for any other number.
    pub fn new(number: f64) -> Option<Self> {
        // Minus zero has another text than zero.
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
            .ok_or_else(|| format!("expected a finite number of at least 0, found {text:?}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let shortened = |why: String| match (SegmentOutcome::Refused { why }).shortened() {
            SegmentOutcome::Refused { why } => why,
            other => panic!("{other:?}"),
        };
        let longest = "x".repeat(MAX_WHY);
        assert_eq!(shortened(longest.clone()), longest);
        assert_eq!(shortened(longest.clone() + "x"), longest.clone() + "…");
        let straddling = "x".repeat(MAX_WHY - 1) + "é";
        assert_eq!(shortened(straddling), "x".repeat(MAX_WHY - 1) + "…");
    }

    #[test]
    fn what_rounding_and_programs_can_explain() {
        use EntryField::*;
        for field in [Step, Batch] {
            assert!(field.is_exact_anywhere() && !field.can_be_rounding());
        }
        for field in [InitialState, Parameters, Loss, LearningRateRounding, State] {
            assert!(!field.is_exact_anywhere() && field.can_be_rounding());
        }
        assert!(!LearningRate.is_exact_anywhere() && !LearningRate.can_be_rounding());
    }
}
