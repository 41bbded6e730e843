//! The option that chooses what mines.

use burn_pow::{EngineChoice, PowError};
use std::str::FromStr;

/// What mines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineArg {
    /// An engine that opens its own device, if it needs one.
    Own(EngineChoice),
    /// The GPU that trains, through the device that Burn has opened.
    Shared,
}

/// No engine has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no engine is called {0:?}; choose auto, cpu, gpu, all or shared")]
pub struct ParseEngineError(String);

impl FromStr for EngineArg {
    type Err = ParseEngineError;

    fn from_str(name: &str) -> Result<Self, ParseEngineError> {
        match (name, name.parse()) {
            ("shared", _) => Ok(EngineArg::Shared),
            (_, Ok(choice)) => Ok(EngineArg::Own(choice)),
            (_, Err(_)) => Err(ParseEngineError(name.into())),
        }
    }
}

/// The error if no GPU trains that could also mine.
pub fn nothing_to_share() -> PowError {
    PowError::Config("--engine shared mines on the GPU that trains: it needs --device gpu".into())
}
