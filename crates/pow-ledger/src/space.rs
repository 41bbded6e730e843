//! How much space a run will take, and how much there is.

use crate::error::LedgerError;
use crate::refusal::is_lacking;
use crate::run::run_dir::RunDir;
use pow_core::body::Schedule;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// A number of bytes on a disk. It is printed in units of a thousand, as disks are sold.
///
/// ```
/// use pow_ledger::space::Bytes;
///
/// assert_eq!(Bytes(999).to_string(), "999 bytes");
/// assert_eq!(Bytes(1_000).to_string(), "1.0 kB");
/// assert_eq!(Bytes(2_560_000_000).to_string(), "2.6 GB");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    fn times(self, count: u64) -> Self {
        Bytes(self.0.saturating_mul(count))
    }

    fn and(self, more: Bytes) -> Self {
        Bytes(self.0.saturating_add(more.0))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = u128::from(self.0);
        if value < 1_000 {
            return write!(f, "{value} bytes");
        }
        // In tenths of a unit, rounded.
        value = (value + 50) / 100;
        let mut units = ["kB", "MB", "GB", "TB", "PB", "EB"].into_iter();
        let mut unit = units.next().unwrap_or_default();
        for larger in units {
            if value < 10_000 {
                break;
            }
            value = (value + 500) / 1_000;
            unit = larger;
        }
        write!(f, "{}.{} {unit}", value / 10, value % 10)
    }
}

/// What a run will write, as far as it can be known when it begins.
///
/// ```
/// use pow_core::body::Schedule;
/// use pow_ledger::space::{Bytes, Forecast};
///
/// let schedule = Schedule {
///     planned: Some(1_000),
///     commit_every: 1,
///     checkpoint_every: 100,
///     keep_checkpoints: Some(2),
/// };
/// let forecast = Forecast::of(&schedule, Bytes(3_000_000), Bytes(1_000_000));
/// // The first, the two that are kept, and one more while it is written.
/// assert_eq!(forecast.checkpoints, 4);
/// assert_eq!(forecast.fits(Some(Bytes(10_000_000))), Some(false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// The most checkpoints that are on the disk at the same time. With
    /// [`is_growing`](Self::is_growing) this is only how many there are at first.
    pub checkpoints: u64,
    /// Size of one checkpoint.
    pub checkpoint: Bytes,
    /// Size of the chain at the end, if every block holds one entry. Blocks that hold more
    /// take less.
    pub chain: Bytes,
    /// Size of the final artifact.
    pub artifact: Bytes,
    /// Whether the run grows by one checkpoint, or by chain, for as long as it trains: its
    /// length is unknown.
    pub is_growing: bool,
}

/// Length of the record of a block with one entry that has a checkpoint part, in bytes, which
/// is rounded up: a header, a coinbase, a body, and the record's own 20 bytes.
const RECORD: Bytes = Bytes(512);

impl Forecast {
    /// The forecast for this schedule. `checkpoint` is the size of the model's and the
    /// optimizer's tensors, `artifact` that of the model's alone.
    pub fn of(schedule: &Schedule, checkpoint: Bytes, artifact: Bytes) -> Self {
        let due = |every: u64| {
            let steps = schedule.planned.unwrap_or(0);
            steps.checked_div(every).unwrap_or(0)
        };
        // The last step has a checkpoint, on the interval or off it.
        let written = due(schedule.checkpoint_every).saturating_add(1);
        let newest = match schedule.keep_checkpoints {
            // An older one is removed after the next is written.
            Some(keep) => u64::from(keep).saturating_add(1),
            None => u64::MAX,
        };
        let is_open = schedule.planned.is_none();
        let keeps_all = schedule.keep_checkpoints.is_none() && schedule.checkpoint_every != 0;
        let newest = match (is_open, keeps_all) {
            (true, true) => 1,
            (true, false) if schedule.checkpoint_every == 0 => 1,
            (true, false) => newest,
            (false, _) => newest.min(written),
        };
        // Genesis, the initial state, each commit, the last step, and the end.
        let blocks = due(schedule.commit_every).saturating_add(4);
        Forecast {
            checkpoints: newest.saturating_add(1),
            checkpoint,
            chain: RECORD.times(blocks),
            artifact,
            is_growing: is_open,
        }
    }

    /// All of it together. For a run that grows it is what it takes at first.
    pub fn total(&self) -> Bytes {
        let checkpoints = self.checkpoint.times(self.checkpoints);
        checkpoints.and(self.chain).and(self.artifact)
    }

    /// Whether all of it fits into this space. `None` if the space is unknown.
    pub fn fits(&self, free: Option<Bytes>) -> Option<bool> {
        free.map(|free| self.total() <= free)
    }

    /// A plain sentence for the start of a training. If the run does not fit, it says so.
    pub fn sentence(&self, free: Option<Bytes>) -> String {
        let (total, each, count) = (self.total(), self.checkpoint, self.checkpoints);
        let (at_least, then) = match self.is_growing {
            true => ("at first ", ", and more the longer it trains"),
            false => ("about ", ""),
        };
        let takes = format!(
            "this run takes {at_least}{total} (up to {count} checkpoints of {each}, chain and \
             model){then}"
        );
        match free {
            Some(free) if total > free => {
                format!("{takes}; only {free} are free, so the disk will be full before it ends")
            }
            Some(free) => format!("{takes}; {free} are free"),
            None => takes,
        }
    }
}

impl RunDir {
    /// The space that is free for this process where the run is or will be. `None` if the
    /// system does not say.
    ///
    /// ```
    /// use pow_ledger::RunDir;
    ///
    /// let place = tempfile::tempdir()?;
    /// let run = RunDir::new(place.path().join("not/yet/there"));
    /// println!("{:?}", run.free_space()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the system refuses.
    pub fn free_space(&self) -> Result<Option<Bytes>, LedgerError> {
        let mut places = self.path().ancestors();
        let missing = |error: &std::io::Error| error.kind() == ErrorKind::NotFound;
        loop {
            let Some(place) = places.next() else {
                return Ok(None);
            };
            match free_at(place) {
                Ok(free) => return Ok(free.map(Bytes)),
                Err(error) if missing(&error) => {}
                Err(error) if is_lacking(&error) => return Ok(None),
                Err(source) => return Err(LedgerError::io(place)(source)),
            }
        }
    }
}

#[cfg(unix)]
fn free_at(place: &Path) -> std::io::Result<Option<u64>> {
    let found = rustix::fs::statvfs(place)?;
    Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
}

#[cfg(windows)]
fn free_at(place: &Path) -> std::io::Result<Option<u64>> {
    fs4::available_space(place).map(Some)
}

#[cfg(not(any(unix, windows)))]
fn free_at(_place: &Path) -> std::io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(planned: Option<u64>, every: u64, keep: Option<u32>) -> Forecast {
        let schedule = Schedule {
            planned,
            commit_every: 1,
            checkpoint_every: every,
            keep_checkpoints: keep,
        };
        Forecast::of(&schedule, Bytes(1_000_000), Bytes(500_000))
    }

    #[test]
    fn checkpoints_are_counted_as_they_are_kept() {
        // The first, at 100, 200 and 250.
        assert_eq!(forecast(Some(250), 100, None).checkpoints, 4);
        // The first, two, and one that is written before the oldest goes.
        assert_eq!(forecast(Some(1000), 10, Some(2)).checkpoints, 4);
        // There are never so many.
        assert_eq!(forecast(Some(5), 10, Some(9)).checkpoints, 2);
        assert_eq!(forecast(Some(5), 0, None).checkpoints, 2);
        assert_eq!(forecast(None, 10, Some(2)).checkpoints, 4);
        assert_eq!(forecast(None, 0, None).checkpoints, 2);
        assert!(forecast(None, 10, None).is_growing);
        let most = forecast(Some(u64::MAX), 1, None);
        assert_eq!(most.total(), Bytes(u64::MAX));
    }

    #[test]
    fn a_run_that_does_not_fit_is_said() {
        let forecast = forecast(Some(100), 10, Some(2));
        let total = forecast.total();
        assert_eq!(forecast.fits(Some(total)), Some(true));
        let short = Some(Bytes(total.0 - 1));
        assert_eq!(forecast.fits(short), Some(false));
        assert_eq!(forecast.fits(None), None);
        assert_eq!(
            forecast.sentence(short),
            "this run takes about 4.6 MB (up to 4 checkpoints of 1.0 MB, chain and model); only \
             4.6 MB are free, so the disk will be full before it ends"
        );
        assert!(
            forecast
                .sentence(Some(total))
                .ends_with("; 4.6 MB are free")
        );
    }

    #[test]
    fn bytes_are_rounded_into_the_next_unit() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1_049, "1.0 kB"),
            (1_050, "1.1 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), words);
        }
    }

    #[cfg(any(unix, windows))]
    #[test]
    fn the_space_is_that_of_the_nearest_directory() {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("a/b/c"));
        assert!(run.free_space().unwrap().unwrap() > Bytes(0));
        std::fs::write(place.path().join("a"), "").unwrap();
        assert!(run.free_space().is_err());
    }
}
