//! The file `owner`: who writes to the run, and a number that shows that it lives.

use crate::error::LedgerError;
use crate::open::{open_inside, read_limited};
use crate::run::surroundings::host;
use serde::{Deserialize, Serialize};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Its name in the run's directory.
pub(crate) const OWNER: &str = "owner";

/// The most bytes that are read of it.
const MAX_LEN: u64 = 4096;

/// The process that writes to a run. The file's first line is this as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The machine's name, as people know it.
    host: String,
    /// The number of the process there.
    process: u32,
    /// When it became the owner, in milliseconds since 1970, by its own clock.
    since: u64,
    /// See [`Surroundings::machine`](crate::run::surroundings::Surroundings::machine).
    pub(crate) machine: String,
    /// A random number that no other owner has.
    pub(crate) token: String,
}

impl Note {
    /// Of this process.
    pub(crate) fn new(machine: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Note {
            host: host(),
            process: std::process::id(),
            since: since.map_or(0, |since| since.as_millis() as u64),
            machine: machine.to_owned(),
            token: format!("{:016x}{:016x}", random(), random()),
        }
    }

    /// The file's first line, with its end.
    pub(crate) fn line(&self) -> String {
        // A structure of texts and numbers has no error.
        let json = serde_json::to_string(self).unwrap_or_default();
        json + "\n"
    }

    /// The note in a file. `None` if it has none: its writer was killed before it wrote it,
    /// or it is a stranger's.
    pub(crate) fn parse(file: &[u8]) -> Option<Self> {
        let line = file.split(|byte| *byte == b'\n').next()?;
        serde_json::from_slice(line).ok()
    }

    /// Who wrote this file, for people.
    pub(crate) fn describe(file: &[u8]) -> String {
        // A run can be a stranger's, and so can this text.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        match Note::parse(file) {
            Some(note) if note.host.len() <= 64 && note.host.chars().all(is_plain) => {
                format!("process {} on {}", note.process, note.host)
            }
            Some(note) => format!("process {} on another machine", note.process),
            None => "a process that gives no name".into(),
        }
    }
}

/// The second line: the number of signs of life so far. It always has the same length, so it
/// is written over the one before.
pub(crate) fn beat_line(beats: u64) -> String {
    format!("{beats:020}\n")
}

/// What is in a run's owner file. `None` if there is none.
pub(crate) fn read(run: &Path) -> Result<Option<Vec<u8>>, LedgerError> {
    match open_inside(run, Path::new(OWNER)) {
        Err(LedgerError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        opened => read_limited(opened?, &run.join(OWNER), MAX_LEN).map(Some),
    }
}

/// The standard library seeds each of its hashers at random.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_and_no_two_are_equal() {
        let (a, b) = (Note::new("m"), Note::new("m"));
        assert_ne!(a.token, b.token);
        assert_eq!(a.token.len(), 32);
        let file = a.line() + &beat_line(7);
        assert_eq!(Note::parse(file.as_bytes()), Some(a));
        assert_eq!(beat_line(0).len(), beat_line(u64::MAX).len());
    }

    #[test]
    fn a_strangers_note_does_no_harm() {
        for file in ["", "\n", "{}", "[1]", "\u{0}", "{\"host\":1}"] {
            assert_eq!(Note::parse(file.as_bytes()), None, "{file}");
            assert_eq!(
                Note::describe(file.as_bytes()),
                "a process that gives no name"
            );
        }
        let mut note = Note::new("m");
        note.host = "evil\u{1b}[2J".into();
        let words = Note::describe(note.line().as_bytes());
        assert!(words.ends_with(" on another machine"), "{words}");
    }
}
