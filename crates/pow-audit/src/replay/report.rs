//! What a replay found, and the rules that every such report holds.

use super::challenge::Challenge;
use super::json;
use super::machine::Machine;
use super::outcome::{SegmentEnd, SegmentOutcome};
use super::segments::{Segment, Segments};
use super::shard::Shard;
use pow_core::challenge::SegmentIndex;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::Builder;

/// The longest report that is read or written, in bytes (256 MiB): that of
/// some 300,000 segments.
pub const MAX_REPORT_LEN: usize = 1 << 28;

/// Which chain was replayed, as far as it went then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayedChain {
    /// Hash of its genesis block.
    pub genesis: BlockHash,
    /// Hash of its last block.
    pub head: BlockHash,
    /// Height of its last block.
    pub height: Height,
    /// Whether that is a final block.
    pub finished: bool,
}

impl ReplayedChain {
    /// The chain that these segments are of.
    pub fn of(segments: &Segments) -> Self {
        let chain = segments.chain();
        ReplayedChain {
            genesis: chain.genesis_hash(),
            head: chain.head_hash(),
            height: chain.height(),
            finished: chain.end().is_some(),
        }
    }
}

/// What came of one segment, where, and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentResult {
    /// The segment, as the chain has it.
    pub segment: Segment,
    /// Who executed it.
    pub machine: Machine,
    /// What came of it.
    pub outcome: SegmentOutcome,
    /// How long that took; kept in whole milliseconds.
    pub spent: Duration,
}

/// The outcome of a challenge, or of a part of it: one result for each challenged
/// segment of the part, in ascending order.
///
/// ```no_run
/// use pow_audit::replay::Amount;
/// use pow_audit::replay::{Challenge, Machine, SegmentOutcome, ReplayReport, SegmentResult, Segments, Shard};
/// use pow_core::challenge::ChallengeSource;
/// use std::{path::Path, time::Duration};
///
/// # fn replay(
/// #     execute: impl Fn(pow_audit::replay::Segment) -> SegmentOutcome,
/// #     here: impl Fn() -> Machine,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let segments = Segments::of(Path::new("runs/digits/chain.pow"), None, &mut |_| {})?;
/// let challenge = Challenge::draw(&segments, ChallengeSource::Head, Amount::default(), [])?;
/// let part = challenge.part(Shard::WHOLE).into_iter();
/// let results = part.filter_map(|index| segments.get(index)).map(|segment| SegmentResult {
///     segment,
///     machine: here(),
///     outcome: execute(segment),
///     spent: Duration::ZERO,
/// });
/// let results = results.collect();
/// ReplayReport::new(&segments, challenge, Shard::WHOLE, results)?
///     .write(Path::new("replay.json"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayReport {
    pub(super) chain: ReplayedChain,
    pub(super) challenge: Challenge,
    pub(super) shard: Shard,
    pub(super) recorded: Machine,
    pub(super) results: Vec<SegmentResult>,
}

/// Why something is no report, or could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: Error,
    },
    /// A file is no report.
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<ReportError>,
    },
    /// Longer than [`MAX_REPORT_LEN`].
    #[error("longer than {MAX_REPORT_LEN} bytes")]
    TooLong,
    /// Not the JSON of a report.
    #[error("malformed replay report: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON of a report, but not byte for byte as it is written.
    #[error("byte {offset}: not written as `docs/replay.md` says, though it reads as a report")]
    Form {
        /// The first byte that differs.
        offset: usize,
    },
    /// It contradicts itself or the chain.
    #[error("{place}: {reason}")]
    Content {
        /// The field or segment.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReportError {
    pub(super) fn content(place: impl Into<String>, reason: impl Into<String>) -> Self {
        ReportError::Content {
            place: place.into(),
            reason: reason.into(),
        }
    }
}

impl ReplayReport {
    /// The report on part `shard` of a challenge to this chain. The results may
    /// come in any order.
    ///
    /// # Errors
    ///
    /// [`ReportError::Content`] unless there is exactly one result for each
    /// segment of the part, and each is possible: a segment is as the chain has
    /// it, all entries of a bit-exact one were compared, and a difference that
    /// rounding explains was found on a machine [comparable] with genesis's.
    ///
    /// [comparable]: Machine::is_comparable_with
    pub fn new(
        segments: &Segments,
        challenge: Challenge,
        shard: Shard,
        mut results: Vec<SegmentResult>,
    ) -> Result<ReplayReport, ReportError> {
        results.sort_by_key(|result| result.segment.index);
        for result in &mut results {
            // Files hold milliseconds.
            result.spent = Duration::from_millis(millis(result.spent));
        }
        let report = ReplayReport {
            chain: ReplayedChain::of(segments),
            challenge,
            shard,
            recorded: Machine::of_genesis(segments.chain().genesis()),
            results,
        };
        report.check()?;
        for result in &report.results {
            let segment = result.segment;
            if segments.get(segment.index) != Some(segment) {
                let place = format!("segment {}", segment.index);
                return Err(ReportError::content(place, "the chain has another one"));
            }
        }
        Ok(report)
    }

    /// Reads a report from its JSON. It is consistent in itself then; nothing is
    /// known of the chain it speaks of.
    ///
    /// # Errors
    ///
    /// [`ReportError`] unless the bytes are those of a report.
    pub fn from_json(bytes: &[u8]) -> Result<ReplayReport, ReportError> {
        if bytes.len() > MAX_REPORT_LEN {
            return Err(ReportError::TooLong);
        }
        let report = json::read(bytes)?;
        report.check()?;
        let written = json::write(&report)?;
        if written.as_bytes() != bytes {
            let same = bytes
                .iter()
                .zip(written.as_bytes())
                .take_while(|(a, b)| a == b);
            let offset = same.count();
            return Err(ReportError::Form { offset });
        }
        Ok(report)
    }

    /// The report as JSON, ending with a newline. Equal reports give equal
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError::TooLong`] if it could not be read again.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let text = json::write(self)?;
        if text.len() > MAX_REPORT_LEN {
            return Err(ReportError::TooLong);
        }
        Ok(text)
    }

    /// Reads a report from a file.
    ///
    /// # Errors
    ///
    /// [`ReportError`], which names the file.
    pub fn read(path: &Path) -> Result<ReplayReport, ReportError> {
        let io = |source| ReportError::Io {
            path: path.to_owned(),
            source,
        };
        // A pipe would never open, and a device never end.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            let words = "not a regular file";
            return Err(io(Error::new(ErrorKind::InvalidInput, words)));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_REPORT_LEN as u64 + 1).read_to_end(&mut bytes))
            .map_err(io)?;
        ReplayReport::from_json(&bytes).map_err(|source| ReportError::In {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Writes the report. The file appears whole or not at all, and replaces
    /// one that is there: a part that is executed twice leaves one file.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if it could not be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let io = |source| ReportError::Io {
            path: path.to_owned(),
            source,
        };
        let text = self.to_json()?;
        let dir = match path.parent() {
            // An empty parent means the working directory.
            Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
            Some(dir) => dir,
            None => return Err(io(Error::new(ErrorKind::InvalidInput, "no file"))),
        };
        let mut builder = Builder::new();
        // A name of its own: another process may be writing the same part.
        builder.prefix(".replay-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: the process's umask is taken off.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(dir).map_err(io)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(io)?;
        file.persist(path).map_err(|error| io(error.error))?;
        Ok(())
    }

    /// Which chain was replayed.
    pub fn chain(&self) -> &ReplayedChain {
        &self.chain
    }

    /// What it was challenged to.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Which part of the challenge this is.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The machine that recorded the run, as genesis describes it.
    pub fn recorded(&self) -> &Machine {
        &self.recorded
    }

    /// The results, in ascending order of segments.
    pub fn results(&self) -> &[SegmentResult] {
        &self.results
    }

    /// The same report without the times: equal replays give equal findings.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        for result in &mut self.results {
            result.spent = Duration::ZERO;
        }
        self
    }

    /// Whether the report is consistent in itself.
    fn check(&self) -> Result<(), ReportError> {
        self.challenge.check()?;
        let expected = self.challenge.part(self.shard);
        let found: Vec<SegmentIndex> = self.results.iter().map(|r| r.segment.index).collect();
        if found != expected {
            let at = found
                .iter()
                .zip(&expected)
                .take_while(|(a, b)| a == b)
                .count();
            let word = |list: &[SegmentIndex]| {
                list.get(at)
                    .map_or("no more".into(), |segment| format!("segment {segment}"))
            };
            return Err(ReportError::content(
                "results",
                format!(
                    "{} where part {} of the challenge has {}",
                    word(&found),
                    self.shard,
                    word(&expected)
                ),
            ));
        }
        self.results.iter().try_for_each(|result| {
            result.machine.check()?;
            self.impossible(result).map_or(Ok(()), |reason| {
                let place = format!("segment {}", result.segment.index);
                Err(ReportError::content(place, reason))
            })
        })
    }

    /// Why a result cannot be, if it cannot.
    fn impossible(&self, result: &SegmentResult) -> Option<String> {
        let segment = &result.segment;
        if segment.from_step >= segment.to_step {
            return Some("it ends where it begins, or before".into());
        }
        let is_last = segment.index.0 + 1 == self.challenge.segments().0;
        if segment.to_state.is_none() && !is_last {
            return Some("it ends without a checkpoint, and is not the last".into());
        }
        match &result.outcome {
            SegmentOutcome::CheckpointAbsent {
                which: SegmentEnd::End,
            }
            | SegmentOutcome::CheckpointDamaged {
                which: SegmentEnd::End,
                ..
            } if segment.to_state.is_none() => {
                Some("it has no checkpoint at its end that could be missing".into())
            }
            SegmentOutcome::BitExact { entries } if *entries != segment.entries => Some(format!(
                "bit-exact in {entries} entries, but it has {}",
                segment.entries
            )),
            SegmentOutcome::Differs { field, .. }
                if !field.is_exact_anywhere()
                    && !result.machine.is_comparable_with(&self.recorded) =>
            {
                Some(format!(
                    "{} cannot be said to differ on a machine that is not comparable",
                    field.name()
                ))
            }
            _ => None,
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
