use super::*;
use crate::{Durability, RunDir, RunFile};
use std::io::ErrorKind;
use tempfile::TempDir;

fn started() -> (TempDir, RunDir) {
    let place = TempDir::new().unwrap();
    let run = RunDir::new(place.path().join("run"));
    drop(run.create(b"{}", Durability::Grouped).unwrap());
    (place, run)
}

#[test]
fn a_limit_is_inclusive() {
    let (_place, run) = started();
    assert_eq!(read_named(&run.config(), 2).unwrap(), b"{}");
    let error = read_named(&run.config(), 1).unwrap_err();
    assert!(
        matches!(error, LedgerError::TooLong { limit: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_missing_file_is_the_systems_error() {
    let (_place, run) = started();
    for error in [
        run.open(RunFile::Artifact).unwrap_err(),
        RunDir::new("no such run").open(RunFile::Chain).unwrap_err(),
        open_regular(&run.artifact()).unwrap_err(),
        open_named(&run.artifact()).unwrap_err(),
        open_to_write(&run.artifact(), false).unwrap_err(),
    ] {
        let missing = matches!(&error, LedgerError::Io { source, .. }
            if source.kind() == ErrorKind::NotFound);
        assert!(missing, "{error}");
        assert!(!error.could_not_read());
    }
}

#[test]
fn a_directory_is_no_file() {
    let (_place, run) = started();
    let path = run.config();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    for error in [
        run.open(RunFile::Config).unwrap_err(),
        open_regular(&path).unwrap_err(),
        open_named(&path).unwrap_err(),
        open_to_write(&path, true).unwrap_err(),
    ] {
        let words = format!("{}: not a regular file: it is a directory", path.display());
        assert_eq!(error.to_string(), words);
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::CheckpointPart;
    use pow_core::hash::StateRoot;
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::process::Command;
    use std::time::Duration;

    fn pipe(path: &Path) {
        let _ = std::fs::remove_file(path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    /// What `work` returns; fails if it waits for a pipe.
    fn without_waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(work()));
        told.recv_timeout(Duration::from_secs(20))
            .expect("it must not wait")
    }

    #[test]
    fn a_pipe_in_a_run_is_refused_at_once() {
        let (_place, run) = started();
        let path = run.config();
        pipe(&path);
        std::fs::remove_dir(run.checkpoints()).unwrap();
        pipe(&run.checkpoints());
        let state = RunFile::Checkpoint(StateRoot([7; 32]), CheckpointPart::State);
        let (on_the_way, errors) = without_waiting(move || {
            let errors = [
                run.open(RunFile::Config).unwrap_err(),
                open_regular(&run.config()).unwrap_err(),
                open_to_write(&run.config(), true).unwrap_err(),
            ];
            (run.open(state).unwrap_err().to_string(), errors)
        });
        assert!(
            on_the_way.ends_with("not a directory: it is a named pipe"),
            "{on_the_way}"
        );
        for error in errors {
            let words = format!("{}: not a regular file: it is a named pipe", path.display());
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn a_socket_and_a_device_are_refused() {
        let (_place, run) = started();
        std::fs::remove_file(run.config()).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(run.config()).unwrap();
        let error = run.open(RunFile::Config).unwrap_err().to_string();
        assert!(
            error.ends_with("not a regular file: it is a socket"),
            "{error}"
        );
        let error = open_regular(Path::new("/dev/null")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/dev/null: not a regular file: it is a device"
        );
    }

    /// Nobody may write to this file, whoever runs the test.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_regular_file_that_the_system_refuses_is_the_systems_error() {
        let error = open_to_write(Path::new("/proc/sys/kernel/ostype"), false).unwrap_err();
        assert!(matches!(error, LedgerError::Io { .. }), "{error}");
    }

    #[test]
    fn no_link_inside_a_run_is_followed() {
        let (place, run) = started();
        let elsewhere = place.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::write(elsewhere.join("state.json"), "{}").unwrap();
        let root = StateRoot([7; 32]);
        let state = RunFile::Checkpoint(root, CheckpointPart::State);
        let refused = |at: &Path, kind: &str| {
            let words = format!("{}: not {kind}: it is a symbolic link", at.display());
            assert_eq!(run.open(state).unwrap_err().to_string(), words);
        };
        // The checkpoint's directory is a link.
        let dir = run.checkpoint(root).dir().to_owned();
        symlink(&elsewhere, &dir).unwrap();
        refused(&dir, "a directory");
        std::fs::remove_file(&dir).unwrap();
        // Its file is.
        std::fs::create_dir(&dir).unwrap();
        symlink(elsewhere.join("state.json"), dir.join("state.json")).unwrap();
        refused(&dir.join("state.json"), "a regular file");
        // The directory of all checkpoints is.
        let moved = place.path().join("moved");
        std::fs::rename(run.checkpoints(), &moved).unwrap();
        symlink(&moved, run.checkpoints()).unwrap();
        refused(&run.checkpoints(), "a directory");
    }

    #[test]
    fn the_path_of_a_run_may_be_a_link() {
        let (place, run) = started();
        let link = place.path().join("link");
        symlink(run.path(), &link).unwrap();
        RunDir::new(&link).open(RunFile::Config).unwrap();
        // And so may be what somebody names.
        open_regular(&link.join("config.json")).unwrap();
        let named = place.path().join("named");
        symlink(run.config(), &named).unwrap();
        assert_eq!(read_named(&named, 9).unwrap(), b"{}");
    }

    #[test]
    fn a_named_pipe_with_a_writer_is_read_and_an_endless_file_is_not() {
        let (place, _run) = started();
        let path = place.path().join("pipe");
        pipe(&path);
        let writer = std::thread::spawn({
            let path = path.clone();
            move || File::create(path).unwrap().write_all(b"content").unwrap()
        });
        let read = without_waiting(move || read_named(&path, 100).unwrap());
        assert_eq!(read, b"content");
        writer.join().unwrap();
        let error = read_named(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        let words = "/dev/zero: longer than 1048576 bytes, the most that is read of it";
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn what_the_system_refuses_says_nothing_of_the_run() {
    for (kind, could_not) in [
        (ErrorKind::PermissionDenied, true),
        (ErrorKind::OutOfMemory, true),
        (ErrorKind::NotFound, false),
    ] {
        let error = LedgerError::io(Path::new("config.json"))(kind.into());
        assert_eq!(error.could_not_read(), could_not, "{error}");
    }
}
