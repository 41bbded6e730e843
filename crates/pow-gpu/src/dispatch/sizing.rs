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

/// What a round trip costs, about: much shorter dispatches save no time.
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
/// ones run more invocations at once), so that they take 3 % of a dispatch at most.
const ROUND: Duration = Duration::from_micros(1250);

/// Nonces of an invocation in a dispatch of any length.
const MOST_PER_INVOCATION: f64 = 16.0;

/// Short dispatches that are looked at together. The host may see one of them
/// done late and the next one, in flight with it, done at once; so that the
/// time of one dispatch may be missing from the sum.
const TOGETHER: u32 = 4;

/// What has been learnt about the device's speed.
#[derive(Clone, Debug)]
pub struct DispatchSizing {
    aim: Duration,
    /// Nonces per second.
    rate: f64,
    short: Short,
}

/// The last short dispatches, fewer than [`TOGETHER`].
#[derive(Clone, Copy, Debug, Default)]
struct Short {
    dispatches: u32,
    nonces: u64,
    time: Duration,
}

impl DispatchSizing {
    pub fn new(sharing: Sharing) -> Self {
        let aim = sharing.aim();
        let rate = FIRST / aim.as_secs_f64();
        DispatchSizing {
            aim,
            rate,
            short: Short::default(),
        }
    }

    /// Nonces for a dispatch of the whole length.
    pub fn full(&self) -> u32 {
        let nonces = self.rate * self.aim.as_secs_f64();
        nonces.clamp(BOUNDS.0, BOUNDS.1) as u32
    }

    /// Nonces for a dispatch that should not go far beyond the first hit,
    /// which is expected after `expected` nonces: a small part of them, as what
    /// lies behind the hit is wasted, but no less than is worth a round trip or
    /// will almost certainly do.
    pub fn first(&self, expected: u64) -> u32 {
        let full = u64::from(self.full());
        let round_trip = (self.rate * ROUND_TRIP.as_secs_f64()) as u64;
        let least = round_trip.min(expected.saturating_mul(4)).clamp(1, full);
        (expected / 16).clamp(least, full) as u32
    }

    /// How many nonces an invocation should try in a dispatch of that many.
    pub fn per_invocation(&self, nonces: u32) -> u32 {
        let rounds = f64::from(nonces) / self.rate / ROUND.as_secs_f64();
        rounds.round().clamp(1.0, MOST_PER_INVOCATION) as u32
    }

    /// Learns from a dispatch that the device worked on for `time`.
    pub fn took(&mut self, nonces: u32, time: Duration) {
        if time >= self.aim / 2 {
            self.learn(f64::from(nonces) / time.as_secs_f64());
            return;
        }
        self.short.dispatches += 1;
        self.short.nonces += u64::from(nonces);
        self.short.time += time;
        if self.short.dispatches == TOGETHER {
            let short = std::mem::take(&mut self.short);
            // They show how fast the device is at least, no more: a part of
            // their time is the round trip.
            let rate = short.nonces as f64 / short.time.as_secs_f64().max(1e-6);
            self.learn(rate.max(self.rate));
        }
    }

    fn learn(&mut self, rate: f64) {
        let lowest = BOUNDS.0 / self.aim.as_secs_f64();
        let highest = BOUNDS.1 / self.aim.as_secs_f64();
        let step = rate.clamp(self.rate / STEP, self.rate * STEP);
        self.rate = step.clamp(lowest, highest);
        self.short = Short::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Sharing; 2] = [Sharing::Alone, Sharing::WithTraining];

    fn settled(sharing: Sharing, rate: f64) -> DispatchSizing {
        let mut sizing = DispatchSizing::new(sharing);
        for _ in 0..100 {
            took(&mut sizing, rate);
        }
        sizing
    }

    /// A full dispatch on a device of that speed, in seconds.
    fn took(sizing: &mut DispatchSizing, rate: f64) -> f64 {
        let nonces = sizing.full();
        let seconds = f64::from(nonces) / rate;
        sizing.took(nonces, Duration::from_secs_f64(seconds));
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
                let mut sizing = DispatchSizing::new(sharing);
                for dispatch in 0..300 {
                    let slowed = if (100..200).contains(&dispatch) {
                        8.0
                    } else {
                        1.0
                    };
                    // The slowest device is not slowed: it computes as few as
                    // a dispatch may have.
                    let seconds = took(&mut sizing, (rate / slowed).max(5e4));
                    assert!(seconds < 0.5, "{seconds} s, {sharing:?}, {rate}");
                }
            }
        }
    }

    /// A host that is held up sees two dispatches done at once.
    #[test]
    fn dispatches_that_are_seen_late_mislead_only_a_little() {
        let rate = 1e7;
        for part in [1, 2, 100] {
            let mut sizing = settled(Sharing::Alone, rate);
            for _ in 0..100 {
                let nonces = sizing.full() / part;
                let both = 2.0 * f64::from(nonces) / rate;
                sizing.took(nonces, Duration::from_secs_f64(both));
                sizing.took(nonces, Duration::ZERO);
                assert!(f64::from(sizing.full()) / rate < 0.07);
            }
            assert!(f64::from(sizing.full()) / rate > 0.02);
        }
    }

    #[test]
    fn a_short_dispatch_does_not_slow_the_pace() {
        let mut sizing = settled(Sharing::Alone, 1e7);
        let full = sizing.full();
        for _ in 0..20 {
            sizing.took(64, Duration::from_millis(1));
        }
        assert_eq!(sizing.full(), full);
        sizing.took(full / 4, Duration::from_millis(500));
        assert!(sizing.full() < full);
    }

    #[test]
    fn an_invocation_is_short_against_its_dispatch() {
        let sizing = settled(Sharing::Alone, 1e9);
        assert_eq!(sizing.per_invocation(sizing.full()), 16);
        assert_eq!(sizing.per_invocation(sizing.first(1)), 1);
        let sizing = settled(Sharing::WithTraining, 1e9);
        assert_eq!(sizing.per_invocation(sizing.full()), 4);
    }

    #[test]
    fn a_first_hit_asks_for_a_part_of_what_it_expects() {
        let sizing = settled(Sharing::Alone, 1e7);
        assert_eq!(sizing.first(160_000), 10_000);
        // A round trip's worth.
        assert_eq!(sizing.first(1000), 2000);
        // Four times as many miss with probability e^-4.
        assert_eq!(sizing.first(100), 400);
        assert_eq!(sizing.first(0), 1);
        assert_eq!(sizing.first(u64::MAX), sizing.full());
    }
}
