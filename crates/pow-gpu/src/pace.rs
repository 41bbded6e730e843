//! How many nonces to give to the device at a time.

use std::time::Duration;

/// How long a dispatch should last: long enough that the round trip between
/// dispatches does not count, short enough to cancel soon and to stay far from
/// the seconds after which drivers reset a device.
const AIM: Duration = Duration::from_millis(50);

/// Nonces of an engine's first dispatch, short on the slowest device.
const FIRST: u32 = 1 << 14;

/// A software adapter must not be asked for less than is worth a round trip,
/// and offsets in a dispatch must stay far below 2^32.
const BOUNDS: (f64, f64) = (1024.0, 268_435_456.0);

/// How much larger or smaller a dispatch may be than the one before.
const STEP: f64 = 4.0;

/// What has been learnt about the device's speed.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Nonces that last about [`AIM`].
    full: u32,
}

impl Pace {
    pub fn new() -> Self {
        Pace { full: FIRST }
    }

    /// Nonces for a dispatch of the whole length.
    pub fn full(&self) -> u32 {
        self.full
    }

    /// Nonces for a dispatch that should not go far beyond the first hit,
    /// which is expected after `expected` nonces: no less than fit in about
    /// 0.2 ms, where a round trip costs more than the hashing.
    pub fn first(&self, expected: u64) -> u32 {
        let least = self.full / 256;
        u32::try_from(expected)
            .unwrap_or(u32::MAX)
            .clamp(least, self.full)
    }

    /// Learns from a dispatch.
    pub fn took(&mut self, nonces: u32, time: Duration) {
        let ideal = f64::from(nonces) * AIM.as_secs_f64() / time.as_secs_f64().max(1e-6);
        let full = f64::from(self.full);
        // A short dispatch shows how fast the device is at least, no more.
        if ideal < full && nonces < self.full / 2 && time < AIM {
            return;
        }
        let next = ideal.clamp(full / STEP, full * STEP);
        self.full = next.clamp(BOUNDS.0, BOUNDS.1) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(rate: f64) -> Pace {
        let mut pace = Pace::new();
        for _ in 0..20 {
            let nonces = pace.full();
            pace.took(nonces, Duration::from_secs_f64(f64::from(nonces) / rate));
        }
        pace
    }

    #[test]
    fn dispatches_come_to_last_50_ms() {
        for rate in [1e5, 1e7, 5e9] {
            let full = f64::from(settled(rate).full());
            assert!((full / rate - 0.05).abs() < 0.001, "{full} at {rate}");
        }
        assert_eq!(f64::from(settled(1e12).full()), BOUNDS.1);
        assert_eq!(f64::from(settled(1.0).full()), BOUNDS.0);
    }

    #[test]
    fn a_short_dispatch_does_not_slow_the_pace() {
        let mut pace = settled(1e7);
        let full = pace.full();
        pace.took(64, Duration::from_millis(1));
        assert_eq!(pace.full(), full);
        pace.took(full / 4, Duration::from_millis(500));
        assert!(pace.full() < full);
    }

    #[test]
    fn a_first_hit_asks_for_what_it_expects() {
        let pace = settled(1e7);
        assert_eq!(pace.first(4096), 4096);
        assert_eq!(pace.first(1), pace.full() / 256);
        assert_eq!(pace.first(u64::MAX), pace.full());
    }
}
