//! Runs that go on from others: what a link shows, and what it does not.

mod ancestors;
mod base;
mod links;
mod replayed;
mod tree;

use pow_audit::lineage::BaseFile;
use pow_audit::source::{ChainFile, SharedRun};
use pow_audit::{AuditOptions, AuditReport, Level, audit};
use pow_ledger::RunDir;
use pow_tests::fixture::Fixture;
use std::path::Path;

tests! { mod links, base, ancestors, replayed, tree }

/// The seed of the parent.
const PARENT: u64 = 7;
/// The seed of the child.
const CHILD: u64 = 30;

fn options() -> AuditOptions {
    let mut options = AuditOptions::default();
    options.require.insert(Level::Origin);
    options
}

/// The report on a run whose parents are these.
fn with_parents(run: &RunDir, parents: &[&Fixture]) -> AuditReport {
    let parents = parents
        .iter()
        .map(|parent| SharedRun::new(parent.run.clone()));
    let options = AuditOptions {
        parents: parents.collect(),
        ..options()
    };
    audit(run, &options, &mut |_| {}).unwrap()
}

/// The report from the chain files alone.
fn by_chains(run: &RunDir, parent: &Fixture) -> AuditReport {
    let mut options = AuditOptions {
        parents: vec![SharedRun::new(ChainFile::new(parent.run.chain()))],
        ..options()
    };
    options.require.remove(&Level::Artifact);
    audit(&ChainFile::new(run.chain()), &options, &mut |_| {}).unwrap()
}

/// The report on a run whose base model is this file.
fn with_base(run: &RunDir, file: &Path) -> AuditReport {
    let options = AuditOptions {
        base_model: Some(BaseFile::new(file)),
        ..options()
    };
    audit(run, &options, &mut |_| {}).unwrap()
}

/// Whether a line of NOT SHOWN has these words.
fn is_not_shown(report: &AuditReport, words: &str) -> bool {
    report.not_shown.iter().any(|line| line.contains(words))
}
