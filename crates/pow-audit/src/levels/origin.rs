//! ORIGIN: whether the run starts in a state of another run, or with the weights of a
//! published model.

use crate::error::AuditError;
use crate::lineage::{
    BaseFile, BaseLink, Beginning, Committed, LineageRun, Link, NOT_BEFORE, by_genesis, check_base,
    check_link,
};
use crate::options::AuditOptions;
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport, OriginReport};
use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::body::BodyKind;
use pow_core::tensor::TensorHasher;

/// Keeps the first entry of the chain.
#[derive(Debug, Default)]
pub(crate) struct OriginCheck {
    first: Option<Committed>,
}

/// What was found out about the start of a run.
#[derive(Debug, Default)]
pub(crate) struct OriginVerdict {
    /// Absent if genesis names no origin and nobody asked.
    pub(crate) level: Option<LevelReport>,
    pub(crate) report: Option<OriginReport>,
    /// What stays unknown.
    pub(crate) not_shown: Vec<String>,
    /// What of the first state was traced, and to which step of which run. Absent unless
    /// weights and optimizer are accounted for.
    pub(crate) traced: Option<String>,
}

impl OriginCheck {
    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        if self.first.is_none()
            && let BodyKind::Steps(entries) = &walked.block.body().kind
        {
            // Rule 14: it has a checkpoint.
            self.first = entries.first().and_then(Committed::of);
        }
    }

    /// `hasher` hashes the chunks of tensors.
    pub(crate) fn finish(
        self,
        end: &WalkEnd,
        run: &dyn RunSource,
        options: &AuditOptions,
        hasher: &dyn TensorHasher,
    ) -> Result<OriginVerdict, AuditError> {
        let is_asked = !options.parents.is_empty()
            || options.base_model.is_some()
            || options.require.contains(&Level::Origin);
        let Some(chain) = &end.chain else {
            let line = "no genesis block";
            return Ok(OriginVerdict {
                level: is_asked.then(|| LevelReport::new(Level::Origin, Verdict::NotChecked, line)),
                ..OriginVerdict::default()
            });
        };
        let beginning = Beginning::of(chain, self.first);
        if !is_asked && !beginning.names_an_origin() {
            return Ok(OriginVerdict::default());
        }
        let parents = options.parents.iter();
        let parents: Vec<LineageRun<'_>> = parents
            .map(|parent| LineageRun::read(parent.source(), &mut |_| {}))
            .collect::<Result<_, _>>()?;
        let file = options.base_model.as_ref();
        let base = check_base((run, &beginning), file, hasher).map_err(AuditError::BaseModel)?;
        let line = Ancestry::of((run, &beginning), &parents, hasher)?;
        Ok(verdict(&beginning, file, base, line))
    }
}

/// The links from a run up to its oldest ancestor that was given, and the given runs that
/// are no ancestors.
struct Ancestry {
    links: Vec<Link>,
    foreign: Vec<String>,
}

impl Ancestry {
    fn of(
        (run, beginning): (&dyn RunSource, &Beginning),
        parents: &[LineageRun<'_>],
        hasher: &dyn TensorHasher,
    ) -> Result<Self, AuditError> {
        let mut left = by_genesis(parents)?;
        let mut links = Vec::new();
        let (mut source, mut child) = (run, beginning.clone());
        while let Ok(Some(named)) = child.parent {
            // Taken out, so that the way up ends whatever the runs say.
            let parent = left.remove(&named.genesis);
            links.push(check_link((source, &child), &named, parent, hasher));
            let Some((next, of_parent)) =
                parent.and_then(|parent| Some((parent.source(), parent.beginning()?)))
            else {
                break;
            };
            (source, child) = (next, of_parent);
        }
        let no_genesis = parents.iter().filter(|parent| parent.genesis().is_none());
        let no_genesis = no_genesis.map(|parent| {
            let why = parent.failure().unwrap_or_default();
            format!("{} has no good genesis block: {why}", parent.name())
        });
        let others = left.iter().map(|(genesis, parent)| {
            format!(
                "{} is no ancestor of this run: its genesis block is {genesis}",
                parent.name()
            )
        });
        Ok(Ancestry {
            foreign: others.chain(no_genesis).collect(),
            links,
        })
    }
}

fn verdict(
    beginning: &Beginning,
    file: Option<&BaseFile>,
    base: Option<BaseLink>,
    line: Ancestry,
) -> OriginVerdict {
    let level = level(beginning, base.as_ref(), &line);
    let fails = level.verdict == Verdict::Fails;
    let not_shown = Unknown {
        parent: line.links.first(),
        base: base.as_ref(),
        file_is_wanted: file.is_none() && matches!(beginning.base, Ok(Some(_))),
        fails,
    };
    let not_shown = not_shown.lines();
    let parent = line.links.first().filter(|_| !fails);
    let traced = parent.and_then(|link| {
        let what = link.start.as_ref()?.traced()?;
        let run = link.run.as_ref()?;
        Some(format!(
            "{what} of the first checkpoint to step {} of {run}",
            link.step
        ))
    });
    let mut links = line.links.into_iter();
    OriginVerdict {
        level: Some(level),
        report: Some(OriginReport {
            parent: links.next(),
            ancestors: links.collect(),
            not_ancestors: line.foreign,
            base_model: base,
        }),
        not_shown,
        traced,
    }
}

fn level(beginning: &Beginning, base: Option<&BaseLink>, line: &Ancestry) -> LevelReport {
    let mut parts = Parts::default();
    let mut links = line.links.iter();
    if let Some(parent) = links.next() {
        parts.add(parent.verdict, &parent.lines);
        parts.could_not_check |= parent.could_not_check;
    }
    for ancestor in links {
        parts.add_ancestor(ancestor);
    }
    if let Some(base) = base {
        parts.add(base.verdict, &base.lines);
        parts.could_not_check |= base.could_not_check;
    }
    let unusable = [
        beginning.parent.as_ref().err(),
        beginning.base.as_ref().err(),
    ];
    for why in unusable.into_iter().flatten() {
        let line = format!("an extension of genesis that names an origin is unusable: {why}");
        parts.add(Verdict::NotChecked, &[line]);
    }
    for foreign in &line.foreign {
        parts.add(Verdict::Fails, std::slice::from_ref(foreign));
    }
    if matches!(beginning.parent, Ok(None)) && !line.foreign.is_empty() {
        parts.lines.push("genesis names no parent".into());
    }
    if parts.lines.is_empty() {
        let line = "genesis names neither a parent nor a base model";
        parts.lines.push(line.into());
    }
    parts.level()
}

/// What stays unknown of the start.
struct Unknown<'a> {
    parent: Option<&'a Link>,
    base: Option<&'a BaseLink>,
    /// Whether genesis names a base model whose file was not given.
    file_is_wanted: bool,
    fails: bool,
}

impl Unknown<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.parent.map(|parent| parent.run.is_some()) {
            Some(false) => lines.push(
                "that this run goes on from the one that genesis names: it was not given (--parent)",
            ),
            Some(true) if !self.fails => lines.extend([
                "that the trainings before this run happened: only replays of those runs show that",
                NOT_BEFORE,
            ]),
            _ => {}
        }
        if self.file_is_wanted {
            lines.push(
                "that this run goes on from a published model: its file was not given (--base)",
            );
        }
        if self.base.is_some_and(|base| base.file.is_some()) {
            lines.push("who made the base model, and how");
        }
        let starts = [
            self.parent.and_then(|link| link.start.as_ref()),
            self.base.and_then(|base| base.start.as_ref()),
        ];
        let starts = || starts.iter().flatten();
        // One of the two may account for everything.
        let best = starts().find(|start| start.is_whole());
        let best = best.or_else(|| starts().next());
        lines.extend(best.and_then(|start| start.not_shown()));
        lines.into_iter().map(String::from).collect()
    }
}

/// What the level is made of.
#[derive(Default)]
struct Parts {
    /// Of this run's own links.
    verdicts: Vec<Verdict>,
    /// Whether an ancestor's link was checked and does not hold in full.
    is_spoilt: bool,
    lines: Vec<String>,
    could_not_check: bool,
}

impl Parts {
    fn add(&mut self, verdict: Verdict, lines: &[String]) {
        // What fails is the most important line.
        if verdict == Verdict::Fails && !self.verdicts.contains(&Verdict::Fails) {
            self.lines.splice(0..0, lines.iter().cloned());
        } else {
            self.lines.extend_from_slice(lines);
        }
        self.verdicts.push(verdict);
    }

    /// What an ancestor names in turn is its own affair, and can only make the level
    /// worse. If the run that it names was not given, nothing was asked.
    fn add_ancestor(&mut self, link: &Link) {
        if link.verdict == Verdict::Fails {
            return self.add(Verdict::Fails, &link.lines);
        }
        self.lines.extend_from_slice(&link.lines);
        if link.run.is_some() {
            self.is_spoilt |= link.verdict != Verdict::Holds;
            self.could_not_check |= link.could_not_check;
        }
    }

    fn level(&self) -> LevelReport {
        let all = |verdict| self.verdicts.iter().all(|each| *each == verdict);
        let verdict = if self.verdicts.contains(&Verdict::Fails) {
            Verdict::Fails
        } else if all(Verdict::NotChecked) {
            Verdict::NotChecked
        } else if all(Verdict::Holds) && !self.is_spoilt {
            Verdict::Holds
        } else {
            Verdict::Partly
        };
        let mut lines = self.lines.iter();
        let first = lines.next().cloned().unwrap_or_default();
        let mut level = LevelReport::new(Level::Origin, verdict, first);
        level.lines.extend(lines.cloned());
        level.could_not_check = self.could_not_check && verdict != Verdict::Fails;
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_as_good_as_its_parts() {
        use Verdict::{Fails, Holds, NotChecked, Partly};
        let cases: [(&[Verdict], Verdict); 8] = [
            (&[], NotChecked),
            (&[Holds], Holds),
            (&[Holds, Holds], Holds),
            (&[Holds, NotChecked], Partly),
            (&[NotChecked, NotChecked], NotChecked),
            (&[Holds, Partly], Partly),
            (&[Partly, NotChecked], Partly),
            (&[Holds, NotChecked, Fails, Partly], Fails),
        ];
        for (verdicts, expected) in cases {
            let mut parts = Parts::default();
            for verdict in verdicts {
                parts.add(*verdict, &[format!("{verdict:?}")]);
            }
            let level = parts.level();
            assert_eq!(level.verdict, expected, "{verdicts:?}");
            if expected == Fails {
                assert_eq!(level.lines[0], "Fails");
            }
        }
    }
}
