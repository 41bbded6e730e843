//! How much time a search counts for: what passed, but no more than its hashes can
//! have taken.

use std::time::Duration;

/// A search counts for at most this many times what its hashes take at the rate of
/// the searches before, and [`GRACE`]. Other programs may make a search slower than
/// the ones before. Only a process or a machine that slept makes it this slow at once.
/// If the search was really this slow, the measured rate falls with each search until
/// all of the time counts.
const SLACK: u32 = 4;

/// What every search may take besides hashing: threads that wake up, a dispatch.
const GRACE: Duration = Duration::from_millis(50);

/// With each search, this part of the past is forgotten. So a machine that becomes a
/// hundred times slower is measured rightly after about ten searches.
const FORGOTTEN: u64 = 8;

/// The hash rate that is assumed before the first search, in hashes a second: less than
/// any machine has.
const SLOWEST: u64 = 10_000;

const SECOND: Duration = Duration::from_secs(1);

/// Measures the hash rate of the recent searches, and bounds by it what a search
/// counts for.
#[derive(Clone, Copy, Debug)]
pub struct MiningMeter {
    hashes: u64,
    nanos: u64,
}

impl Default for MiningMeter {
    fn default() -> Self {
        MiningMeter {
            hashes: 1,
            nanos: nanos(SECOND) / SLOWEST,
        }
    }
}

impl MiningMeter {
    /// Notes a search of so many hashes, and returns how much of the time that
    /// passed counts.
    pub fn count(&mut self, hashes: u64, passed: Duration) -> Duration {
        let expected = self.expected(hashes);
        let counted = passed.min(expected.saturating_mul(SLACK).saturating_add(GRACE));
        if counted.saturating_mul(SLACK) < expected {
            // So fast a search says more than all before, which may have slept.
            (self.hashes, self.nanos) = (0, 0);
        }
        let keep = |value: u64| value - value / FORGOTTEN;
        self.hashes = keep(self.hashes).saturating_add(hashes);
        self.nanos = keep(self.nanos).saturating_add(nanos(counted));
        counted
    }

    /// How many hashes take this time at the measured rate.
    pub fn hashes_in(&self, time: Duration) -> u64 {
        ratio(self.hashes, nanos(time), self.nanos)
    }

    /// How long so many hashes take at the measured rate.
    fn expected(&self, hashes: u64) -> Duration {
        Duration::from_nanos(ratio(hashes, self.nanos, self.hashes))
    }
}

/// `value · numerator / denominator`, as far as a `u64` goes.
fn ratio(value: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(value) * u128::from(numerator);
    u64::try_from(product / u128::from(denominator.max(1))).unwrap_or(u64::MAX)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of this many hashes in a second searches so many.
    fn time(hashes: u64, rate: u64) -> Duration {
        Duration::from_secs_f64(hashes as f64 / rate as f64)
    }

    /// A meter that knows a machine of 1,000,000 hashes in a second.
    fn known() -> MiningMeter {
        let mut meter = MiningMeter::default();
        for _ in 0..20 {
            meter.count(5000, time(5000, 1_000_000));
        }
        meter
    }

    #[test]
    fn a_machine_of_one_speed_is_counted_whole() {
        for rate in [3000, 1_000_000, 10_000_000_000] {
            let mut meter = MiningMeter::default();
            for hashes in [65_536, 1, 4_000_000, 300, 1 << 32, 7, 7, 7, 90_000] {
                // Threads that wake up, and what else takes no hash.
                for more in [Duration::ZERO, Duration::from_millis(40)] {
                    let passed = time(hashes, rate) + more;
                    assert_eq!(meter.count(hashes, passed), passed, "{rate}: {hashes}");
                }
            }
        }
    }

    #[test]
    fn a_search_that_slept_counts_for_little_and_is_soon_forgotten() {
        let mut meter = known();
        let slept = meter.count(5000, Duration::from_secs(8 * 3600));
        let most = Duration::from_millis(4 * 5) + GRACE;
        assert!(
            slept <= most && slept > most - Duration::from_millis(1),
            "{slept:?}"
        );
        for _ in 0..20 {
            meter.count(5000, time(5000, 1_000_000));
        }
        let again = meter.count(5000, Duration::from_secs(60));
        assert!(again < 2 * slept, "{again:?}");
    }

    #[test]
    fn the_very_first_search_may_sleep() {
        let mut meter = MiningMeter::default();
        let hours = Duration::from_secs(8 * 3600);
        let first = meter.count(65_536, hours);
        assert!(first < Duration::from_secs(27), "{first:?}");
        // The second one was fast, and is believed.
        meter.count(65_536, time(65_536, 1_000_000));
        let third = meter.count(65_536, hours);
        assert!(third < Duration::from_millis(400), "{third:?}");
    }

    #[test]
    fn a_machine_that_becomes_slower_soon_counts_whole() {
        for slower in [3, 10, 100, 1000] {
            let mut meter = known();
            let passed = time(500_000, 1_000_000) * slower;
            let mut cut = 0;
            while meter.count(500_000, passed) < passed {
                cut += 1;
            }
            assert!(cut <= 20, "{slower} times slower: {cut} searches");
            // And it stays so.
            for _ in 0..100 {
                assert_eq!(meter.count(500_000, passed), passed, "{slower}");
            }
        }
    }

    #[test]
    fn the_longest_times_do_not_overflow() {
        let mut meter = MiningMeter::default();
        for _ in 0..3 {
            meter.count(u64::MAX, Duration::MAX);
            meter.count(0, Duration::MAX);
            meter.count(u64::MAX, Duration::ZERO);
            meter.count(0, Duration::ZERO);
        }
        meter.hashes_in(Duration::MAX);
    }
}
