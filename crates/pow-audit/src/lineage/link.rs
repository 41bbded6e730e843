//! The link from a run to its parent.

use super::compare::{CheckpointOf, NotCompared, compare_rest};
use super::run::{Beginning, Committed, LineageRun};
use super::start::Start;
use crate::display::counted;
use crate::report::verdict::Verdict;
use crate::source::RunSource;
use pow_core::body::StepNumber;
use pow_core::chain::VerifiedChain;
use pow_core::extension::Parent;
use pow_core::tensor::TensorHasher;
use serde::Serialize;

/// What was found out about the parent that a run names.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// Hash of the parent's genesis block, as the run names it.
    pub genesis: String,
    /// The step of the parent that the run names.
    pub step: u64,
    /// The state root that the run names.
    pub state: String,
    /// The path of the parent. Absent if it was not given.
    pub run: Option<String>,
    /// Whether the parent's chain commits to the state, and the run starts with it.
    pub verdict: Verdict,
    /// What the run took over. Absent where nothing can be said.
    pub start: Option<Start>,
    /// What was found. The most important line is first.
    pub lines: Vec<String>,
    /// Whether something was not checked because a file that is there could not be read.
    #[serde(skip)]
    pub(crate) could_not_check: bool,
}

impl Link {
    fn new(named: &Parent, parent: Option<&LineageRun<'_>>) -> Self {
        Link {
            genesis: named.genesis.to_string(),
            step: named.step.0,
            state: named.state.to_string(),
            run: parent.map(LineageRun::name),
            verdict: Verdict::NotChecked,
            start: None,
            lines: Vec::new(),
            could_not_check: false,
        }
    }

    fn with(mut self, verdict: Verdict, line: impl Into<String>) -> Self {
        self.verdict = verdict;
        self.lines.push(line.into());
        self
    }

    /// Whether the run is shown to start in a state of the parent, and nothing of its first
    /// state came from elsewhere.
    pub fn is_shown(&self) -> bool {
        self.verdict == Verdict::Holds
    }
}

/// Checks the link from a run to `parent`, which is the run with the genesis block that
/// `named` names. `source` has the files of the child, and `hasher` hashes the chunks of
/// tensors.
pub(crate) fn check_link(
    (source, child): (&dyn RunSource, &Beginning),
    named: &Parent,
    parent: Option<&LineageRun<'_>>,
    hasher: &dyn TensorHasher,
) -> Link {
    let link = Link::new(named, parent);
    let Some((parent, chain)) = parent.and_then(|parent| Some((parent, parent.chain()?))) else {
        let line = format!(
            "genesis names step {} of the run with genesis {}: the trainer's own word, because that run was not given",
            named.step, named.genesis
        );
        return link.with(Verdict::NotChecked, line);
    };
    let committed = match state_of_parent(parent, chain, named) {
        Ok(committed) => committed,
        Err((verdict, why)) => {
            let line = format!("{}: {why}", place(parent, named));
            return link.with(verdict, line).line(about(parent, chain));
        }
    };
    let theirs = CheckpointOf {
        source: parent.source(),
        root: named.state,
        committed,
        whose: "the parent's",
    };
    starts(
        link,
        (source, child),
        &theirs,
        &place(parent, named),
        hasher,
    )
    .line(about(parent, chain))
}

/// The entry of the named step, if the parent's chain holds and commits to the named state
/// there.
fn state_of_parent(
    parent: &LineageRun<'_>,
    chain: &VerifiedChain,
    named: &Parent,
) -> Result<Committed, (Verdict, String)> {
    if let Some(failure) = parent.failure() {
        let why = format!("the chain of the parent does not hold: {failure}");
        return Err((Verdict::Fails, why));
    }
    let Some(committed) = parent.at(named.step) else {
        let last = chain.last_entry().map(|entry| entry.step);
        return Err(match chain.end() {
            // A copy of a run that was still going on. Nothing speaks against the child.
            None if last.is_none_or(|last| last < named.step) => (
                Verdict::NotChecked,
                format!(
                    "this copy of the parent is unfinished and ends {}",
                    ends_at(last)
                ),
            ),
            _ => (
                Verdict::Fails,
                "the parent has no checkpoint of that step, so it commits to no state there".into(),
            ),
        });
    };
    let found = pow_core::state::state_root(committed.parameters, committed.rest);
    if found != named.state {
        let why = format!(
            "the parent commits to the state {found} there, but this run names {}",
            named.state
        );
        return Err((Verdict::Fails, why));
    }
    Ok(committed)
}

fn ends_at(last: Option<StepNumber>) -> String {
    match last {
        Some(last) => format!("at step {last}"),
        None => "before its first step".into(),
    }
}

/// Compares the first state of the child with the state of the parent.
fn starts(
    link: Link,
    (source, child): (&dyn RunSource, &Beginning),
    theirs: &CheckpointOf<'_>,
    place: &str,
    hasher: &dyn TensorHasher,
) -> Link {
    if child.state == theirs.root {
        return link.start(Start::State, place);
    }
    let Some(first) = child.first else {
        let line = format!("{place}: this run has no entry yet to compare with it");
        return link.with(Verdict::NotChecked, line);
    };
    let own = CheckpointOf {
        source,
        root: child.state,
        committed: first,
        whose: "this run's first",
    };
    if first.parameters == theirs.committed.parameters {
        let (start, could_not_read) = compare_rest(&own, theirs, hasher);
        let mut link = link.start(start, place);
        link.could_not_check = could_not_read;
        return link;
    }
    let compared = own
        .leaves(hasher)
        .and_then(|own| Ok(own.taken_from(&theirs.leaves(hasher)?)));
    link.some_tensors(compared, place, "the weights of that step")
}

impl Link {
    fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    fn start(mut self, start: Start, place: &str) -> Self {
        let verdict = match start.is_whole() {
            true => Verdict::Holds,
            false => Verdict::Partly,
        };
        self = self.with(verdict, format!("{place}: starts with {}", start.words()));
        self.lines.extend(start.remark());
        self.start = Some(start);
        self
    }

    /// The verdict if the first weights are not those of the parent as a whole.
    fn some_tensors(
        mut self,
        compared: Result<Option<Start>, NotCompared>,
        place: &str,
        weights: &str,
    ) -> Self {
        match compared {
            Ok(Some(start)) => self.start(start, place),
            Ok(None) => {
                let line = format!("{place}: starts with no tensor of {weights}");
                self.with(Verdict::Fails, line)
            }
            Err(not) => {
                self.could_not_check = not.could_not_read;
                let line = format!(
                    "{place}: starts with other weights than the whole of {weights}; single tensors were not compared: {}",
                    not.why
                );
                self.with(Verdict::NotChecked, line)
            }
        }
    }
}

fn place(parent: &LineageRun<'_>, named: &Parent) -> String {
    format!("step {} of {}", named.step, parent.name())
}

/// What the verifier may compare with what they know of the parent.
fn about(parent: &LineageRun<'_>, chain: &VerifiedChain) -> String {
    let end = match chain.end() {
        Some(end) => format!(
            "{} after {}",
            end.ending.name(),
            counted(end.steps.0, "step", "steps")
        ),
        None => match chain.last_entry() {
            Some(last) => format!("unfinished at step {}", last.step),
            None => "unfinished".into(),
        },
    };
    format!(
        "{}: genesis {}, {}, {end}, head {}",
        parent.name(),
        chain.genesis_hash(),
        counted(u64::from(chain.height().get()) + 1, "block", "blocks"),
        chain.head_hash()
    )
}
