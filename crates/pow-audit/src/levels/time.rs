//! TIME: not before the Bitcoin block that genesis names, and not after the blocks to which
//! the run's anchors lead.

use crate::anchor::{
    BitcoinHeaders, MAINNET_LIMIT, MAX_OTS, OtsAttestation, OtsPath, OtsProof, StampDigest,
    SuppliedHeader, is_hard_enough, meets,
};
use crate::display::{counted, utc};
use crate::options::AuditOptions;
use crate::report::time::{AnchorReport, AnchorState, LowerBound, TimeReport};
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::body::{OrderRule, UnixMillis};
use pow_core::chain::VerifiedChain;
use pow_core::extension::BitcoinBlock;
use pow_core::hash::TxRoot;
use pow_core::header::HeaderTime;
use pow_ledger::open::read_limited;
use pow_ledger::{AnchorFile, LedgerError, RunFile};
use std::collections::HashMap;

/// The most anchors of a run that are read.
const MAX_ANCHORS: usize = 256;
/// How far the time in a Bitcoin header may be off, in seconds. Bitcoin's rules allow two
/// hours ahead of the network's clock. How far behind is not bounded as firmly: the time is
/// above the median of the eleven headers before.
const MARGIN: i64 = 2 * 60 * 60;

/// Reads the anchors, and finds the blocks that they cover.
#[derive(Debug, Default)]
pub(crate) struct TimeCheck {
    anchors: Vec<ReadAnchor>,
    /// The anchors that wait for the block with this digest.
    waiting: HashMap<StampDigest, Vec<usize>>,
    /// Why the anchors, or more of them, were not read.
    not_read: Option<String>,
}

#[derive(Debug)]
struct ReadAnchor {
    file: AnchorFile,
    proof: Result<OtsProof, (AnchorState, String)>,
    block: Option<u32>,
}

/// What was found out about time.
#[derive(Debug)]
pub(crate) struct TimeVerdict {
    pub(crate) level: LevelReport,
    /// Absent if there is no genesis block.
    pub(crate) report: Option<TimeReport>,
    pub(crate) not_shown: Option<String>,
}

impl TimeCheck {
    pub(crate) fn open(run: &dyn RunSource) -> Self {
        let mut check = TimeCheck::default();
        let files = match run.anchors() {
            Ok(files) => files,
            Err(error) => {
                check.not_read = Some(format!("the anchors could not be read: {error}"));
                return check;
            }
        };
        if files.len() > MAX_ANCHORS {
            let more = (files.len() - MAX_ANCHORS) as u64;
            check.not_read = Some(format!(
                "{} not read: at most {MAX_ANCHORS} are",
                counted(more, "anchor was", "anchors were")
            ));
        }
        for file in files.into_iter().take(MAX_ANCHORS) {
            let proof = read(run, file);
            if let Ok(proof) = &proof {
                let waiting = check.waiting.entry(proof.digest).or_default();
                waiting.push(check.anchors.len());
            }
            check.anchors.push(ReadAnchor {
                file,
                proof,
                block: None,
            });
        }
        check
    }

    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        let digest = StampDigest::of_block(&walked.record.block);
        let found = digest.and_then(|digest| self.waiting.remove(&digest));
        for index in found.into_iter().flatten() {
            if let Some(anchor) = self.anchors.get_mut(index) {
                anchor.block = Some(walked.chain.height().get());
            }
        }
    }

    pub(crate) fn finish(self, end: &WalkEnd, options: &AuditOptions) -> TimeVerdict {
        let headers = options.bitcoin_headers.as_ref();
        let Some(chain) = &end.chain else {
            return TimeVerdict {
                level: unanchored(),
                report: None,
                not_shown: None,
            };
        };
        let anchors: Vec<AnchorReport> = self
            .anchors
            .iter()
            .map(|anchor| anchor.judge(headers, end))
            .collect();
        let named = chain.genesis().bitcoin_block().ok().flatten();
        let lower = named.map(|named| lower_bound(&named, headers));
        let head = chain.height().get();
        let at_head = anchors.iter().filter(|anchor| anchor.block == Some(head));
        let report = TimeReport {
            not_before: lower.as_ref().and_then(|(_, time)| *time),
            not_after: at_head.filter_map(|anchor| anchor.not_after).min(),
            lower: lower.map(|(bound, _)| bound),
            anchors,
        };
        TimeVerdict {
            level: level(&report, chain, self.not_read, headers),
            not_shown: report.not_before.and_then(|_| not_bound(chain)),
            report: Some(report),
        }
    }
}

/// Reads an anchor. An error has words for the report.
fn read(run: &dyn RunSource, file: AnchorFile) -> Result<OtsProof, (AnchorState, String)> {
    let path = file.path();
    let read = run
        .open(RunFile::Anchor(file))
        .and_then(|open| read_limited(open.bytes, &path, MAX_OTS as u64));
    let bytes = read.map_err(|error| {
        let state = match &error {
            LedgerError::TooLong { .. } => AnchorState::Malformed,
            error if error.could_not_read() => AnchorState::NotRead,
            _ => AnchorState::Malformed,
        };
        (state, error.to_string())
    })?;
    if AnchorFile::of(file.kind, &bytes) != file {
        let words = "DAMAGED: its bytes are not those that its name says";
        return Err((AnchorState::Damaged, words.into()));
    }
    OtsProof::parse(&bytes).map_err(|error| (AnchorState::Malformed, format!("MALFORMED: {error}")))
}

impl ReadAnchor {
    fn judge(&self, headers: Option<&BitcoinHeaders>, end: &WalkEnd) -> AnchorReport {
        let report = |block, not_after, state, line: String| AnchorReport {
            file: self.file.path().display().to_string(),
            block,
            not_after,
            state,
            line,
        };
        let proof = match &self.proof {
            Ok(proof) => proof,
            Err((state, words)) => return report(None, None, *state, words.clone()),
        };
        let Some(block) = self.block else {
            // A chain that breaks may have had the block behind the break.
            let (state, words) = match end.failure() {
                None => (AnchorState::Foreign, "FOREIGN"),
                Some(_) => (AnchorState::Unknown, "not checked"),
            };
            let line = format!(
                "{words}: the stamped digest {} is that of no good block of this chain",
                proof.digest
            );
            return report(None, None, state, line);
        };
        // One path that counts is enough, but none may be forged.
        let paths = proof.paths.iter().map(|path| judge_path(path, headers));
        let found: Vec<Found> = paths.collect();
        let forged = found.iter().find(|found| found.state.is_fault());
        let counts = found.iter().filter(|found| found.time.is_some());
        let best = forged
            .or(counts.min_by_key(|found| found.time))
            .or(found
                .iter()
                .find(|found| found.state == AnchorState::HeaderNotSupplied))
            .or(found.first());
        match best {
            Some(best) => {
                let line = format!("{}: {}", blocks_to(block), best.words);
                report(Some(block), best.time, best.state, line)
            }
            None => report(
                Some(block),
                None,
                AnchorState::Unknown,
                "it says nothing".into(),
            ),
        }
    }
}

struct Found {
    state: AnchorState,
    /// The upper bound, in seconds since 1970.
    time: Option<i64>,
    words: String,
}

fn judge_path(path: &OtsPath, headers: Option<&BitcoinHeaders>) -> Found {
    let found = |state, words: String| Found {
        state,
        time: None,
        words,
    };
    let height = match &path.attestation {
        OtsAttestation::Bitcoin(height) => *height,
        OtsAttestation::Pending(calendar) => {
            let words = format!(
                "PENDING: the calendar {calendar:?} has promised it; complete the proof with `ots upgrade`"
            );
            return found(AnchorState::Pending, words);
        }
        OtsAttestation::Unknown(tag) => {
            let tag = crate::hex::to_hex(tag);
            let words = format!("not checked: an attestation of the unknown kind {tag}");
            return found(AnchorState::Unknown, words);
        }
    };
    let Ok(root) = <[u8; 32]>::try_from(&path.message[..]) else {
        let words = format!(
            "FORGED: it leads to {} bytes, and a transaction root has 32",
            path.message.len()
        );
        return found(AnchorState::Forged, words);
    };
    let Some(headers) = headers else {
        let words = format!(
            "not checked: it leads to Bitcoin block {height}, whose header was not supplied (--bitcoin-headers)"
        );
        return found(AnchorState::HeaderNotSupplied, words);
    };
    match (headers.with_root(TxRoot(root)), headers.at_height(height)) {
        (Some(header), _) if header.height.is_some_and(|at| at != height) => found(
            AnchorState::Forged,
            format!(
                "FORGED: it says Bitcoin block {height}, but its root is that of block {}",
                header.height.unwrap_or_default()
            ),
        ),
        (Some(header), _) => Found {
            state: AnchorState::Counts,
            time: Some(seconds(header.time) + MARGIN),
            words: format!(
                "not after {}: Bitcoin block {height}, {}",
                date(seconds(header.time) + MARGIN),
                standing(&header)
            ),
        },
        (None, Some(_)) => found(
            AnchorState::Forged,
            format!(
                "FORGED: the supplied header of Bitcoin block {height} has another transaction root"
            ),
        ),
        (None, None) => found(
            AnchorState::HeaderNotSupplied,
            format!(
                "not checked: the header of Bitcoin block {height} is not among those supplied"
            ),
        ),
    }
}

/// The lower bound, and its time in seconds since 1970 if it counts.
fn lower_bound(
    named: &BitcoinBlock,
    headers: Option<&BitcoinHeaders>,
) -> (LowerBound, Option<i64>) {
    let limit = headers.map_or(MAINNET_LIMIT, BitcoinHeaders::limit);
    let (height, hash) = (named.height, named.header.hash());
    let (state, line, time) = if !is_hard_enough(named.header.bits, limit) {
        let line = format!(
            "TOO LITTLE WORK: genesis names a header with target {:08x}, and Bitcoin's are no easier than {:08x}",
            named.header.bits.0, limit.0
        );
        (AnchorState::TooLittleWork, line, None)
    } else if !meets(named.header.bits, hash) {
        let line = "FORGED: genesis names a Bitcoin header whose hash does not meet its target";
        (AnchorState::Forged, line.into(), None)
    } else {
        match headers.map(|headers| headers.with_hash(hash)) {
            None => {
                let line = format!(
                    "not checked: genesis names Bitcoin block {height}, whose header was not supplied (--bitcoin-headers)"
                );
                (AnchorState::HeaderNotSupplied, line, None)
            }
            Some(None) => {
                let line = format!(
                    "not checked: genesis names Bitcoin block {height}, whose header {} is not among those supplied",
                    named.header.hash()
                );
                (AnchorState::HeaderNotSupplied, line, None)
            }
            Some(Some(header)) if header.height.is_some_and(|at| at != height) => {
                let at = header.height.unwrap_or_default();
                let line = format!(
                    "FORGED: genesis says Bitcoin block {height}, but its header is that of block {at}"
                );
                (AnchorState::Forged, line, None)
            }
            Some(Some(header)) => {
                let time = seconds(header.time) - MARGIN;
                let line = format!(
                    "not before {}: genesis names Bitcoin block {height}, {}",
                    date(time),
                    standing(&header)
                );
                (AnchorState::Counts, line, Some(time))
            }
        }
    };
    (LowerBound { state, line }, time)
}

fn level(
    report: &TimeReport,
    chain: &VerifiedChain,
    not_read: Option<String>,
    headers: Option<&BitcoinHeaders>,
) -> LevelReport {
    let lower = report
        .lower
        .iter()
        .map(|lower| (lower.state, lower.line.clone()));
    let upper = report.anchors.iter();
    let upper = upper.map(|anchor| (anchor.state, format!("{}: {}", anchor.file, anchor.line)));
    let mut found: Vec<(AnchorState, String)> = lower.chain(upper).collect();
    if let Some(words) = not_read {
        found.push((AnchorState::NotRead, words));
    }
    // What speaks against the run is first.
    found.sort_by_key(|(state, _)| !state.is_fault());
    let counts = found.iter().any(|(state, _)| *state == AnchorState::Counts);
    let fault = found.first().filter(|(state, _)| state.is_fault());
    let interval = report.not_before.zip(report.not_after);
    let mut level = match (fault, interval) {
        (Some(_), _) => {
            let (_, line) = found.remove(0);
            LevelReport::new(Level::Time, Verdict::Fails, line)
        }
        (None, Some((before, after))) if before > after => LevelReport::new(
            Level::Time,
            Verdict::Fails,
            format!(
                "CONTRADICTION: not before {}, and not after {}",
                date(before),
                date(after)
            ),
        ),
        (None, Some((before, after))) => LevelReport::new(
            Level::Time,
            Verdict::Holds,
            format!("made between {} and {}", date(before), date(after)),
        ),
        (None, None) if counts => LevelReport::new(Level::Time, Verdict::Partly, part(report)),
        (None, None) => unanchored(),
    };
    for (_, line) in found {
        level = level.line(line);
    }
    if counts {
        level = level.line("Bitcoin's times are the miners': 2 hours are allowed on either side");
        level = with_limit(level, headers);
    }
    level.line(format!(
        "self-reported: started at {}, last block at {} (UTC)",
        utc(chain.started()),
        utc(chain.last_start())
    ))
}

fn unanchored() -> LevelReport {
    let line = "UNANCHORED: the chain may have been made at any time";
    LevelReport::new(Level::Time, Verdict::NotChecked, line)
}

/// What one end shows, and which is missing.
fn part(report: &TimeReport) -> String {
    match (report.not_before, report.not_after) {
        (Some(before), _) => format!(
            "not before {}; nothing shows how late the last block was made",
            date(before)
        ),
        (None, Some(after)) => format!(
            "not after {}; nothing shows how early the run began",
            date(after)
        ),
        (None, None) => {
            let counts = report
                .anchors
                .iter()
                .filter(|anchor| anchor.not_after.is_some());
            let last = counts
                .filter_map(|anchor| anchor.block)
                .max()
                .unwrap_or_default();
            format!(
                "{} not after a time; nothing shows when the blocks behind were made, or how early the run began",
                blocks_to(last)
            )
        }
    }
}

/// A line if other targets than Bitcoin's were allowed.
fn with_limit(level: LevelReport, headers: Option<&BitcoinHeaders>) -> LevelReport {
    match headers.map(BitcoinHeaders::limit) {
        Some(limit) if limit != MAINNET_LIMIT => level.line(format!(
            "targets up to {:08x} were allowed for Bitcoin headers: below Bitcoin's own {:08x} anybody can make them",
            limit.0, MAINNET_LIMIT.0
        )),
        _ => level,
    }
}

/// What a lower bound does not bind. Under a bound order, steps follow from blocks, so they
/// cannot come before genesis.
fn not_bound(chain: &VerifiedChain) -> Option<String> {
    let is_bound = matches!(chain.genesis().order, OrderRule::Bound { .. });
    (!is_bound).then(|| {
        "whether training came before the lower bound in time: that bounds the recording, and only an order bound to the chain ties steps to it".into()
    })
}

/// How well a supplied header stands.
fn standing(header: &SuppliedHeader) -> String {
    match (header.stretch, header.on_top) {
        (1, _) => "a header supplied alone, worth the verifier's word".into(),
        (stretch, on_top) => {
            format!("in a stretch of {stretch} linked headers, {on_top} of them on top")
        }
    }
}

fn blocks_to(last: u32) -> String {
    match last {
        0 => "block 0".into(),
        last => format!("blocks 0 to {last}"),
    }
}

fn seconds(time: HeaderTime) -> i64 {
    i64::from(time.0)
}

fn date(seconds: i64) -> String {
    utc(UnixMillis(
        u64::try_from(seconds).unwrap_or(0).saturating_mul(1000),
    ))
}
