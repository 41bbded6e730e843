//! Opening files as Unix systems do it: each directory from the handle of the one above.

use rustix::fs::{CWD, Mode, OFlags, openat};
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a file inside a run. Each component is opened below the directory that is open
/// already, so nobody can put a link in its place in between.
pub(super) fn open_inside(run: &Path, inside: &Path) -> std::io::Result<File> {
    // An empty path means the working directory.
    let run = if run.as_os_str().is_empty() {
        Path::new(".")
    } else {
        run
    };
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut above: OwnedFd = openat(CWD, run, directory, Mode::empty())?;
    let mut parts = inside.iter().peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_some() {
            above = openat(&above, part, directory | OFlags::NOFOLLOW, Mode::empty())?;
            continue;
        }
        let file =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        return Ok(File::from(openat(&above, part, file, Mode::empty())?));
    }
    let reason = "an empty path names no file";
    Err(Error::new(ErrorKind::InvalidInput, reason))
}

/// A pipe is opened at once, whether or not somebody holds its other end.
pub(super) fn never_wait(options: &mut OpenOptions) {
    flags(options, OFlags::NONBLOCK | OFlags::NOCTTY);
}

/// Never waits, and does not follow a link in the last component either.
pub(super) fn follow_no_link(options: &mut OpenOptions) {
    flags(
        options,
        OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW,
    );
}

fn flags(options: &mut OpenOptions, flags: OFlags) {
    // The bits are those of the system's `open`, which takes an `int`.
    options.custom_flags(flags.bits() as i32);
}
