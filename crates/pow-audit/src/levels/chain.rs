//! CHAIN, FINISHED and WORK: the levels that need only the chain file.

use crate::display::counted;
use crate::report::hash_rate::{RATES, duration};
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::walk::WalkEnd;
use pow_core::extension::ReadExtension;
use pow_core::hash::BlockHash;
use std::collections::BTreeSet;

pub(crate) fn chain_level(end: &WalkEnd, head: Option<BlockHash>) -> LevelReport {
    if let Some(failure) = end.failure() {
        if end.no_block_yet() {
            return LevelReport::new(Level::Chain, Verdict::NotChecked, failure);
        }
        return LevelReport::new(Level::Chain, Verdict::Fails, failure).line(match end.blocks {
            0 => "no block is before it".into(),
            1 => "the block before it holds every rule".into(),
            blocks => format!("the {blocks} blocks before it hold every rule"),
        });
    }
    if let (Some(pinned), Some(chain)) = (head, &end.chain)
        && chain.head_hash() != pinned
    {
        let found = chain.head_hash();
        let line = format!("the last block is {found}, the pinned head {pinned}");
        return LevelReport::new(Level::Chain, Verdict::Fails, line);
    }
    let planned = end
        .chain
        .as_ref()
        .and_then(|chain| chain.genesis().schedule.planned);
    let planned = planned.map_or("an unknown number of steps".into(), steps);
    let level = LevelReport::new(
        Level::Chain,
        Verdict::Holds,
        format!(
            "{}, {}; links, commitments, work, difficulty and clock hold; {planned} planned",
            counted(end.blocks, "block", "blocks"),
            counted(end.entries, "entry", "entries")
        ),
    );
    let level = with_extensions(level, end);
    match end.torn() {
        Some(torn) => level.line(format!(
            "byte {}: the file ends inside a record ({} bytes of it): the writer was killed or is still writing, or the file was cut",
            torn.offset, torn.len
        )),
        None => level,
    }
}

/// A line for each extension of genesis from which nothing is claimed.
fn with_extensions(mut level: LevelReport, end: &WalkEnd) -> LevelReport {
    let Some(chain) = &end.chain else {
        return level;
    };
    let mut unknown = 0;
    let mut named = BTreeSet::new();
    for extension in chain.genesis().read_extensions() {
        match extension {
            // One line, however many there are of the type.
            ReadExtension::Unusable(kind, why) if named.insert(kind) => {
                level = level.line(format!(
                    "the extension {} of genesis is unusable, and nothing is claimed from it: {why}",
                    kind.name()
                ));
            }
            ReadExtension::Unknown(_) => unknown += 1,
            _ => {}
        }
    }
    match unknown {
        0 => level,
        count => level.line(format!(
            "genesis has {} of an unknown type: not checked",
            counted(count, "extension", "extensions")
        )),
    }
}

pub(crate) fn finished_level(end: &WalkEnd) -> LevelReport {
    let level = |verdict, line: String| LevelReport::new(Level::Finished, verdict, line);
    let Some(chain) = &end.chain else {
        return level(Verdict::NotChecked, "no genesis block".into());
    };
    match (chain.end(), end.torn(), end.failure()) {
        (Some(last), None, None) => level(
            Verdict::Holds,
            format!("{} after {}", last.ending.name(), steps(last.steps.0)),
        ),
        (Some(_), Some(torn), None) => level(
            Verdict::Fails,
            format!("byte {}: bytes follow the final block", torn.offset),
        ),
        (Some(_), _, Some(failure)) => level(
            Verdict::Fails,
            format!("something follows the final block: {failure}"),
        ),
        (None, _, Some(_)) => level(
            Verdict::NotChecked,
            format!("the chain breaks after block {}", chain.height()),
        ),
        (None, _, None) => level(
            Verdict::Fails,
            format!(
                "no final block after block {}: the run is not finished, its writer was killed, or its end was cut off",
                chain.height()
            ),
        ),
    }
}

fn steps(count: u64) -> String {
    counted(count, "step", "steps")
}

pub(crate) fn work_level(end: &WalkEnd) -> LevelReport {
    let Some(chain) = &end.chain else {
        return LevelReport::new(Level::Work, Verdict::NotChecked, "no genesis block");
    };
    let work = chain.work().saturating_u128();
    let costs: Vec<String> = RATES
        .iter()
        .map(|(name, rate)| {
            let millis = work.saturating_mul(1000) / u128::from(rate.0);
            format!("{} on {name}", duration(millis))
        })
        .collect();
    LevelReport::new(
        Level::Work,
        Verdict::Holds,
        format!("{} expected hashes: {}", chain.work(), costs.join(", ")),
    )
    .line("these rates are reference points, not measurements")
}
