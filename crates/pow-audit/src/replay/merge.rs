//! Joins the reports of the parts into one.

use super::report::{ReplayReport, SegmentResult};
use super::shard::Shard;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Why reports cannot be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// No report was given.
    #[error("there is no report to merge")]
    Nothing,
    /// A report belongs to another chain, challenge or division than the first.
    #[error("report {report}: its {what} is not that of report 1")]
    Foreign {
        /// Which report, counted from 1 in the order given.
        report: usize,
        /// What differs.
        what: &'static str,
    },
    /// Two reports on one part contradict each other.
    #[error(
        "report {report}: part {shard} was given before, with another result for segment {segment}"
    )]
    Conflict {
        /// Which report, counted from 1 in the order given.
        report: usize,
        /// The part.
        shard: Shard,
        /// The first segment on which they differ.
        segment: u64,
    },
    /// Parts are missing.
    #[error("part {first} is missing, {missing} of {of} in all")]
    Missing {
        /// The first part that is missing.
        first: Shard,
        /// Number of missing parts.
        missing: u32,
        /// Number of parts.
        of: u32,
    },
}

/// Joins reports on parts into the report that an undivided replay would have given. The
/// order of the reports does not matter. A part may be given twice if both reports have the
/// same results. The shorter of the two times is kept.
///
/// ```
/// use pow_audit::replay::{MergeError, merge};
/// assert_eq!(merge([]), Err(MergeError::Nothing));
/// ```
///
/// # Errors
///
/// [`MergeError`] if a part is missing, if a report belongs to another chain, head,
/// challenge or division, or if it contradicts another report.
pub fn merge(reports: impl IntoIterator<Item = ReplayReport>) -> Result<ReplayReport, MergeError> {
    let mut parts: BTreeMap<Shard, ReplayReport> = BTreeMap::new();
    for (number, report) in (1..).zip(reports) {
        let first = parts.first_key_value();
        if let Some(what) = first.and_then(|(_, first)| difference(first, &report)) {
            return Err(MergeError::Foreign {
                report: number,
                what,
            });
        }
        match parts.entry(report.shard) {
            Entry::Vacant(place) => {
                place.insert(report);
            }
            Entry::Occupied(mut there) => {
                unite(there.get_mut(), &report).map_err(|segment| MergeError::Conflict {
                    report: number,
                    shard: report.shard,
                    segment,
                })?
            }
        }
    }
    let Some((_, first)) = parts.first_key_value() else {
        return Err(MergeError::Nothing);
    };
    let mut whole = ReplayReport {
        shard: Shard::WHOLE,
        results: Vec::new(),
        ..first.clone()
    };
    let of = first.shard.of();
    // The map has each part at most once.
    let missing = of - parts.len() as u32;
    if missing > 0 {
        let first = (1..=of)
            .filter_map(|index| Shard::new(index, of).ok())
            .find(|shard| !parts.contains_key(shard));
        return Err(MergeError::Missing {
            first: first.unwrap_or(Shard::WHOLE),
            missing,
            of,
        });
    }
    whole.results = parts.into_values().flat_map(|part| part.results).collect();
    whole.results.sort_by_key(|result| result.segment.index);
    Ok(whole)
}

/// What in a report does not belong with the first report. `None` if all of it does.
fn difference(first: &ReplayReport, other: &ReplayReport) -> Option<&'static str> {
    let (a, b) = (&first.chain, &other.chain);
    let checks = [
        (first.version == other.version, "version"),
        (a.genesis == b.genesis, "genesis"),
        (a == b, "head"),
        (first.recorded == other.recorded, "recording machine"),
        (first.challenge == other.challenge, "challenge"),
        (first.shard.of() == other.shard.of(), "number of parts"),
    ];
    let differing = checks.into_iter().find(|(same, _)| !same);
    differing.map(|(_, what)| what)
}

/// Merges a second report on the same part. The error is the first segment on which the
/// two differ.
fn unite(there: &mut ReplayReport, again: &ReplayReport) -> Result<(), u64> {
    let timeless = |result: &SegmentResult| {
        (
            result.segment,
            result.machine.clone(),
            result.outcome.clone(),
            result.control,
        )
    };
    for (result, again) in there.results.iter_mut().zip(&again.results) {
        if timeless(result) != timeless(again) {
            return Err(again.segment.index.0);
        }
        result.spent = result.spent.min(again.spent);
    }
    Ok(())
}
