//! What a process that replays a segment may use.

use std::time::Duration;

/// The limits of a process that replays a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most memory that it may have, in bytes. `None` for no limit. On systems
    /// other than Unix it is not enforced.
    pub memory: Option<u64>,
    /// The longest time without a further step. The time before the first step counts
    /// as well: the model is made, and a checkpoint is read.
    pub step: Duration,
    /// The longest time for a whole segment. `None` for no limit.
    pub segment: Option<Duration>,
}

impl Default for Limits {
    /// Three quarters of the machine's memory where this program can read how much it
    /// has (on Linux), ten minutes for a step, and no limit for a segment.
    fn default() -> Self {
        Limits {
            memory: total_memory().map(|total| total / 4 * 3),
            step: Duration::from_secs(600),
            segment: None,
        }
    }
}

/// The machine's memory in bytes.
#[cfg(target_os = "linux")]
fn total_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(not(target_os = "linux"))]
fn total_memory() -> Option<u64> {
    None
}

/// Limits the memory of this process. A system that cannot do it leaves it unlimited.
#[cfg(unix)]
pub(super) fn limit_memory(bytes: u64) {
    // Data, and not address space: drivers reserve far more addresses than they use.
    let _ = rlimit::setrlimit(rlimit::Resource::DATA, bytes, bytes);
}

#[cfg(not(unix))]
pub(super) fn limit_memory(_bytes: u64) {}
