//! Parts of a challenge, for several machines.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// Part *i* of *n* of a challenge. The challenged segments are counted from 0 in
/// ascending order. Segment number *k* belongs to the part *i* with *k* mod *n* = *i* − 1.
/// Parts do not depend on each other, so each can run on any machine.
///
/// ```
/// use pow_audit::replay::Shard;
/// let shard: Shard = "2/3".parse()?;
/// assert_eq!(shard.part_of(&['a', 'b', 'c', 'd', 'e']), ['b', 'e']);
/// # Ok::<(), pow_audit::replay::ShardError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: NonZeroU32,
    of: NonZeroU32,
}

/// A text or a pair of numbers that does not name a part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected I/N with 1 <= I <= N, found {0:?}")]
pub struct ShardError(pub String);

impl Shard {
    /// The whole challenge, as its only part.
    pub const WHOLE: Shard = Shard {
        index: NonZeroU32::MIN,
        of: NonZeroU32::MIN,
    };

    /// Part `index` of `of`, counted from 1.
    ///
    /// # Errors
    ///
    /// [`ShardError`] unless 1 ≤ `index` ≤ `of`.
    pub fn new(index: u32, of: u32) -> Result<Self, ShardError> {
        match (NonZeroU32::new(index), NonZeroU32::new(of)) {
            (Some(index), Some(of)) if index <= of => Ok(Shard { index, of }),
            _ => Err(ShardError(format!("{index}/{of}"))),
        }
    }

    /// The number of this part, counted from 1.
    pub fn index(self) -> u32 {
        self.index.get()
    }

    /// The number of parts.
    pub fn of(self) -> u32 {
        self.of.get()
    }

    /// The elements of `all` that belong to this part.
    pub fn part_of<T: Copy>(self, all: &[T]) -> Vec<T> {
        let (first, step) = (self.index() as usize - 1, self.of() as usize);
        all.iter().skip(first).step_by(step).copied().collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let error = || ShardError(text.into());
        let (index, of) = text.split_once('/').ok_or_else(error)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| error());
        Shard::new(number(index)?, number(of)?).map_err(|_| error())
    }
}
