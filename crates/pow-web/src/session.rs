//! A run that was checked, and everything that the page asks about it.

use crate::document::{pretty, shown};
use crate::host::{Host, HostFile};
use crate::layout::{Field, block_fields, body_fields, entry_fields};
use crate::overview::Overview;
use crate::records::{RecordError, StoredBlock, read_from};
use crate::replayed::{ReplayedSegment, replayed_segments};
use crate::request::VerifyRequest;
use crate::run::HostRun;
use crate::search::{Found, SearchError, search};
use pow_audit::audit_and_visit;
use pow_audit::display::utc;
use pow_audit::source::RunSource;
use pow_audit::walk::WalkProgress;
use pow_core::body::BodyKind;
use pow_core::hash::{PlainSha2, StateRoot};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// A run that was checked.
#[derive(Debug)]
pub struct Session<H> {
    host: H,
    chain: HostFile,
    overview: Overview,
    checkpoints: BTreeSet<StateRoot>,
}

/// What the page shows first.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// What `pow verify --json` prints.
    pub report: String,
    /// The same, for people: every text is escaped.
    pub shown: Value,
    /// Whether every required level holds.
    pub holds: bool,
    /// Whether files that could not be read are all that stands in the way of a verdict.
    pub could_not_check: bool,
    /// What is remembered of the chain.
    pub overview: Overview,
    /// The segments of the replay reports that speak of this chain.
    pub replayed: Vec<ReplayedSegment>,
}

/// A block in a list.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: String,
    /// `genesis`, `steps` or `final`.
    pub kind: &'static str,
    /// Its first step. Absent if it commits to none.
    pub first_step: Option<u64>,
    /// Its last step.
    pub last_step: Option<u64>,
    /// How many of its steps have a checkpoint.
    pub checkpoints: u64,
    /// How many of these checkpoints are among the files given.
    pub present: u64,
}

/// A block with all its fields.
#[derive(Debug, Serialize)]
pub struct BlockPage {
    /// The block in a list.
    #[serde(flatten)]
    pub row: Row,
    /// Offset of its record in the chain file, in bytes.
    pub offset: u64,
    /// When mining began, by the recorder's clock.
    pub start: String,
    /// Its target in compact form.
    pub bits: String,
    /// The fields of the block.
    pub block: Vec<Field>,
    /// The fields of its body, up to the entries.
    pub body: Vec<Field>,
    /// How many entries it has.
    pub entry_count: usize,
    /// The first of the entries that are shown.
    pub entries_from: usize,
    /// The fields of these entries.
    pub entries: Vec<Field>,
}

/// The most blocks in one list.
const MAX_ROWS: u64 = 512;
/// How many entries of a block are shown at once.
pub const ENTRIES: usize = 50;

impl<H: Host> Session<H> {
    /// Checks a run. Calls `progress` after every block.
    ///
    /// # Errors
    ///
    /// Why it could not be checked, in words: something is missing, cannot be read, or is not
    /// what it should be.
    pub fn verify(
        host: &H,
        request: &VerifyRequest,
        progress: &mut dyn FnMut(WalkProgress),
    ) -> Result<(Self, Checked), String> {
        let options = request.options(host).map_err(|error| error.to_string())?;
        let run = HostRun::new(host.clone(), request.run.clone());
        let mut overview = Overview::default();
        let report = audit_and_visit(&run, &options, &PlainSha2, &mut |walked, at| {
            overview.block(walked);
            progress(at);
        });
        let report = report.map_err(|error| error.to_string())?;
        let chain = run.chain().ok_or("there is no chain.pow")?;
        let genesis = report.chain.as_ref().map(|chain| chain.genesis.clone());
        let reports = options.read_reports.iter().map(|(_, report)| report);
        let replayed = reports
            .filter(|report| Some(report.chain().genesis.to_string()) == genesis)
            .flat_map(replayed_segments)
            .collect();
        let text = pretty(&report);
        let checked = Checked {
            holds: report.holds(),
            could_not_check: report.could_not_check(),
            shown: shown(&text),
            report: text,
            overview: overview.clone(),
            replayed,
        };
        let checkpoints = run.checkpoints().ok().flatten().unwrap_or_default();
        let session = Session {
            host: host.clone(),
            chain,
            overview,
            checkpoints,
        };
        Ok((session, checked))
    }

    /// Blocks from a height on, up to `count` of them. Fewer at the end of those that hold.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the chain file cannot be read once more.
    pub fn rows(&self, from: u64, count: u64) -> Result<Vec<Row>, RecordError> {
        let end = from
            .saturating_add(count.min(MAX_ROWS))
            .min(self.overview.blocks);
        let mut rows = Vec::new();
        let Some(mark) = self
            .overview
            .mark_before_height(from)
            .filter(|_| from < end)
        else {
            return Ok(rows);
        };
        read_from(&self.host, self.chain, mark, |block| {
            if block.height >= from {
                rows.push(self.row(&block));
            }
            block.height + 1 < end
        })?;
        Ok(rows)
    }

    /// A block with its fields, and those of up to [`ENTRIES`] of its entries.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if there is no such block among those that hold, or it cannot be read.
    pub fn block(&self, height: u64, entries_from: usize) -> Result<BlockPage, RecordError> {
        let mark = self.overview.mark_before_height(height);
        let mark = mark.filter(|_| height < self.overview.blocks);
        let mut found = None;
        read_from(
            &self.host,
            self.chain,
            mark.ok_or(RecordError::None(height))?,
            |block| {
                let goes_on = block.height < height;
                if block.height == height {
                    found = Some(block);
                }
                goes_on
            },
        )?;
        let block = found.ok_or(RecordError::None(height))?;
        let changed = |error: crate::layout::LayoutError| RecordError::Changed {
            height,
            source: Some(error.into()),
        };
        let entries_to = entries_from.saturating_add(ENTRIES);
        let (body, bytes) = (&block.body, &block.body_bytes);
        Ok(BlockPage {
            row: self.row(&block),
            offset: block.offset,
            start: utc(body.common.start),
            bits: block.header.bits.to_string(),
            block: block_fields(&block.bytes).map_err(changed)?,
            body: body_fields(bytes).map_err(changed)?,
            entry_count: match &body.kind {
                BodyKind::Genesis(genesis) => genesis.extensions.len(),
                BodyKind::Steps(entries) => entries.len(),
                BodyKind::Final(_) => 0,
            },
            entries_from,
            entries: entry_fields(bytes, body, entries_from, entries_to).map_err(changed)?,
        })
    }

    /// The places in the chain that fit what somebody typed.
    ///
    /// # Errors
    ///
    /// [`SearchError`] if the text is nothing to look for.
    pub fn search(&self, query: &str) -> Result<Vec<Found>, SearchError> {
        search(&self.host, self.chain, &self.overview, query)
    }

    fn row(&self, block: &StoredBlock) -> Row {
        let entries = match &block.body.kind {
            BodyKind::Steps(entries) => &entries[..],
            _ => &[],
        };
        let roots = entries.iter().filter_map(|entry| entry.state_root());
        let roots: Vec<StateRoot> = roots.collect();
        let present = roots.iter().filter(|root| self.checkpoints.contains(root));
        Row {
            height: block.height,
            hash: block.hash.to_string(),
            kind: block.body.kind.name(),
            first_step: entries.first().map(|entry| entry.step.0),
            last_step: entries.last().map(|entry| entry.step.0),
            checkpoints: roots.len() as u64,
            present: present.count() as u64,
        }
    }
}
