//! TIME: not before the Bitcoin block that genesis names, and not after what the run's
//! anchors show: blocks of Bitcoin, and the word of TSAs.

mod bitcoin;
mod tsa;

use crate::anchor::tsp::{MAX_TOKEN, TimestampToken, TrustedCertificates};
use crate::anchor::{AnchorProof, BitcoinHeaders, MAINNET_LIMIT, MAX_OTS, OtsProof, StampDigest};
use crate::display::{counted, utc, utc_seconds as date};
use crate::options::AuditOptions;
use crate::report::time::{AnchorReport, AnchorState, TimeReport};
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::body::{Genesis, OrderRule, UnixMillis};
use pow_ledger::open::read_limited;
use pow_ledger::{AnchorFile, AnchorKind, LedgerError, RunFile};
use std::collections::HashMap;

/// The most anchors of a run that are read.
const MAX_ANCHORS: usize = 256;

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
    proof: Result<AnchorProof, (AnchorState, String)>,
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

/// What the level needs to know about a chain.
pub(crate) struct Dated<'a> {
    pub(crate) genesis: &'a Genesis,
    /// The height of the last good block.
    pub(crate) head: u32,
    /// The recorder's own times.
    pub(crate) started: UnixMillis,
    pub(crate) last_start: UnixMillis,
    /// Whether the chain breaks behind the head.
    pub(crate) breaks: bool,
}

/// What a proof says.
struct Found {
    state: AnchorState,
    /// The upper bound, in seconds since 1970.
    time: Option<i64>,
    words: String,
    /// The TSA whose word it is, if it counts.
    tsa: Option<String>,
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
                let waiting = check.waiting.entry(proof.digest()).or_default();
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

    /// The check of anchors that lie in no run, each with the height of the block that it
    /// covers, if it is there.
    pub(crate) fn of(anchors: Vec<(AnchorKind, Vec<u8>)>, blocks: &[(StampDigest, u32)]) -> Self {
        let read = |(kind, bytes): (AnchorKind, Vec<u8>)| {
            let proof = parse(kind, &bytes);
            let digest = proof.as_ref().map(AnchorProof::digest).ok();
            let block = blocks.iter().find(|(known, _)| Some(*known) == digest);
            ReadAnchor {
                file: AnchorFile::of(kind, &bytes),
                proof,
                block: block.map(|(_, height)| *height),
            }
        };
        TimeCheck {
            anchors: anchors.into_iter().map(read).collect(),
            ..TimeCheck::default()
        }
    }

    pub(crate) fn finish(self, end: &WalkEnd, options: &AuditOptions) -> TimeVerdict {
        let (headers, trusted) = (options.bitcoin_headers.as_ref(), &options.trusted_tsas);
        let Some(chain) = &end.chain else {
            return TimeVerdict {
                level: unanchored(),
                report: None,
                not_shown: None,
            };
        };
        let dated = Dated {
            genesis: chain.genesis(),
            head: chain.height().get(),
            started: chain.started(),
            last_start: chain.last_start(),
            breaks: end.failure().is_some(),
        };
        self.judge(&dated, headers, trusted)
    }

    /// The verdict on a chain, by what the verifier supplied.
    pub(crate) fn judge(
        self,
        chain: &Dated<'_>,
        headers: Option<&BitcoinHeaders>,
        trusted: &TrustedCertificates,
    ) -> TimeVerdict {
        let anchors: Vec<AnchorReport> = self
            .anchors
            .iter()
            .map(|anchor| anchor.judge(headers, trusted, chain.breaks))
            .collect();
        let named = chain.genesis.bitcoin_block().ok().flatten();
        let lower = named.map(|named| bitcoin::lower_bound(&named, headers));
        let at_head = anchors
            .iter()
            .filter(|anchor| anchor.block == Some(chain.head));
        let report = TimeReport {
            not_before: lower.as_ref().and_then(|(_, time)| *time),
            not_after: at_head.filter_map(|anchor| anchor.not_after).min(),
            lower: lower.map(|(bound, _)| bound),
            anchors,
        };
        TimeVerdict {
            level: level(&report, chain, self.not_read, headers),
            not_shown: report.not_before.and_then(|_| not_bound(chain.genesis)),
            report: Some(report),
        }
    }
}

/// Reads an anchor. An error has words for the report.
fn read(run: &dyn RunSource, file: AnchorFile) -> Result<AnchorProof, (AnchorState, String)> {
    let path = file.path();
    let limit = match file.kind {
        AnchorKind::Rfc3161 => MAX_TOKEN,
        _ => MAX_OTS,
    };
    let read = run
        .open(RunFile::Anchor(file))
        .and_then(|open| read_limited(open.bytes, &path, limit as u64));
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
    parse(file.kind, &bytes)
}

fn parse(kind: AnchorKind, bytes: &[u8]) -> Result<AnchorProof, (AnchorState, String)> {
    match kind {
        AnchorKind::Rfc3161 => TimestampToken::parse(bytes)
            .map(AnchorProof::Rfc3161)
            .map_err(|error| {
                let (state, word) = tsa::state_of(&error);
                (state, format!("{word}: {error}"))
            }),
        AnchorKind::OpenTimestamps => OtsProof::parse(bytes)
            .map(AnchorProof::OpenTimestamps)
            .map_err(|error| (AnchorState::Malformed, format!("MALFORMED: {error}"))),
        _ => Err((
            AnchorState::Unknown,
            "not checked: of an unknown kind".into(),
        )),
    }
}

impl ReadAnchor {
    fn judge(
        &self,
        headers: Option<&BitcoinHeaders>,
        trusted: &TrustedCertificates,
        breaks: bool,
    ) -> AnchorReport {
        let report = |block, not_after, state, line: String| AnchorReport {
            file: self.file.path().display().to_string(),
            block,
            not_after,
            tsa: None,
            state,
            line,
        };
        let proof = match &self.proof {
            Ok(proof) => proof,
            Err((state, words)) => return report(None, None, *state, words.clone()),
        };
        let Some(block) = self.block else {
            // A chain that breaks may have had the block behind the break.
            let (state, words) = match breaks {
                false => (AnchorState::Foreign, "FOREIGN"),
                true => (AnchorState::Unknown, "not checked"),
            };
            let line = format!(
                "{words}: the stamped digest {} is that of no good block of this chain",
                proof.digest()
            );
            return report(None, None, state, line);
        };
        let found = match proof {
            AnchorProof::OpenTimestamps(proof) => bitcoin::judge_proof(proof, headers),
            AnchorProof::Rfc3161(token) => Some(tsa::judge_token(token, trusted)),
        };
        match found {
            Some(found) => {
                let line = format!("{}: {}", blocks_to(block), found.words);
                AnchorReport {
                    tsa: found.tsa,
                    ..report(Some(block), found.time, found.state, line)
                }
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

fn level(
    report: &TimeReport,
    chain: &Dated<'_>,
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
    let head = chain.head;
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
            format!(
                "made between {} and {}; {}",
                date(before),
                date(after),
                latest_by(report, head)
            ),
        ),
        (None, None) if counts => {
            LevelReport::new(Level::Time, Verdict::Partly, part(report, head))
        }
        (None, None) => unanchored(),
    };
    for (_, line) in found {
        level = level.line(line);
    }
    let upper = report.anchors.iter();
    if upper.clone().any(|anchor| anchor.tsa.is_some()) {
        level = level.line("a TSA's time is its word; whether its certificates were revoked is not checked: no list of revoked ones is read");
    }
    let is_bitcoin = |anchor: &AnchorReport| anchor.not_after.is_some() && anchor.tsa.is_none();
    if report.not_before.is_some() || upper.clone().any(is_bitcoin) {
        level = level.line("Bitcoin's times are the miners': 2 hours are allowed on either side");
        level = with_limit(level, headers);
    }
    level.line(format!(
        "self-reported: started at {}, last block at {} (UTC)",
        utc(chain.started),
        utc(chain.last_start)
    ))
}

fn unanchored() -> LevelReport {
    let line = "UNANCHORED: the chain may have been made at any time";
    LevelReport::new(Level::Time, Verdict::NotChecked, line)
}

/// From what the upper end follows.
fn latest_by(report: &TimeReport, head: u32) -> String {
    let by = report
        .anchors
        .iter()
        .find(|anchor| anchor.not_after == report.not_after && anchor.block == Some(head));
    match by.and_then(|anchor| anchor.tsa.as_ref()) {
        Some(tsa) => format!("the later time is the word of the TSA {tsa}"),
        None => "the later time is that of a Bitcoin block".into(),
    }
}

/// What one end shows, and which is missing.
fn part(report: &TimeReport, head: u32) -> String {
    match (report.not_before, report.not_after) {
        (Some(before), _) => format!(
            "not before {}; nothing shows how late the last block was made",
            date(before)
        ),
        (None, Some(after)) => format!(
            "not after {}; {}; nothing shows how early the run began",
            date(after),
            latest_by(report, head)
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
fn not_bound(genesis: &Genesis) -> Option<String> {
    let is_bound = matches!(genesis.order, OrderRule::Bound { .. });
    (!is_bound).then(|| {
        "whether training came before the lower bound in time: that bounds the recording, and only an order bound to the chain ties steps to it".into()
    })
}

fn blocks_to(last: u32) -> String {
    match last {
        0 => "block 0".into(),
        last => format!("blocks 0 to {last}"),
    }
}
