//! `pow declare`: writes what is planned, before a run.

use crate::arguments::hash;
use crate::new_file::NewFile;
use crate::output::print_text;
use anyhow::Context;
use pow_audit::declaration::{Declaration, Declared, DeclaredText};
use pow_core::hash::{DatasetRoot, FileDigest};
use pow_ledger::file_digest;
use pow_ledger::open::open_named;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// Write a declaration of what you are going to train, before you train.
///
/// Sign the file with your own tool, and let the recorder put its digest into genesis
/// (PowConfig::declared). Then nobody can say later that you chose the metric, the seed or
/// the number of runs after you saw the results, unless you made other declarations as well.
/// Whoever checks a run compares: `pow verify --declaration`.
///
/// Exit code 0: it is written. 2: something could not be read or written.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The file to write. It must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// By what the result will be judged, in one line
    #[arg(long, value_name = "TEXT")]
    metric: DeclaredText,
    /// When a run ends, in one line
    #[arg(long, value_name = "TEXT")]
    stopping: DeclaredText,
    /// How many runs are planned
    #[arg(long, value_name = "N", default_value = "1")]
    runs: NonZeroU32,
    /// The seed of a planned run. Give it again for each: one for each run, or none
    #[arg(long, value_name = "N")]
    seed: Vec<u64>,
    /// The number of optimizer steps after which each run ends
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// The root over the training set, as hex digits
    #[arg(long, value_name = "HEX", value_parser = hash::<DatasetRoot>)]
    data: Option<DatasetRoot>,
    /// The config.json that the runs will have
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The program that will train
    #[arg(long, value_name = "FILE")]
    executable: Option<PathBuf>,
    /// Its lock file
    #[arg(long, value_name = "FILE")]
    lockfile: Option<PathBuf>,
    /// The source revision, as the program will name it
    #[arg(long, value_name = "TEXT")]
    revision: Option<DeclaredText>,
}

const EXAMPLES: &str = "\
Examples:
  pow declare --out plan.txt --metric 'accuracy on test.csv' --stopping 'after 4000 steps' \\
      --steps 4000 --runs 3 --seed 1 --seed 2 --seed 3 --lockfile Cargo.lock
  ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n burn-pow/declaration/v1 plan.txt
  pow verify runs/digits --declaration plan.txt --declared-by id_ed25519.pub";

/// Writes the declaration and prints its digest.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let digest = |path: &Option<PathBuf>| path.as_deref().map(digest_of).transpose();
    let mut seeds = args.seed.clone();
    seeds.sort_unstable();
    let declaration = Declaration::new(Declared {
        data: args.data,
        config: digest(&args.config)?,
        executable: digest(&args.executable)?,
        lockfile: digest(&args.lockfile)?,
        revision: args.revision.clone(),
        seeds,
        steps: args.steps,
        runs: args.runs,
        metric: args.metric.clone(),
        stopping: args.stopping.clone(),
    })?;
    let mut file = NewFile::create(&args.out)?;
    file.write_all(declaration.text().as_bytes())?;
    file.publish()?;
    print_text(&format!(
        "{}\ndigest {}\n",
        args.out.display(),
        declaration.digest()
    ))?;
    Ok(true)
}

fn digest_of(path: &Path) -> anyhow::Result<FileDigest> {
    let file = open_named(path)?;
    file_digest(file).with_context(|| path.display().to_string())
}
