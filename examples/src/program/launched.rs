//! Running what the command line asks for.

use super::{Recording, Replay, exit};
use burn::train::{LearnerModel, SupervisedTraining};
use burn_pow::{Action, Finished, PlainRenderer, PowError, RecordedModel, ResumeError};
use clap::Subcommand;
use serde::de::DeserializeOwned;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// What a program can do besides training.
#[derive(Subcommand)]
pub enum Command {
    #[allow(missing_docs, reason = "Replay has the help text")]
    Replay(Replay),
}

/// Runs `command`, or else `train` with `settings`. `recording` and `out` are parts of
/// `settings`.
pub fn run<S: DeserializeOwned>(
    command: Option<Command>,
    settings: &S,
    recording: &Recording,
    out: &Path,
    train: impl Fn(&S, Action) -> anyhow::Result<Finished>,
) -> ExitCode {
    match command {
        Some(Command::Replay(replay)) => replay.run(train),
        None => {
            let result = train(settings, recording.action());
            if let Some(ended) = had_ended(&result).filter(|_| recording.requeue) {
                // A closed stderr changes nothing here.
                let _ = writeln!(std::io::stderr(), "nothing to do: {ended}");
                return ExitCode::SUCCESS;
            }
            exit(&result, out)
        }
    }
}

/// Says that the run had ended before the program started. A scheduler may start a job
/// once more than it needs.
fn had_ended(result: &anyhow::Result<Finished>) -> Option<&ResumeError> {
    match result.as_ref().err()?.downcast_ref()? {
        PowError::Resume(error) => match &**error {
            ended @ ResumeError::Ended { .. } => Some(ended),
            _ => None,
        },
        _ => None,
    }
}

/// The training. Without a terminal for Burn's dashboard, it prints a line for each
/// epoch.
pub fn shown<M: LearnerModel>(
    training: SupervisedTraining<RecordedModel<M>>,
) -> SupervisedTraining<RecordedModel<M>> {
    match std::io::stdout().is_terminal() {
        true => training,
        false => training.renderer(Box::new(PlainRenderer::default())),
    }
}
