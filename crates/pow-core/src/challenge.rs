//! Which segments of a run have to be executed again, as a pure function.
//!
//! A *segment* is the stretch between two consecutive entries with a
//! checkpoint: segment *i* goes from checkpoint *i* to checkpoint *i* + 1, both
//! counted from 0. A challenge names some of them. The seed is `tagged("challenge",
//! head hash ‖ source ‖ length ‖ value)`: nobody can know it before the head is
//! mined. Some segments are always checked; the *q* segments that are picked
//! come from the others, namely those with the smallest
//! `tagged("pick", seed ‖ index)`. All 32 bytes of that are compared, so every
//! set of *q* segments is equally likely, without replacement and with no
//! remainder to bias it.
//!
//! ```
//! use pow_core::challenge::{ChallengeSource, SegmentPool, SegmentCount, SegmentIndex};
//! use pow_core::hash::BlockHash;
//!
//! let seed = ChallengeSource::Head.seed(BlockHash([7; 32]));
//! // Of ten segments the first, the last and number 4 are always checked.
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

/// The longest value of a verifier or beacon, in bytes.
pub const MAX_CHALLENGE_VALUE: usize = 1024;

/// Number of a segment within its chain, counted from 0.
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

/// Why there is no such challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// A verifier's or beacon's value is empty or too long.
    #[error("a challenge value has 1 to {MAX_CHALLENGE_VALUE} bytes, found {found}")]
    ValueLength {
        /// Length found, in bytes.
        found: usize,
    },
    /// A segment is to be checked that the chain has not got.
    #[error("there is no segment {segment}: the chain has {segments}, counted from 0")]
    NoSegment {
        /// Segment asked for.
        segment: SegmentIndex,
        /// Segments of the chain.
        segments: SegmentCount,
    },
    /// More segments are to be picked than are left.
    #[error("{asked} segments to pick, but only {remaining} are not always checked")]
    TooMany {
        /// Segments to pick.
        asked: SegmentCount,
        /// Segments that are left to pick from.
        remaining: SegmentCount,
    },
}

/// Bytes that a verifier chose or a beacon gave, 1 to [`MAX_CHALLENGE_VALUE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeValue(Vec<u8>);

impl ChallengeValue {
    /// Takes the bytes.
    ///
    /// # Errors
    ///
    /// [`ChallengeError::ValueLength`] if there is none, or too many.
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

/// Where a challenge's unpredictability comes from, besides the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeSource {
    /// The head alone: anybody can compute this challenge, and whoever mines
    /// another head gets another one. It is worth what mining a head costs.
    Head,
    /// Bytes that the verifier chose once the head was known.
    Verifier(ChallengeValue),
    /// Bytes of a public beacon, from after the head was known.
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

    /// The value's bytes; none for [`ChallengeSource::Head`].
    pub fn value(&self) -> &[u8] {
        match self {
            ChallengeSource::Head => &[],
            ChallengeSource::Verifier(value) | ChallengeSource::Beacon(value) => value.bytes(),
        }
    }

    /// The seed of this challenge to the chain that ends with `head`.
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

/// The segments of a chain, and which of them are checked whatever the seed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPool {
    segments: SegmentCount,
    always: BTreeSet<SegmentIndex>,
}

impl SegmentPool {
    /// A chain of so many segments. The first and the last are always checked,
    /// and so are those named.
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

    /// Segments of the chain.
    pub fn segments(&self) -> SegmentCount {
        self.segments
    }

    /// Those that are always checked.
    pub fn always(&self) -> &BTreeSet<SegmentIndex> {
        &self.always
    }

    /// How many are not always checked: n′ of the detection formula.
    pub fn remaining(&self) -> SegmentCount {
        SegmentCount(self.segments.0 - self.always.len() as u64)
    }

    /// The `count` segments that `seed` picks of those not always checked, in
    /// ascending order. Takes time in proportion to the number of segments and
    /// memory in proportion to `count`. A larger count picks the same segments
    /// and more.
    ///
    /// # Errors
    ///
    /// [`ChallengeError::TooMany`] if fewer remain.
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
        // The smallest keys so far, the largest of them on top.
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
