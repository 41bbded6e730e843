//! Where the time is read. Tests read it from a clock of their own.

use pow_core::body::UnixMillis;
use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The two clocks of a machine.
pub trait TimeSource: Debug + Send + Sync {
    /// The date, by the clock that people set. It may jump forwards and backwards.
    /// `None` if it reads a time before 1970.
    fn date(&self) -> Option<UnixMillis>;

    /// The time since some fixed moment. It never goes backwards. Nothing else is
    /// promised: it may stand still or go on while the machine sleeps.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the operating system.
///
/// ```
/// use pow_mine::{SystemTimeSource, TimeSource};
/// let before = SystemTimeSource.monotonic();
/// assert!(SystemTimeSource.monotonic() >= before);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTimeSource;

/// When this process first asked for the time.
static BEGAN: OnceLock<Instant> = OnceLock::new();

impl TimeSource for SystemTimeSource {
    fn date(&self) -> Option<UnixMillis> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Some(UnixMillis(
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        ))
    }

    fn monotonic(&self) -> Duration {
        BEGAN.get_or_init(Instant::now).elapsed()
    }
}
