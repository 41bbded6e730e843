//! How fast an engine is, and how much to give it next.

use std::time::Duration;

/// Nonces in the first piece for an engine that nothing is known of: a few
/// milliseconds of a CPU core, and not much more than a GPU's latency.
const FIRST: u64 = 1 << 16;

/// A piece is at most this many times the largest before: a short one, in which
/// latency counts, says little of a long one.
const GROWTH: u64 = 8;

/// The shortest and the longest pieces of an engine whose speed is known. Short
/// ones let the engines come back together, long ones keep a GPU's pipeline
/// full.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);

/// How much of the past counts.
const MEMORY: Duration = Duration::from_secs(1);

/// What an engine did in the last second or so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSpeed {
    nonces: u64,
    micros: u64,
    /// Nonces in the largest piece so far.
    largest: u64,
}

impl EngineSpeed {
    /// Takes in that a piece of `nonces` was searched in `time`.
    pub fn note(&mut self, nonces: u64, time: Duration) {
        self.nonces += nonces;
        self.micros += micros(time).max(1);
        self.largest = self.largest.max(nonces);
        while self.micros > micros(MEMORY) {
            self.nonces /= 2;
            self.micros /= 2;
        }
    }

    /// Nonces in this time; None before the first piece.
    pub fn nonces_in(&self, time: Duration) -> Option<u64> {
        let nonces = u128::from(self.nonces) * u128::from(micros(time));
        let nonces = nonces.checked_div(u128::from(self.micros))?;
        Some(u64::try_from(nonces).unwrap_or(u64::MAX))
    }

    /// How many of the `remaining` nonces to search next, at least 1, beside
    /// engines that together (this one included) search `all_in_a_second`: half
    /// of this engine's share, so that there is something left to even out.
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
        // 10 ms of work at least, half a second at most, never more than is left.
        assert_eq!(known.next_piece(11_000, 1_000_000_000), 10_000);
        assert_eq!(known.next_piece(1 << 32, 1_000_000), 500_000);
        assert_eq!(known.next_piece(3, 1_000_000), 3);
        // What is unknown gets little, what was short is not followed by much.
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
