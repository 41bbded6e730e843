//! The clock of a chain: when each block was started and found.

use crate::time::{SystemTimeSource, TimeSource};
use pow_core::body::UnixMillis;
use pow_core::header::HeaderTime;
use std::sync::Arc;
use std::time::Duration;

/// The last millisecond of the last second that a block header can hold, in the year
/// 2106.
const LATEST: u64 = u32::MAX as u64 * 1000 + 999;

/// Says when the blocks of a chain are started and found, so that the rules 8 and 9 of
/// the format hold whatever the machine's clocks do.
///
/// - A block is started now, by the date. If the date lies before the time at which
///   the last block was found, because somebody set it back, the block is started at
///   that time. The pauses between blocks then bring chain and date together again.
/// - A block is found when its [mining time](crate::Mined::time) has passed. The date
///   is not asked: a sleep or a jump of the date is no mining.
/// - If the date cannot be in a header (before 1970, after 2106), the clock goes on from
///   the last time that it knows, as a stopwatch does.
///
/// ```
/// use pow_core::body::UnixMillis;
/// use pow_mine::ChainClock;
/// use std::time::Duration;
///
/// let mut clock = ChainClock::new(None);
/// let genesis = clock.start();
/// assert_eq!(genesis.parent_found, genesis.start);
/// clock.found(genesis, Duration::from_millis(5));
/// let next = clock.start();
/// assert_eq!(next.parent_found, UnixMillis(genesis.start.0 + 5));
/// assert!(next.start >= next.parent_found);
/// ```
#[derive(Clone, Debug)]
pub struct ChainClock {
    source: Arc<dyn TimeSource>,
    found: Option<UnixMillis>,
    /// What was mined beyond whole milliseconds. The next block counts it, so that many
    /// short searches are counted rightly.
    rest: Duration,
    /// A time, and what the stopwatch read then.
    known: (UnixMillis, Duration),
}

/// When a block is started, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockStart {
    /// When mining starts.
    pub start: UnixMillis,
    /// When the block before was found. In genesis, the start.
    pub parent_found: UnixMillis,
    /// The time for the header: the start's second.
    pub header: HeaderTime,
}

impl ChainClock {
    /// The clock of a chain by the system's clocks. `last` is the
    /// [start](pow_core::chain::VerifiedChain::last_start) of the last block of a chain
    /// that is continued, because nobody knows when that block was found. `None` for a
    /// new chain.
    pub fn new(last: Option<UnixMillis>) -> Self {
        Self::with_source(last, Arc::new(SystemTimeSource))
    }

    /// The same by other clocks.
    pub fn with_source(last: Option<UnixMillis>, source: Arc<dyn TimeSource>) -> Self {
        ChainClock {
            known: (last.unwrap_or_default(), source.monotonic()),
            source,
            found: last,
            rest: Duration::ZERO,
        }
    }

    /// When the last block was found. `None` before genesis was.
    pub fn last_found(&self) -> Option<UnixMillis> {
        self.found
    }

    /// The start of the next block, now.
    pub fn start(&self) -> BlockStart {
        let now = self.now();
        let start = self.found.map_or(now, |found| now.max(found));
        // Neither date nor found is later than a header can hold.
        let seconds = u32::try_from(start.0 / 1000).unwrap_or(u32::MAX);
        BlockStart {
            start,
            parent_found: self.found.unwrap_or(start),
            header: HeaderTime(seconds),
        }
    }

    /// Notes that the block with this start was found after `time` of mining.
    pub fn found(&mut self, block: BlockStart, time: Duration) {
        let time = self.rest.saturating_add(time);
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.rest = Duration::from_nanos(u64::from(time.subsec_nanos()) % 1_000_000);
        let found = UnixMillis(block.start.0.saturating_add(millis).min(LATEST));
        self.found = Some(found);
        self.known = (found, self.source.monotonic());
    }

    fn now(&self) -> UnixMillis {
        match self.source.date().filter(|date| date.0 <= LATEST) {
            Some(date) => date,
            None => {
                let (known, read) = self.known;
                let passed = self.source.monotonic().saturating_sub(read).as_millis();
                let passed = u64::try_from(passed).unwrap_or(u64::MAX);
                UnixMillis(known.0.saturating_add(passed).min(LATEST))
            }
        }
    }
}
