//! Opening files where there are no Unix handles: on Windows and WebAssembly.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::path::Path;

/// Opens a file inside a run. The directories on the way are looked at first: unlike on
/// Unix, somebody who changes the run at this moment can put a link in their place.
pub(super) fn open_inside(run: &Path, inside: &Path) -> std::io::Result<File> {
    let mut path = run.to_owned();
    let mut parts = inside.iter().peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        if parts.peek().is_some() && !std::fs::symlink_metadata(&path)?.is_dir() {
            return Err(Error::from(ErrorKind::NotADirectory));
        }
    }
    let mut options = OpenOptions::new();
    options.read(true);
    follow_no_link(&mut options);
    options.open(path)
}

/// A file in a directory is never a pipe here.
pub(super) fn never_wait(_options: &mut OpenOptions) {}

/// Opens a link itself, and not what it points to. Its handle then says that it is one.
pub(super) fn follow_no_link(options: &mut OpenOptions) {
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
    #[cfg(not(windows))]
    let _ = options;
}
