//! Mutation tests of the crates that judge a chain. See docs/mutants.md.
//!
//! All mutants are built at once: each is a branch that an environment variable switches on. So
//! the crates are compiled once, and not once for each mutant.

mod compare;
mod explained;
mod operators;
mod record;
mod scan;
mod scratch;
mod site;
mod suite;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use record::{Mutant, Outcome, Record, Results, numbered};
use scratch::{CRATES, Scratch};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use suite::{End, Suite};

#[derive(Parser)]
#[command(about = "Changes the verifier in many small ways, and sees whether a test fails")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the tests with each mutant. Exits with 1 if one survives unexplained.
    Run(Run),
    /// Prints the mutants that were killed before and are not killed after.
    Compare {
        /// Results before a change.
        before: PathBuf,
        /// Results after it.
        after: PathBuf,
    },
}

#[derive(Args)]
struct Run {
    /// A revision instead of the working tree.
    #[arg(long)]
    revision: Option<String>,
    /// The crates whose mutants are tried, in this order.
    #[arg(long = "crate", value_parser = CRATES, default_values = CRATES)]
    crates: Vec<String>,
    /// Only mutants that are as those in these results that survived or did not end.
    #[arg(long, value_name = "RESULTS")]
    only: Option<PathBuf>,
    /// Leave out tests whose package and name begin like this, such as `pow-cli`.
    #[arg(long, value_name = "START")]
    skip: Vec<String>,
    /// Leave out tests that compute for more seconds than this.
    #[arg(long, value_name = "SECONDS", default_value_t = f64::INFINITY)]
    longest: f64,
    /// Where the copy is, and the results.
    #[arg(long, default_value = "target/mutants")]
    scratch: PathBuf,
    /// Where the results go [default: results.json in the scratch directory].
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Run(run) => run.run(),
        Command::Compare { before, after } => {
            let worse = compare::print(&Results::read(&before)?, &Results::read(&after)?);
            Ok(ExitCode::from(u8::from(worse > 0)))
        }
    }
}

impl Run {
    fn run(&self) -> Result<ExitCode> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()?;
        std::fs::create_dir_all(&self.scratch)?;
        let dir = self.scratch.canonicalize()?;
        let out = self.out.clone().unwrap_or_else(|| dir.join("results.json"));
        let only = self.only.as_deref().map(Results::read).transpose()?;

        let mut scratch = Scratch::new(&root, &dir, self.revision.as_deref())?;
        let mut suite = Suite::new(&mut scratch, &self.skip, &dir.join("reached.json"))?;
        suite.leave_out_above(self.longest);
        let mut results = Results {
            revision: self
                .revision
                .clone()
                .unwrap_or_else(|| "working tree".into()),
            skipped: scratch.skipped.clone(),
            unbuildable: scratch.unbuildable.clone(),
            mutants: Vec::new(),
        };
        let wanted = only.map(|only| {
            let all = numbered(&only.mutants, |record| record.mutant.key());
            let open = all
                .iter()
                .filter(|(_, record)| record.outcome != Outcome::Killed);
            open.map(|((key, count), _)| format!("{key:?} {count}"))
                .collect::<Vec<_>>()
        });
        let mutants = scratch.mutants();
        let mutants = numbered(mutants.iter().copied(), |mutant| mutant.key());
        let in_order = self.crates.iter().flat_map(|name| {
            mutants
                .iter()
                .filter(move |(_, mutant)| mutant.krate() == name)
        });
        for (key, mutant) in in_order {
            let key = format!("{:?} {}", key.0, key.1);
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&key)) {
                continue;
            }
            let record = try_mutant(&suite, mutant, &results)?;
            if record.outcome != Outcome::Killed {
                println!("{:?}: {mutant}", record.outcome);
            }
            results.mutants.push(record);
            results.write(&out)?;
        }
        results.write(&out)?;
        self.summary(&root, &results)
    }

    /// Prints the counts.
    fn summary(&self, root: &Path, results: &Results) -> Result<ExitCode> {
        let explanations = explained::read(&root.join("tests/mutants/explained.toml"))?;
        let mut open = 0;
        for name in &self.crates {
            let of: Vec<&Record> = results
                .mutants
                .iter()
                .filter(|record| record.mutant.krate() == name)
                .collect();
            let count = |outcome| of.iter().filter(|record| record.outcome == outcome).count();
            let survived = of
                .iter()
                .filter(|record| record.outcome == Outcome::Survived);
            let (explained, left): (Vec<&Record>, Vec<&Record>) =
                survived.copied().partition(|record| {
                    explanations
                        .iter()
                        .any(|explanation| explanation.is_of(&record.mutant))
                });
            for record in &left {
                println!("survives: {}", record.mutant);
            }
            open += left.len();
            println!(
                "{name}: {} mutants, {} killed, {} of them by a test that does not end, \
                 {} explained, {} survive; {} cannot be switched",
                of.len(),
                count(Outcome::Killed) + count(Outcome::Timeout),
                count(Outcome::Timeout),
                explained.len(),
                left.len(),
                results.skipped.get(name).context("a crate")?,
            );
        }
        if self.only.is_none() {
            let survived = || {
                results
                    .mutants
                    .iter()
                    .filter(|r| r.outcome == Outcome::Survived)
            };
            let idle = explanations
                .iter()
                .filter(|explanation| !survived().any(|record| explanation.is_of(&record.mutant)));
            idle.for_each(|explanation| println!("explains no survivor: {explanation}"));
        }
        Ok(ExitCode::from(u8::from(open > 0)))
    }
}

/// Runs the tests that reach a mutant until one fails. Those come first that killed other mutants
/// of the file.
fn try_mutant(suite: &Suite, mutant: &Mutant, results: &Results) -> Result<Record> {
    let mut tests = suite.reaching(mutant.id);
    tests.sort_by_cached_key(|test| {
        let records = results
            .mutants
            .iter()
            .filter(|record| record.mutant.file == mutant.file);
        std::cmp::Reverse(
            records
                .filter(|r| r.killed_by.as_ref() == Some(&test.name))
                .count(),
        )
    });
    let (mut outcome, mut killed_by) = (Outcome::Survived, None);
    for test in &tests {
        outcome = match test.with(mutant.id)? {
            End::Passed => continue,
            End::Failed => Outcome::Killed,
            End::Stopped => Outcome::Timeout,
        };
        killed_by = Some(test.name.clone());
        break;
    }
    Ok(Record {
        mutant: mutant.clone(),
        reached: tests.len(),
        outcome,
        killed_by,
    })
}
