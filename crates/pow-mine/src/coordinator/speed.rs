//! How fast an engine is, and how long its next piece should be.

use std::time::Duration;

/// Nonces in the first piece of an engine of unknown speed. A CPU core needs a
/// few milliseconds for them, and a GPU little more than its latency.
const FIRST: u64 = 1 << 16;

/// A piece is at most this many times as long as the longest one before. In a
/// short piece latency matters, so it says little about a long one.
const GROWTH: u64 = 8;

/// The shortest and the longest piece of an engine of known speed. Short pieces
/// let all engines finish together. Long pieces keep a GPU's pipeline full.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);

/// How much of the past counts for the speed.
const MEMORY: Duration = Duration::from_secs(1);

/// What an engine did in about the last second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSpeed {
    nonces: u64,
    micros: u64,
    /// Nonces in the longest piece so far.
    largest: u64,
}

impl EngineSpeed {
    /// Records that a piece of `nonces` nonces was searched in `time`.
    pub fn note(&mut self, nonces: u64, time: Duration) {
        self.nonces += nonces;
        self.micros += micros(time).max(1);
        self.largest = self.largest.max(nonces);
        while self.micros > micros(MEMORY) {
            self.nonces /= 2;
            self.micros /= 2;
        }
    }

    /// How many nonces the engine searches in this time. `None` before the
    /// first piece.
    pub fn nonces_in(&self, time: Duration) -> Option<u64> {
        let nonces = u128::from(self.nonces) * u128::from(micros(time));
        let nonces = nonces.checked_div(u128::from(self.micros))?;
        Some(u64::try_from(nonces).unwrap_or(u64::MAX))
    }

    /// How many of the `remaining` nonces this engine should search next. At
    /// least 1. All engines together, including this one, search
    /// `all_in_a_second` nonces in a second. The result is half of this
    /// engine's share, so enough is left to balance the engines later.
    pub fn next_piece(&self, remaining: u64, all_in_a_second: u64) -> u64 {
        let known = |time| self.nonces_in(time);
        let (Some(second), Some(shortest), Some(longest)) = (
            known(Duration::from_secs(1)),
            known(SHORTEST),
            known(LONGEST),
        ) else {
            return FIRST.min(remaining.div_ceil(2)).max(1);
        };
        let share = u128::from(remaining) * u128::from(second)
            / u128::from(all_in_a_second.max(second).max(1));
        let half = u64::try_from(share / 2).unwrap_or(u64::MAX);
        half.clamp(shortest, longest.max(shortest))
            .min(self.largest.saturating_mul(GROWTH))
            .clamp(1, remaining.max(1))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn speed(nonces: u64, time: Duration) -> EngineSpeed {
        let mut speed = EngineSpeed::default();
        speed.note(nonces, time);
        speed
    }

    #[test]
    fn shares_are_in_proportion_to_speed() {
        let slow = speed(30_000_000, SECOND);
        let fast = speed(90_000_000, SECOND);
        let remaining = 24_000_000;
        assert_eq!(slow.next_piece(remaining, 120_000_000), 3_000_000);
        assert_eq!(fast.next_piece(remaining, 120_000_000), 9_000_000);
    }

    #[test]
    fn pieces_keep_their_bounds() {
        let known = speed(1_000_000, SECOND);
        // At least 10 ms of work, at most half a second, never more than is
        // left.
        assert_eq!(known.next_piece(11_000, 1_000_000_000), 10_000);
        assert_eq!(known.next_piece(1 << 32, 1_000_000), 500_000);
        assert_eq!(known.next_piece(3, 1_000_000), 3);
        // An engine of unknown speed gets little, and a short piece is not
        // followed by a long one.
        assert_eq!(EngineSpeed::default().next_piece(1 << 32, 0), FIRST);
        assert_eq!(EngineSpeed::default().next_piece(1, 0), 1);
        let short = speed(100, Duration::from_micros(1));
        assert_eq!(short.next_piece(1 << 32, 100_000_000), 800);
    }

    #[test]
    fn the_past_is_forgotten() {
        let mut speed = speed(1_000_000, SECOND);
        for _ in 0..20 {
            speed.note(10_000_000, SECOND);
        }
        let now = speed.nonces_in(SECOND).expect("known");
        assert!((9_900_000..=10_000_000).contains(&now), "{now}");
    }
}
