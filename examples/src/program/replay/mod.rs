//! The subcommand `replay` of every example: training challenged segments again.

mod progress;

use crate::program::was_stopped;
use anyhow::{Context, anyhow, bail};
use burn_pow::Portability;
use burn_pow::{
    Action, ChildSegment, Finished, Limits, Tolerance, program_settings, replay_in_children,
};
use clap::Args;
use pow_audit::display::printable;
use pow_audit::replay::{
    Amount, Challenge, Fraction, Goal, Judgement, Machine, ReplayReport, SecurityBits, Segments,
    Shard, largest_moves,
};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount, SegmentIndex};
use pow_core::hash::BlockHash;
use pow_ledger::RunDir;
use progress::{Progress, is_exact};
use serde::de::DeserializeOwned;
use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Train challenged segments of a recorded run again, compare every step with
/// the chain, and write a report.
///
/// The program must be the one that recorded the run, with the same data. Its
/// settings are read from the run. Each segment is replayed by a process of its own,
/// so whatever the run contains, there is a report. `pow verify RUN --replay-report FILE` then
/// checks the report against the chain.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// The run's directory
    run: PathBuf,
    /// Hash that the genesis block must have
    #[arg(long, value_name = "HEX")]
    genesis: Option<BlockHash>,
    /// Bytes that the verifier chose after the chain was finished
    #[arg(long, value_name = "HEX", value_parser = bytes, conflicts_with = "beacon")]
    seed: Option<ChallengeValue>,
    /// Bytes of a public beacon, from after the chain was finished
    #[arg(long, value_name = "HEX", value_parser = bytes)]
    beacon: Option<ChallengeValue>,
    /// Replay every segment
    #[arg(long, conflicts_with_all = ["count", "fraction", "security"])]
    all: bool,
    /// Pick this many segments, besides those that are always checked
    #[arg(long, value_name = "SEGMENTS", conflicts_with_all = ["fraction", "security"])]
    count: Option<u64>,
    /// Pick enough segments to find a bad one if this share of them is bad …
    #[arg(long, value_name = "SHARE", default_value_t = Fraction::TENTH)]
    fraction: Fraction,
    /// … except with a chance of 2^-BITS
    #[arg(long, value_name = "BITS", default_value_t = 10)]
    security: u32,
    /// A segment to replay in any case; can be given several times
    #[arg(long, value_name = "NUMBER")]
    segment: Vec<u64>,
    /// Also replay, for each tensor, the N segments in which it moved furthest per step
    #[arg(long, value_name = "N", default_value_t = 0)]
    largest_moves: usize,
    /// Replay only part I of N of the challenge; a Slurm array or an indexed
    /// Kubernetes job with JOB_COMPLETIONS sets this by itself
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// If steps differ, accept a segment whose last model is within this share of its
    /// way from the committed model; this shows less than equal bits
    #[arg(long, value_name = "SHARE", value_parser = tolerance)]
    tolerance: Option<Tolerance>,
    /// End the replay of a segment that takes no step for this long
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    step_limit: u64,
    /// End the replay of a segment that takes longer than this
    #[arg(long, value_name = "SECONDS")]
    segment_limit: Option<u64>,
    /// The most memory that the replay of a segment may have [default: three quarters
    /// of the machine's, on Linux]
    #[arg(long, value_name = "MIB")]
    memory_limit: Option<u64>,
    /// Start the process of each segment with this command, such as an emulator; its
    /// arguments are separated by spaces
    #[arg(long, value_name = "COMMAND")]
    launcher: Option<String>,
    /// The file for the report, which does not exist yet
    #[arg(long, value_name = "FILE", default_value = "replay.json")]
    report: PathBuf,
    /// Replace the file for the report if it exists, as a part that starts again does
    #[arg(long)]
    replace: bool,
}

impl Replay {
    /// Replays with `program`, which gets the settings that the run was recorded with.
    /// In a process that another one started for a segment, replays that segment.
    ///
    /// The exit code is 0 if every segment of this part is equal bit for bit, also if the
    /// part has none; 1 if one is not; and 2 if nothing could be replayed.
    pub fn run<T: DeserializeOwned>(
        &self,
        program: impl Fn(&T, Action) -> anyhow::Result<Finished>,
    ) -> ExitCode {
        match self.try_run(program) {
            Ok(None) => ExitCode::SUCCESS,
            Ok(Some(report)) if nothing_was_executed(&report) => ExitCode::from(2),
            Ok(Some(report))
                if report
                    .results()
                    .iter()
                    .all(|result| is_exact(&result.outcome)) =>
            {
                ExitCode::SUCCESS
            }
            Ok(_) => ExitCode::FAILURE,
            Err(error) => {
                let error = printable(&error.to_string());
                let _ = writeln!(std::io::stderr(), "error: {error}");
                ExitCode::from(2)
            }
        }
    }

    fn try_run<T: DeserializeOwned>(
        &self,
        program: impl Fn(&T, Action) -> anyhow::Result<Finished>,
    ) -> anyhow::Result<Option<ReplayReport>> {
        let run = RunDir::new(&self.run);
        let child = ChildSegment::of_parent(&run)?;
        if let Some(segment) = child {
            // Only here, so that settings that cannot be read are a result of the replay.
            segment.execute(|action| program(&settings(&run)?, action).map(drop))?;
            return Ok(None);
        }
        let segments = Segments::of(&run, self.genesis, &mut |_| {})?;
        if segments.count() == SegmentCount(0) {
            bail!("the chain has no segment yet, so there is nothing to replay");
        }
        // Checked now, to fail before the training. Writing checks again.
        if !self.replace && self.report.symlink_metadata().is_ok() {
            bail!(
                "{} exists already and is not overwritten; name another file with --report, \
                 or give --replace",
                self.report.display()
            );
        }
        let mut named: Vec<_> = self.segment.iter().copied().map(SegmentIndex).collect();
        if self.largest_moves > 0 {
            match largest_moves(&run, &segments, self.largest_moves) {
                Ok(largest) => named.extend(largest),
                Err(error) => {
                    let error = printable(&error.to_string());
                    // A closed stderr is no error.
                    let _ = writeln!(
                        std::io::stderr(),
                        "warning: the largest moves are not known: {error}"
                    );
                }
            }
        }
        let challenge = Challenge::draw(&segments, self.source(), self.amount(), named)?;
        let shard = self.shard()?;
        let chosen = challenge.part(shard);
        let total: u64 = chosen
            .iter()
            .filter_map(|index| Some(segments.get(*index)?.entries))
            .sum();
        // A closed stderr is no error.
        let _ = writeln!(std::io::stderr(), "{}", Portability::of_this_program());
        let mut progress = Progress::new(total, Machine::of_genesis(segments.chain().genesis()))?;
        let executable = std::env::current_exe()?;
        let report = replay_in_children(
            &run,
            &segments,
            challenge,
            shard,
            self.tolerance,
            self.limits(),
            || self.command(executable.as_os_str()),
            |event| {
                progress.event(event);
                !was_stopped()
            },
        );
        progress.bar.finish_and_clear();
        let report = report?;
        match self.replace {
            true => report.write(&self.report)?,
            false => report.write_new(&self.report)?,
        }
        self.print(&report)?;
        Ok(Some(report))
    }

    /// Starts this program once more, with the same arguments.
    fn command(&self, executable: &OsStr) -> Command {
        let launcher = self.launcher.as_deref().unwrap_or_default();
        let mut words = launcher
            .split_whitespace()
            .map(OsStr::new)
            .chain([executable]);
        let mut command = Command::new(words.next().unwrap_or(executable));
        command.args(words);
        command.args(std::env::args_os().skip(1));
        command
    }

    fn limits(&self) -> Limits {
        let limits = Limits::default();
        let memory = self.memory_limit.map(|mib| mib.saturating_mul(1 << 20));
        Limits {
            memory: memory.or(limits.memory),
            step: Duration::from_secs(self.step_limit),
            segment: self.segment_limit.map(Duration::from_secs),
        }
    }

    fn source(&self) -> ChallengeSource {
        match (&self.seed, &self.beacon) {
            (Some(value), _) => ChallengeSource::Verifier(value.clone()),
            (None, Some(value)) => ChallengeSource::Beacon(value.clone()),
            (None, None) => ChallengeSource::Head,
        }
    }

    fn amount(&self) -> Amount {
        match self.count {
            _ if self.all => Amount::All,
            Some(count) => Amount::Count(SegmentCount(count)),
            None => Amount::Goal(Goal {
                fraction: self.fraction,
                security: SecurityBits(self.security),
            }),
        }
    }

    /// The part that the command line or the scheduler gave this process.
    fn shard(&self) -> anyhow::Result<Shard> {
        if let Some(shard) = self.shard {
            return Ok(shard);
        }
        let number = |name: &str| -> anyhow::Result<Option<u32>> {
            match std::env::var(name) {
                Ok(text) => match text.parse() {
                    Ok(number) => Ok(Some(number)),
                    Err(_) => bail!("{name} is {text:?}, expected a number"),
                },
                Err(_) => Ok(None),
            }
        };
        if let (Some(id), Some(count)) = (
            number("SLURM_ARRAY_TASK_ID")?,
            number("SLURM_ARRAY_TASK_COUNT")?,
        ) {
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let index = id.checked_sub(first).and_then(|index| index.checked_add(1));
            let index = index.context("SLURM_ARRAY_TASK_ID is below SLURM_ARRAY_TASK_MIN")?;
            return Ok(Shard::new(index, count)?);
        }
        match (number("JOB_COMPLETION_INDEX")?, number("JOB_COMPLETIONS")?) {
            (Some(index), Some(count)) => Ok(Shard::new(index.saturating_add(1), count)?),
            (Some(_), None) => bail!(
                "JOB_COMPLETION_INDEX is set but JOB_COMPLETIONS is not: say --shard, or set it \
                 to the job's number of completions"
            ),
            (None, _) => Ok(Shard::WHOLE),
        }
    }

    fn print(&self, report: &ReplayReport) -> anyhow::Result<()> {
        let results = report.results();
        let exact = results.iter().filter(|r| is_exact(&r.outcome)).count();
        let entries: u64 = results.iter().map(|result| result.segment.entries).sum();
        let mut text = std::io::stdout().lock();
        writeln!(
            text,
            "replayed        {} of {} segments, {entries} steps; {exact} bit for bit",
            results.len(),
            report.challenge().segments(),
        )?;
        let report = printable(&self.report.display().to_string());
        writeln!(text, "report          {report}")?;
        writeln!(
            text,
            "verify with     cargo run --release -p pow-cli -- verify {} --replay-report {report}",
            printable(&self.run.display().to_string())
        )?;
        Ok(())
    }
}

fn bytes(text: &str) -> Result<ChallengeValue, String> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return Err("expected an even number of hex digits".into());
    };
    let digit = |digit: u8| {
        let digit = char::from(digit).to_digit(16);
        digit.and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?));
    let bytes = bytes
        .collect::<Option<Vec<u8>>>()
        .ok_or("expected hex digits")?;
    ChallengeValue::new(bytes).map_err(|error| error.to_string())
}

fn tolerance(text: &str) -> Result<Tolerance, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(Tolerance(share)),
        _ => Err("expected a number from 0 to 1".into()),
    }
}

/// The settings that the run was recorded with.
fn settings<T: DeserializeOwned>(run: &RunDir) -> anyhow::Result<T> {
    let settings = program_settings(run)?.context("config.json has no program settings")?;
    serde_json::from_value(settings).map_err(|error| {
        anyhow!("config.json: the settings are not those of this program: {error}")
    })
}

/// A part without segments had nothing to execute, which is no failure.
fn nothing_was_executed(report: &ReplayReport) -> bool {
    let judged = report.judge_all();
    let not_executed = |judged: &Judgement| *judged == Judgement::NotExecuted;
    !judged.is_empty() && judged.iter().all(not_executed)
}
