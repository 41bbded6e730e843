//! The tree of several runs.

use super::link::{Link, check_link};
use super::run::LineageRun;
use crate::display::{counted, printable};
use crate::report::verdict::Verdict;
use pow_core::hash::BlockHash;
use pow_core::tensor::TensorHasher;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Runs in a tree: each under its parent, if that was given.
#[derive(Clone, Debug, Serialize)]
pub struct Lineage {
    /// Always `burn-pow/lineage/v0`.
    pub schema: &'static str,
    /// Whether every chain holds, and no link fails.
    pub holds: bool,
    /// The runs, in the order in which they were given.
    pub runs: Vec<RunInTree>,
    /// What the tree does not show.
    pub not_shown: Vec<String>,
    /// The order of the tree: places in `runs`, each with how deep it is.
    #[serde(skip)]
    order: Vec<(usize, usize)>,
}

/// A run in the tree.
#[derive(Clone, Debug, Serialize)]
pub struct RunInTree {
    /// Its path.
    pub run: String,
    /// Hash of its genesis block. Absent without a good one, like all facts of the chain.
    pub genesis: Option<String>,
    /// Its name, from genesis.
    pub name: Option<String>,
    /// Hash of its last good block.
    pub head: Option<String>,
    /// Its last committed step.
    pub step: Option<u64>,
    /// How it ended. Absent if it has no final block.
    pub ending: Option<&'static str>,
    /// Why its chain does not hold. Absent if it holds.
    pub failure: Option<String>,
    /// The parameter root of the published model that it names. It is not compared with a
    /// file here.
    pub base_model: Option<String>,
    /// Why nothing is claimed from an extension that names an origin. Absent if nothing is
    /// wrong.
    pub unusable: Option<String>,
    /// The link to the parent that it names. Absent if it names none.
    pub link: Option<Link>,
}

/// Why runs cannot be put in a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineageError {
    /// Two runs have one genesis block: copies of one run, or two continuations of it. A
    /// child names the genesis block only, so it cannot be said which of them it means.
    #[error(
        "{first} and {second} both have the genesis block {genesis}: give one of them, or compare their heads"
    )]
    Twice {
        /// Hash of the genesis block.
        genesis: BlockHash,
        /// The one that was given first.
        first: String,
        /// The other one.
        second: String,
    },
}

/// The runs that have a genesis block, by its hash.
///
/// # Errors
///
/// [`LineageError::Twice`].
pub(crate) fn by_genesis<'r, 'a>(
    runs: impl IntoIterator<Item = &'r LineageRun<'a>>,
) -> Result<BTreeMap<BlockHash, &'r LineageRun<'a>>, LineageError>
where
    'a: 'r,
{
    let mut found: BTreeMap<BlockHash, &LineageRun<'a>> = BTreeMap::new();
    for run in runs {
        let Some(genesis) = run.genesis() else {
            continue;
        };
        if let Some(first) = found.insert(genesis, run) {
            return Err(LineageError::Twice {
                genesis,
                first: first.name(),
                second: run.name(),
            });
        }
    }
    Ok(found)
}

impl Lineage {
    /// Puts the runs in a tree and checks every link between them. `hasher` hashes the
    /// chunks of tensors.
    ///
    /// # Errors
    ///
    /// [`LineageError`] if two runs have one genesis block.
    pub fn of(runs: &[LineageRun<'_>], hasher: &dyn TensorHasher) -> Result<Lineage, LineageError> {
        let known = by_genesis(runs)?;
        let in_tree: Vec<RunInTree> = runs
            .iter()
            .map(|run| RunInTree::of(run, &known, hasher))
            .collect();
        let fails = |run: &RunInTree| {
            let link = run.link.as_ref().map(|link| link.verdict);
            run.failure.is_some() || link == Some(Verdict::Fails)
        };
        Ok(Lineage {
            schema: "burn-pow/lineage/v0",
            holds: !in_tree.iter().any(fails),
            order: order(&in_tree),
            not_shown: not_shown(&in_tree),
            runs: in_tree,
        })
    }

    /// Whether something was not compared because a file that is there could not be read.
    pub fn could_not_check(&self) -> bool {
        let mut links = self.runs.iter().filter_map(|run| run.link.as_ref());
        links.any(|link| link.could_not_check)
    }
}

impl RunInTree {
    fn of(
        run: &LineageRun<'_>,
        known: &BTreeMap<BlockHash, &LineageRun<'_>>,
        hasher: &dyn TensorHasher,
    ) -> Self {
        let chain = run.chain();
        let mut in_tree = RunInTree {
            run: run.name(),
            genesis: chain.map(|chain| chain.genesis_hash().to_string()),
            name: chain.map(|chain| chain.genesis().name.clone()),
            head: chain.map(|chain| chain.head_hash().to_string()),
            step: chain.and_then(|chain| chain.last_entry().map(|entry| entry.step.0)),
            ending: chain.and_then(|chain| chain.end().map(|end| end.ending.name())),
            failure: run.failure(),
            base_model: None,
            unusable: None,
            link: None,
        };
        let Some(beginning) = run.beginning() else {
            return in_tree;
        };
        let unusable = [
            beginning.parent.as_ref().err(),
            beginning.base.as_ref().err(),
        ];
        in_tree.unusable = unusable
            .into_iter()
            .flatten()
            .next()
            .map(ToString::to_string);
        if let Ok(Some(base)) = beginning.base {
            in_tree.base_model = Some(base.to_string());
        }
        if let Ok(Some(named)) = &beginning.parent {
            let parent = known.get(&named.genesis).copied();
            let child = (run.source(), &beginning);
            in_tree.link = Some(check_link(child, named, parent, hasher));
        }
        in_tree
    }
}

/// The places of the runs, each after its parent, with their depths. Siblings are in the
/// order of the steps at which they branch off.
fn order(runs: &[RunInTree]) -> Vec<(usize, usize)> {
    let mut children: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut roots = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        match run.link.as_ref().filter(|link| link.run.is_some()) {
            Some(link) => children.entry(&link.genesis).or_default().push(place),
            None => roots.push(place),
        }
    }
    let step = |place: &usize| runs[*place].link.as_ref().map(|link| link.step);
    // The next run is at the end of this list.
    let mut next: Vec<(usize, usize)> = roots.into_iter().rev().map(|root| (root, 0)).collect();
    let mut order = Vec::new();
    while let Some((place, depth)) = next.pop() {
        order.push((place, depth));
        let genesis = runs[place].genesis.as_deref().unwrap_or_default();
        // Taken out, so that no run is visited twice.
        let mut own = children.remove(genesis).unwrap_or_default();
        own.sort_by_key(step);
        next.extend(own.into_iter().rev().map(|child| (child, depth + 1)));
    }
    order
}

fn not_shown(runs: &[RunInTree]) -> Vec<String> {
    let links = || runs.iter().filter_map(|run| run.link.as_ref());
    let mut lines = vec!["that any of these trainings happened: only replays show that"];
    if links().any(|link| link.run.is_none()) {
        lines.push("anything about a parent that was not given");
    }
    if links().any(|link| link.run.is_some()) {
        lines.push(NOT_BEFORE);
    }
    if runs.iter().any(|run| run.base_model.is_some()) {
        lines.push("whose a base model is: pow verify --base compares it with a file");
    }
    lines.push("the files beside the chains, beyond what a link needs: pow verify reads them");
    lines.push("other runs that went on from these, or that these went on from");
    lines.into_iter().map(String::from).collect()
}

/// A genesis block names the parent's genesis block and a state. The blocks between them
/// can be mined again afterwards.
pub(crate) const NOT_BEFORE: &str = "that the parent's blocks up to that step were there when its child began: genesis names the parent's first block and a state, and no other block";

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, depth) in &self.order {
            self.runs[*place].write(f, *depth)?;
        }
        writeln!(f, "NOT SHOWN")?;
        for line in &self.not_shown {
            writeln!(f, "  - {line}")?;
        }
        Ok(())
    }
}

impl RunInTree {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        // A run's own text is escaped. A tree of any depth stays readable up to here.
        let indent = "  ".repeat(depth.min(20));
        let branch = match (&self.link, depth) {
            (Some(link), 1..) => format!("step {}: ", link.step),
            _ => String::new(),
        };
        let name = match &self.name {
            Some(name) => format!(" ({})", printable(name)),
            None => String::new(),
        };
        let run = printable(&self.run);
        writeln!(f, "{indent}{branch}{run}{name}: {}", printable(&self.end()))?;
        if let Some(genesis) = &self.genesis {
            writeln!(f, "{indent}    genesis {genesis}")?;
        }
        if let Some(link) = &self.link {
            let mut lines = link.lines.iter().map(|line| printable(line));
            let first = lines.next().unwrap_or_default();
            writeln!(f, "{indent}    parent {}: {first}", link.verdict.words())?;
            // The rest says why, and which parent was read.
            for line in lines.filter(|_| link.verdict != Verdict::Holds) {
                writeln!(f, "{indent}        {line}")?;
            }
        }
        if let Some(root) = &self.base_model {
            writeln!(f, "{indent}    base model {root}, not compared")?;
        }
        if let Some(why) = &self.unusable {
            writeln!(f, "{indent}    origin unusable: {}", printable(why))?;
        }
        Ok(())
    }

    fn end(&self) -> String {
        match (&self.failure, self.ending, self.step) {
            (Some(failure), ..) => format!("DOES NOT HOLD: {failure}"),
            (None, Some(ending), Some(step)) => {
                format!("{ending} after {}", counted(step, "step", "steps"))
            }
            (None, _, Some(step)) => format!("unfinished at step {step}"),
            (None, _, None) => "unfinished, no step yet".into(),
        }
    }
}
