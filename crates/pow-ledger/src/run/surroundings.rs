//! What a run needs from the machine and the file system that it is on.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

/// What a run needs from the machine and the file system that it is on. Tests put in file
/// systems without locks, other machines, and shorter times.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Takes a file's lock, if nobody holds it.
    pub try_lock: fn(&File) -> Result<(), TryLockError>,
    /// Syncs an open directory.
    pub sync_dir: fn(&File) -> std::io::Result<()>,
    /// What two processes have in common if a lock of one is surely seen by the other.
    pub machine: String,
    /// The time from one sign of life of an owner to the next.
    pub beat: Duration,
    /// How long an owner shows no sign of life before another process takes its place.
    pub patience: Duration,
    /// How long a process that took the place of an owner waits to see whether another one
    /// did so at the same moment.
    pub settle: Duration,
}

impl Surroundings {
    /// Those of this process.
    pub fn real() -> Self {
        Surroundings {
            try_lock: File::try_lock,
            sync_dir: sync_dir_handle,
            machine: machine(),
            beat: Duration::from_secs(5),
            patience: Duration::from_secs(30),
            settle: Duration::from_secs(1),
        }
    }
}

/// Windows cannot sync a directory. There we rely on the journal of NTFS.
fn sync_dir_handle(dir: &File) -> std::io::Result<()> {
    match cfg!(windows) {
        true => Ok(()),
        false => dir.sync_all(),
    }
}

/// The running kernel, where it has a name of its own: two containers of one name on two
/// machines differ in it. Otherwise the machine's name.
fn machine() -> String {
    let boot = first_line(Path::new("/proc/sys/kernel/random/boot_id"));
    boot.unwrap_or_else(host)
}

/// The machine's name, as people know it.
pub(crate) fn host() -> String {
    let named = first_line(Path::new("/proc/sys/kernel/hostname"));
    let variable = || {
        ["COMPUTERNAME", "HOSTNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
    named.or_else(variable).unwrap_or_else(|| "unknown".into())
}

fn first_line(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_the_same_in_each_of_its_processes() {
        assert_eq!(Surroundings::real().machine, machine());
        assert!(!machine().is_empty() && !host().is_empty());
    }
}
