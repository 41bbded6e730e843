//! Challenges: which segments of a run must be executed again. A pure function
//! decides it.
//!
//! A *segment* is the part of a run between two consecutive entries with a
//! checkpoint. Segment *i* goes from checkpoint *i* to checkpoint *i* + 1, both
//! counted from 0. A challenge names some segments. Its seed is
//! `tagged("challenge", head hash ‖ source ‖ length ‖ value)`, so nobody knows
//! it before the head is mined. Some segments are always checked. From the
//! others, the challenge picks *q* segments: those with the smallest
//! `tagged("pick", seed ‖ index)`. All 32 bytes of this hash are compared. So
//! every set of *q* segments is equally likely: the picks are without
//! replacement, and no modulo biases them.
//!
//! ```
//! use pow_core::challenge::{ChallengeSource, SegmentPool, SegmentCount, SegmentIndex};
//! use pow_core::hash::BlockHash;
//!
//! let seed = ChallengeSource::Head.seed(BlockHash([7; 32]));
//! // Of ten segments, the first, the last and number 4 are always checked.
//! let pool = SegmentPool::new(SegmentCount(10), [SegmentIndex(4)])?;
//! assert_eq!(pool.remaining(), SegmentCount(7));
//! let picked = pool.pick(seed, SegmentCount(3))?;
//! assert_eq!(picked.len(), 3);
//! assert!(picked.iter().all(|segment| !pool.always().contains(segment)));
//! # Ok::<(), pow_core::challenge::ChallengeError>(())
//! ```

use crate::hash::{BlockHash, ChallengeSeed, Tag};
use alloc::collections::{BTreeSet, BinaryHeap};
use alloc::vec::Vec;
use core::fmt;

/// The longest challenge value of a verifier or a beacon, in bytes.
pub const MAX_CHALLENGE_VALUE: usize = 1024;

/// Index of a segment within its chain, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentIndex(pub u64);

impl fmt::Display for SegmentIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentCount(pub u64);

impl fmt::Display for SegmentCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a challenge is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// The value of a verifier or a beacon is empty or too long.
    #[error("a challenge value has 1 to {MAX_CHALLENGE_VALUE} bytes, found {found}")]
    ValueLength {
        /// Length found, in bytes.
        found: usize,
    },
    /// A named segment does not exist in the chain.
    #[error("there is no segment {segment}: the chain has {segments}, counted from 0")]
    NoSegment {
        /// Segment asked for.
        segment: SegmentIndex,
        /// The number of segments of the chain.
        segments: SegmentCount,
    },
    /// More segments are to be picked than can be picked.
    #[error("{asked} segments to pick, but only {remaining} are not always checked")]
    TooMany {
        /// Segments to pick.
        asked: SegmentCount,
        /// Segments that can be picked.
        remaining: SegmentCount,
    },
}

/// Bytes from a verifier or a beacon: 1 to [`MAX_CHALLENGE_VALUE`], both
/// inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeValue(Vec<u8>);

impl ChallengeValue {
    /// A value of these bytes.
    ///
    /// # Errors
    ///
    /// [`ChallengeError::ValueLength`] if there are no bytes, or too many.
    pub fn new(bytes: Vec<u8>) -> Result<Self, ChallengeError> {
        match bytes.len() {
            1..=MAX_CHALLENGE_VALUE => Ok(ChallengeValue(bytes)),
            found => Err(ChallengeError::ValueLength { found }),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What makes a challenge unpredictable, besides the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeSource {
    /// Only the head. Anybody can compute this challenge. A trainer who wants
    /// another challenge must mine another head, so the challenge is worth what
    /// mining a head costs.
    Head,
    /// Bytes that the verifier chose after the head was known.
    Verifier(ChallengeValue),
    /// Bytes that a public beacon published after the head was known.
    Beacon(ChallengeValue),
}

impl ChallengeSource {
    /// The source's name.
    pub fn name(&self) -> &'static str {
        match self {
            ChallengeSource::Head => "head",
            ChallengeSource::Verifier(_) => "verifier",
            ChallengeSource::Beacon(_) => "beacon",
        }
    }

    /// The bytes of the value. Empty for [`ChallengeSource::Head`].
    pub fn value(&self) -> &[u8] {
        match self {
            ChallengeSource::Head => &[],
            ChallengeSource::Verifier(value) | ChallengeSource::Beacon(value) => value.bytes(),
        }
    }

    /// The seed of this challenge, for the chain that ends with `head`.
    pub fn seed(&self, head: BlockHash) -> ChallengeSeed {
        let source = match self {
            ChallengeSource::Head => 0u8,
            ChallengeSource::Verifier(_) => 1,
            ChallengeSource::Beacon(_) => 2,
        };
        let value = self.value();
        ChallengeSeed(
            Tag::Challenge
                .hasher()
                .chain(&head.0)
                .chain(&[source])
                // At most MAX_CHALLENGE_VALUE.
                .chain(&(value.len() as u32).to_le_bytes())
                .chain(value)
                .finish(),
        )
    }
}

/// The segments of a chain. Some are always checked; a seed picks from the
/// others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPool {
    segments: SegmentCount,
    always: BTreeSet<SegmentIndex>,
}

impl SegmentPool {
    /// A chain of `segments` segments. The first, the last and the named
    /// segments are always checked.
    ///
    /// # Errors
    ///
    /// [`ChallengeError::NoSegment`] if a named segment does not exist.
    pub fn new(
        segments: SegmentCount,
        named: impl IntoIterator<Item = SegmentIndex>,
    ) -> Result<Self, ChallengeError> {
        let ends = segments.0.checked_sub(1).map(|last| [0, last]);
        let mut always: BTreeSet<SegmentIndex> =
            ends.into_iter().flatten().map(SegmentIndex).collect();
        for segment in named {
            if segment.0 >= segments.0 {
                return Err(ChallengeError::NoSegment { segment, segments });
            }
            always.insert(segment);
        }
        Ok(SegmentPool { segments, always })
    }

    /// The number of segments of the chain.
    pub fn segments(&self) -> SegmentCount {
        self.segments
    }

    /// The segments that are always checked.
    pub fn always(&self) -> &BTreeSet<SegmentIndex> {
        &self.always
    }

    /// How many segments are not always checked. This is n′ in the formula for
    /// detection.
    pub fn remaining(&self) -> SegmentCount {
        SegmentCount(self.segments.0 - self.always.len() as u64)
    }

    /// The `count` segments that `seed` picks from those that are not always
    /// checked, in ascending order. A larger count picks the same segments and
    /// more. The time is proportional to the number of segments, and the memory
    /// is proportional to `count`.
    ///
    /// # Errors
    ///
    /// [`ChallengeError::TooMany`] if `count` is above
    /// [`remaining`](Self::remaining).
    pub fn pick(
        &self,
        seed: ChallengeSeed,
        count: SegmentCount,
    ) -> Result<Vec<SegmentIndex>, ChallengeError> {
        let remaining = self.remaining();
        if count > remaining {
            return Err(ChallengeError::TooMany {
                asked: count,
                remaining,
            });
        }
        // The smallest keys so far. The largest of them is on top.
        let mut smallest = BinaryHeap::new();
        for segment in (0..self.segments.0).map(SegmentIndex) {
            if self.always.contains(&segment) {
                continue;
            }
            smallest.push((key(seed, segment), segment));
            if smallest.len() as u64 > count.0 {
                smallest.pop();
            }
        }
        let mut picked: Vec<SegmentIndex> = smallest.into_iter().map(|(_, index)| index).collect();
        picked.sort_unstable();
        Ok(picked)
    }
}

fn key(seed: ChallengeSeed, segment: SegmentIndex) -> [u8; 32] {
    Tag::Pick
        .hasher()
        .chain(&seed.0)
        .chain(&segment.0.to_le_bytes())
        .finish()
}
