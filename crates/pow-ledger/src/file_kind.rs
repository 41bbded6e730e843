//! What a file is: regular, a directory, a link, or something that is not read.

use std::fs::FileType;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link. On Windows also a junction.
    Link,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A device.
    Device,
    /// Something that this program does not know.
    Other,
}

impl FileKind {
    /// The kind of a file, from what the system says of it.
    pub fn of(found: FileType) -> Self {
        if found.is_file() {
            FileKind::Regular
        } else if found.is_dir() {
            FileKind::Directory
        } else if found.is_symlink() {
            FileKind::Link
        } else {
            special(found)
        }
    }
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FileKind::Regular => "a regular file",
            FileKind::Directory => "a directory",
            FileKind::Link => "a symbolic link",
            FileKind::Pipe => "a named pipe",
            FileKind::Socket => "a socket",
            FileKind::Device => "a device",
            FileKind::Other => "something else",
        })
    }
}

/// What is neither a regular file, a directory nor a link.
#[cfg(unix)]
fn special(found: FileType) -> FileKind {
    use std::os::unix::fs::FileTypeExt;
    if found.is_fifo() {
        FileKind::Pipe
    } else if found.is_socket() {
        FileKind::Socket
    } else if found.is_block_device() || found.is_char_device() {
        FileKind::Device
    } else {
        FileKind::Other
    }
}

/// What is neither a regular file, a directory nor a link.
#[cfg(not(unix))]
fn special(_found: FileType) -> FileKind {
    FileKind::Other
}
