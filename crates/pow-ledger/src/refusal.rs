//! What a refusal of the system means: the file system cannot do it, or not at this moment.

use std::io::{Error, ErrorKind};
use std::thread::sleep;
use std::time::Duration;

/// Whether the file system lacks the operation. File systems of clusters, SMB and FUSE say
/// so of locks, and of syncing a directory.
pub(crate) fn is_lacking(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::InvalidInput
    ) || error
        .raw_os_error()
        .is_some_and(|code| LACKING.contains(&code))
}

/// `ENOTSUP`, `EOPNOTSUPP`, `EINVAL`, `ENOSYS` and `ENOLCK`.
#[cfg(unix)]
const LACKING: [i32; 5] = {
    use rustix::io::Errno;
    [
        Errno::NOTSUP.raw_os_error(),
        Errno::OPNOTSUPP.raw_os_error(),
        Errno::INVAL.raw_os_error(),
        Errno::NOSYS.raw_os_error(),
        Errno::NOLCK.raw_os_error(),
    ]
};

/// `ERROR_INVALID_FUNCTION` and `ERROR_NOT_SUPPORTED`.
#[cfg(not(unix))]
const LACKING: [i32; 2] = [1, 50];

/// How long to wait before each further attempt, in milliseconds: 1.3 s in all.
const PAUSES: [u64; 7] = [10, 20, 40, 80, 160, 320, 640];

/// Does something with a file that another program may hold for a moment. A virus scanner
/// or an indexer on Windows, or on a server, opens new files, and then a rename is refused.
///
/// # Errors
///
/// The system's: another one than such a refusal at once, a refusal after 1.3 s.
pub(crate) fn patiently<T>(attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    patiently_with(attempt, sleep)
}

fn patiently_with<T>(
    mut attempt: impl FnMut() -> Result<T, Error>,
    mut pause: impl FnMut(Duration),
) -> Result<T, Error> {
    for millis in PAUSES {
        match attempt() {
            Err(error) if is_momentary(&error) => pause(Duration::from_millis(millis)),
            done => return done,
        }
    }
    attempt()
}

/// Whether the same attempt may succeed a moment later.
fn is_momentary(error: &Error) -> bool {
    // ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
    let is_shared = cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33));
    let refused = matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ResourceBusy
    );
    refused || is_shared
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result after `refusals` of this kind, the number of attempts, and the time waited.
    fn tried(refusals: usize, kind: ErrorKind) -> (Result<(), ErrorKind>, usize, Duration) {
        let (mut attempts, mut waited) = (0, Duration::ZERO);
        let result = patiently_with(
            || {
                attempts += 1;
                match attempts <= refusals {
                    true => Err(Error::from(kind)),
                    false => Ok(()),
                }
            },
            |pause| waited += pause,
        );
        (result.map_err(|error| error.kind()), attempts, waited)
    }

    #[test]
    fn a_refusal_is_tried_again_and_not_for_ever() {
        let denied = ErrorKind::PermissionDenied;
        assert_eq!(tried(0, denied), (Ok(()), 1, Duration::ZERO));
        assert_eq!(tried(3, denied), (Ok(()), 4, Duration::from_millis(70)));
        assert_eq!(tried(7, denied).0, Ok(()));
        let bounded = (Err(denied), 8, Duration::from_millis(1270));
        assert_eq!(tried(usize::MAX, denied), bounded);
    }

    #[test]
    fn another_error_is_returned_at_once() {
        for kind in [ErrorKind::StorageFull, ErrorKind::NotFound] {
            assert_eq!(tried(1, kind), (Err(kind), 1, Duration::ZERO));
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_a_file_system_lacks_is_told_from_what_fails() {
        use rustix::io::Errno;
        let is_lacking = |errno: Errno| is_lacking(&Error::from(errno));
        for lacks in [
            Errno::NOTSUP,
            Errno::OPNOTSUPP,
            Errno::INVAL,
            Errno::NOSYS,
            Errno::NOLCK,
        ] {
            assert!(is_lacking(lacks), "{lacks}");
        }
        for fails in [
            Errno::IO,
            Errno::NOSPC,
            Errno::ROFS,
            Errno::ACCESS,
            Errno::STALE,
        ] {
            assert!(!is_lacking(fails), "{fails}");
        }
    }
}
