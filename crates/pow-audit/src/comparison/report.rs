//! What a comparison found, and how it is printed.

use super::equivocation::Equivocation;
use crate::display::{counted, printable, utc};
use pow_core::body::{BodyKind, UnixMillis};
use serde::Serialize;
use std::fmt;

/// What was found out about two runs.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Always `burn-pow/compare/v0`.
    pub schema: &'static str,
    /// How the chains lie to each other.
    pub relation: Relation,
    /// The first run.
    pub a: Side,
    /// The second run.
    pub b: Side,
    /// The keys that stand for two chains of one run, the first two such heads of each.
    pub equivocations: Vec<Equivocation>,
    /// The signatures that say nothing here, each with the reason.
    pub unused: Vec<String>,
}

/// One of the runs.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Its directory or chain file.
    pub run: String,
    /// Hash of its genesis block.
    pub genesis: String,
    /// Hash of its last block.
    pub head: String,
    /// Height of its last block.
    pub height: u32,
}

/// How two chains lie to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum Relation {
    /// They have the same blocks.
    Same,
    /// The first one has all blocks of the second one, and more.
    AExtendsB,
    /// The second one has all blocks of the first one, and more.
    BExtendsA,
    /// They have blocks in common, and then others.
    Diverge {
        /// The first block in which they differ, of the first run.
        a: BlockSummary,
        /// The same of the second run.
        b: BlockSummary,
    },
    /// They have no block in common: they are different runs.
    OtherRun {
        /// The genesis block of the first run.
        a: BlockSummary,
        /// That of the second run.
        b: BlockSummary,
    },
}

/// What a block is, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockSummary {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: String,
    /// Hash of the block before.
    pub prev: String,
    /// When its mining began, by the recorder's clock, in milliseconds since 1970.
    pub started: u64,
    /// What it holds, in words.
    pub holds: String,
}

/// What a body holds, in words.
pub(super) fn contents(kind: &BodyKind) -> String {
    match kind {
        BodyKind::Genesis(_) => "genesis".into(),
        BodyKind::Steps(entries) => match (entries.first(), entries.last()) {
            (Some(first), Some(last)) if first.step != last.step => {
                format!("steps {} to {}", first.step.0, last.step.0)
            }
            (Some(only), _) => format!("step {}", only.step.0),
            (None, _) => "no step".into(),
        },
        BodyKind::Final(end) => format!(
            "the end, {} after {}",
            end.ending.name(),
            counted(end.steps.0, "step", "steps")
        ),
    }
}

impl Comparison {
    /// Whether one of the chains has all blocks of the other, and no key stands for two.
    pub fn agrees(&self) -> bool {
        let one = match self.relation {
            Relation::Same | Relation::AExtendsB | Relation::BExtendsA => true,
            Relation::Diverge { .. } | Relation::OtherRun { .. } => false,
        };
        one && self.equivocations.is_empty()
    }

    fn headline(&self) -> String {
        let (a, b) = (self.a.height, self.b.height);
        let behind = |longer: u32, shorter: u32| {
            counted(u64::from(longer.saturating_sub(shorter)), "block", "blocks")
        };
        match &self.relation {
            Relation::Same => format!("SAME: both end at block {a} {}", self.a.head),
            Relation::AExtendsB => format!("A EXTENDS B by {}, behind block {b}", behind(a, b)),
            Relation::BExtendsA => format!("B EXTENDS A by {}, behind block {a}", behind(b, a)),
            Relation::Diverge { a, .. } => format!("DIVERGE at block {}", a.height),
            Relation::OtherRun { .. } => "DIFFERENT RUNS: no block in common".into(),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        for (name, side) in [("A", &self.a), ("B", &self.b)] {
            writeln!(f, "  {name}  {}", printable(&side.run))?;
            writeln!(f, "     genesis {}", side.genesis)?;
            writeln!(f, "     head    {} (block {})", side.head, side.height)?;
        }
        if let Relation::Diverge { a, b } | Relation::OtherRun { a, b } = &self.relation {
            writeln!(f, "the first blocks that differ:")?;
            for (name, block) in [("A", a), ("B", b)] {
                writeln!(f, "  {name}  block {} {}", block.height, block.hash)?;
                writeln!(f, "     on top of {}", block.prev)?;
                let started = utc(UnixMillis(block.started));
                writeln!(f, "     {}, said to be begun at {started}", block.holds)?;
            }
        }
        for found in &self.equivocations {
            found.fmt(f)?;
        }
        for words in &self.unused {
            writeln!(f, "{}", printable(words))?;
        }
        Ok(())
    }
}
