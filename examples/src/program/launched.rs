//! Running what the command line asks for.

use super::{Recording, Replay, exit};
use burn::train::{LearnerModel, SupervisedTraining};
use burn_pow::{Action, Finished, PlainRenderer, RecordedModel};
use clap::Subcommand;
use serde::de::DeserializeOwned;
use std::io::IsTerminal;
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
        None => exit(&train(settings, recording.action()), out),
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
