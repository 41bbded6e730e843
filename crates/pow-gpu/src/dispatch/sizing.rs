//! The size of dispatches: how many nonces the device gets at a time.

use std::time::Duration;

/// What else the GPU is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Nothing urgent. A dispatch takes about 50 ms.
    #[default]
    Alone,
    /// A training. A dispatch takes about 5 ms. So a kernel of the training
    /// waits for at most 10 ms, for two dispatches in flight.
    WithTraining,
}

impl Sharing {
    /// How long a dispatch should take. It should be much longer than the round
    /// trip between host and device, and much shorter than the seconds after
    /// which drivers reset a device.
    fn aim(self) -> Duration {
        match self {
            Sharing::Alone => Duration::from_millis(50),
            Sharing::WithTraining => Duration::from_millis(5),
        }
    }
}

/// About the time of a round trip. Dispatches that are much shorter save no
/// time.
const ROUND_TRIP: Duration = Duration::from_micros(200);

/// Nonces in an engine's first dispatch. It is short even on the slowest
/// device.
const FIRST: f64 = 16_384.0;

/// The fewest and the most nonces in a dispatch. Even on a software adapter, a
/// dispatch must be worth the round trip. Offsets in a dispatch must stay far
/// below 2^32.
const BOUNDS: (f64, f64) = (1024.0, 1_073_741_824.0);

/// The most by which one measurement changes the speed: to this many times as
/// fast or as slow.
const STEP: f64 = 4.0;

/// In a dispatch, an invocation tries one nonce for each of these periods, and
/// at most [`MOST_PER_INVOCATION`]. Starting an invocation costs time (on a
/// software adapter half of the whole time), so it should try several nonces.
/// But at the end of a dispatch, the device waits for the last invocations and
/// has little else to do. A fully used GPU of any size spends about 40 µs on a
/// nonce (faster ones run more invocations at once). So the last invocations
/// take at most 3 % of a dispatch.
const ROUND: Duration = Duration::from_micros(1250);

/// The most nonces that an invocation tries.
const MOST_PER_INVOCATION: f64 = 16.0;

/// How many short dispatches are measured together. The host may notice the end
/// of one late, and then sees that the next one is finished too. So the time of
/// one dispatch may be missing in the sum.
const TOGETHER: u32 = 4;

/// The measured speed of the device, and the dispatch sizes that follow from
/// it.
#[derive(Clone, Debug)]
pub struct DispatchSizing {
    aim: Duration,
    /// Nonces per second.
    rate: f64,
    short: Short,
}

/// The last short dispatches. There are fewer than [`TOGETHER`].
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

    /// The number of nonces for a dispatch of full length.
    pub fn full(&self) -> u32 {
        let nonces = self.rate * self.aim.as_secs_f64();
        nonces.clamp(BOUNDS.0, BOUNDS.1) as u32
    }

    /// The number of nonces for a dispatch that should end soon after the first
    /// hit, which is expected after `expected` nonces. It is a small part of
    /// `expected`, because nonces after the hit are wasted. But it is at least
    /// what is worth a round trip, or what almost certainly has a hit.
    pub fn first(&self, expected: u64) -> u32 {
        let full = u64::from(self.full());
        let round_trip = (self.rate * ROUND_TRIP.as_secs_f64()) as u64;
        let least = round_trip.min(expected.saturating_mul(4)).clamp(1, full);
        (expected / 16).clamp(least, full) as u32
    }

    /// How many nonces an invocation should try, in a dispatch of `nonces`
    /// nonces.
    pub fn per_invocation(&self, nonces: u32) -> u32 {
        let rounds = f64::from(nonces) / self.rate / ROUND.as_secs_f64();
        rounds.round().clamp(1.0, MOST_PER_INVOCATION) as u32
    }

    /// Records that the device worked on a dispatch of `nonces` nonces for
    /// `time`.
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
            // They only show the least speed of the device, because their time
            // includes the round trip.
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

    /// Makes a full dispatch on a device of this speed. Returns its time in
    /// seconds.
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

    /// Drivers reset a device only after a much longer time than half a second.
    /// This holds even if the device is slow, or suddenly becomes slower.
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
                    // The slowest device does not become slower: its dispatches
                    // are already the smallest ones.
                    let seconds = took(&mut sizing, (rate / slowed).max(5e4));
                    assert!(seconds < 0.5, "{seconds} s, {sharing:?}, {rate}");
                }
            }
        }
    }

    /// A host that is delayed sees two dispatches finish at once.
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
        // What is worth a round trip.
        assert_eq!(sizing.first(1000), 2000);
        // Four times the expected number has no hit with probability e^-4.
        assert_eq!(sizing.first(100), 400);
        assert_eq!(sizing.first(0), 1);
        assert_eq!(sizing.first(u64::MAX), sizing.full());
    }
}
