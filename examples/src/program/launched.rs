//! From the command line to the end of a launched training.

use super::{Recording, Replay, exit};
use burn::train::{LearnerModel, SupervisedTraining};
use burn_pow::{Action, Outcome, PlainRenderer, PowError, RecordedModel, Trained};
use clap::Subcommand;
use serde::de::DeserializeOwned;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// What else a program can do than train.
#[derive(Subcommand)]
pub enum Command {
    #[allow(missing_docs, reason = "the help text is what Replay says of itself")]
    Replay(Replay),
}

/// Does what was asked for: `command`, or else `train` with `settings`, of which
/// `recording` and `out` are a part.
pub fn run<S: DeserializeOwned>(
    command: Option<Command>,
    settings: &S,
    recording: &Recording,
    out: &Path,
    train: impl Fn(&S, Action) -> anyhow::Result<()>,
) -> ExitCode {
    match command {
        Some(Command::Replay(replay)) => replay.run(train),
        None => exit(&train(settings, recording.action()), out),
    }
}

/// The training, which prints a line an epoch where there is no terminal for
/// Burn's dashboard.
pub fn shown<M: LearnerModel>(
    training: SupervisedTraining<RecordedModel<M>>,
) -> SupervisedTraining<RecordedModel<M>> {
    match std::io::stdout().is_terminal() {
        true => training,
        false => training.renderer(Box::new(PlainRenderer::default())),
    }
}

/// What was trained, if something was: a replay's report says what came out.
///
/// # Errors
///
/// [`PowError::Interrupted`] if the run was stopped while its last blocks were
/// mined.
pub fn trained<M>(outcome: Outcome<M>) -> Result<Option<Trained<M>>, PowError> {
    match outcome {
        Outcome::Trained(trained) => Ok(Some(trained)),
        Outcome::Interrupted(left) => Err(PowError::Interrupted {
            blocks: left.blocks,
            unsealed: left.unsealed,
        }),
        _ => Ok(None),
    }
}
