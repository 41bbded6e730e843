//! How many nonces to give to the device at a time.

use std::time::Duration;

/// What else the GPU does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Nothing that must not wait: dispatches last about 50 ms.
    #[default]
    Alone,
    /// It trains as well: dispatches last about 5 ms, so that a kernel of the
    /// training waits no longer than 10 ms, for the two in flight.
    WithTraining,
}

impl Sharing {
    /// How long a dispatch should last: long enough that the round trip between
    /// host and device does not count, and far from the seconds after which
    /// drivers reset a device.
    fn aim(self) -> Duration {
        match self {
            Sharing::Alone => Duration::from_millis(50),
            Sharing::WithTraining => Duration::from_millis(5),
        }
    }
}

/// What a round trip costs, about: shorter dispatches save no time.
const ROUND_TRIP: Duration = Duration::from_micros(200);

/// Nonces of an engine's first dispatch, short on the slowest device.
const FIRST: f64 = 16_384.0;

/// A software adapter must not be asked for less than is worth a round trip,
/// and offsets in a dispatch must stay far below 2^32.
const BOUNDS: (f64, f64) = (1024.0, 1_073_741_824.0);

/// How much faster or slower the device may look after a dispatch than before.
const STEP: f64 = 4.0;

/// An invocation tries one nonce for each of these in a dispatch's time, and
/// [`MOST_PER_INVOCATION`] at most. Starting an invocation costs something (half
/// of the time on a software adapter), so it should try several. But a
/// dispatch ends only with its last invocations, when the device has little
/// left to do. A full GPU, small or large, spends some 40 us on a nonce (faster
/// ones run more invocations at once), so that they take 1.6 % of a dispatch.
const ROUND: Duration = Duration::from_micros(2500);

/// Nonces of an invocation in a dispatch of any length.
const MOST_PER_INVOCATION: f64 = 16.0;

/// A first hit is sought with dispatches of this part of what it is expected
/// to take, for what lies behind the hit is wasted.
const PART_OF_EXPECTED: u64 = 16;

/// What has been learnt about the device's speed.
#[derive(Clone, Debug)]
pub struct Pace {
    aim: Duration,
    /// Nonces per second.
    rate: f64,
}

impl Pace {
    pub fn new(sharing: Sharing) -> Self {
        let aim = sharing.aim();
        let rate = FIRST / aim.as_secs_f64();
        Pace { aim, rate }
    }

    /// Nonces for a dispatch of the whole length.
    pub fn full(&self) -> u32 {
        let nonces = self.rate * self.aim.as_secs_f64();
        nonces.clamp(BOUNDS.0, BOUNDS.1) as u32
    }

    /// Nonces for a dispatch that should not go far beyond the first hit,
    /// which is expected after `expected` nonces.
    pub fn first(&self, expected: u64) -> u32 {
        let full = self.full();
        let least = (self.rate * ROUND_TRIP.as_secs_f64()) as u32;
        u32::try_from(expected / PART_OF_EXPECTED)
            .unwrap_or(u32::MAX)
            .clamp(least.clamp(1, full), full)
    }

    /// How many nonces an invocation should try in a dispatch of that many.
    pub fn per_invocation(&self, nonces: u32) -> u32 {
        let rounds = f64::from(nonces) / self.rate / ROUND.as_secs_f64();
        rounds.round().clamp(1.0, MOST_PER_INVOCATION) as u32
    }

    /// Learns from a dispatch that the device worked on for `time`.
    pub fn took(&mut self, nonces: u32, time: Duration) {
        let rate = f64::from(nonces) / time.as_secs_f64().max(1e-6);
        // A short dispatch shows how fast the device is at least, no more.
        if rate < self.rate && nonces < self.full() / 2 && time < self.aim {
            return;
        }
        let lowest = BOUNDS.0 / self.aim.as_secs_f64();
        let highest = BOUNDS.1 / self.aim.as_secs_f64();
        let step = rate.clamp(self.rate / STEP, self.rate * STEP);
        self.rate = step.clamp(lowest, highest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Sharing; 2] = [Sharing::Alone, Sharing::WithTraining];

    fn settled(sharing: Sharing, rate: f64) -> Pace {
        let mut pace = Pace::new(sharing);
        for _ in 0..20 {
            took(&mut pace, rate);
        }
        pace
    }

    /// A full dispatch on a device of that speed, in seconds.
    fn took(pace: &mut Pace, rate: f64) -> f64 {
        let nonces = pace.full();
        let seconds = f64::from(nonces) / rate;
        pace.took(nonces, Duration::from_secs_f64(seconds));
        seconds
    }

    #[test]
    fn dispatches_come_to_last_as_long_as_they_should() {
        for (sharing, aim) in [(Sharing::Alone, 0.05), (Sharing::WithTraining, 0.005)] {
            for rate in [1e6, 1e7, 5e9] {
                let full = f64::from(settled(sharing, rate).full());
                assert!((full / rate - aim).abs() < aim / 50.0, "{full} at {rate}");
            }
            assert_eq!(f64::from(settled(sharing, 1e13).full()), BOUNDS.1);
            assert_eq!(f64::from(settled(sharing, 1.0).full()), BOUNDS.0);
        }
    }

    /// Half a second is far from where drivers reset a device, also when it
    /// turns out to be slow, or becomes slower all at once.
    #[test]
    fn no_dispatch_lasts_longer_than_500_ms() {
        for sharing in BOTH {
            for rate in [5e4_f64, 1e6, 5e9] {
                let mut pace = Pace::new(sharing);
                for dispatch in 0..60 {
                    let slowed = if (20..40).contains(&dispatch) {
                        8.0
                    } else {
                        1.0
                    };
                    // The slowest device is not slowed: it computes as few as
                    // a dispatch may have.
                    let seconds = took(&mut pace, (rate / slowed).max(5e4));
                    assert!(seconds < 0.5, "{seconds} s, {sharing:?}, {rate}");
                }
            }
        }
    }

    /// A host that was held up may see two dispatches done at once.
    #[test]
    fn a_dispatch_that_seems_to_take_no_time_does_little_harm() {
        let mut pace = settled(Sharing::Alone, 1e7);
        pace.took(pace.full(), Duration::ZERO);
        assert!(f64::from(pace.full()) / 1e7 < 0.5);
    }

    #[test]
    fn a_short_dispatch_does_not_slow_the_pace() {
        let mut pace = settled(Sharing::Alone, 1e7);
        let full = pace.full();
        pace.took(64, Duration::from_millis(1));
        assert_eq!(pace.full(), full);
        pace.took(full / 4, Duration::from_millis(500));
        assert!(pace.full() < full);
    }

    #[test]
    fn an_invocation_is_short_against_its_dispatch() {
        let pace = settled(Sharing::Alone, 1e9);
        assert_eq!(pace.per_invocation(pace.full()), 16);
        assert_eq!(pace.per_invocation(pace.first(1)), 1);
        let pace = settled(Sharing::WithTraining, 1e9);
        assert_eq!(pace.per_invocation(pace.full()), 2);
    }

    #[test]
    fn a_first_hit_asks_for_a_part_of_what_it_expects() {
        let pace = settled(Sharing::Alone, 1e7);
        assert_eq!(pace.first(160_000), 10_000);
        // What fits in a round trip.
        assert_eq!(pace.first(1), 2000);
        assert_eq!(pace.first(u64::MAX), pace.full());
    }
}
