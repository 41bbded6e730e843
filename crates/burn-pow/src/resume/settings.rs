//! The settings of a run, as its config.json has them.

use crate::config::PowConfig;
use crate::error::{PowError, ResumeError};
use pow_core::hash::FileDigest;
use pow_ledger::open::read_limited;
use pow_ledger::{LedgerError, RunDir, RunFile};

/// Compares the settings with those that the run was started with. `expected` is the
/// digest in genesis.
pub(crate) fn check_settings(
    dir: &RunDir,
    config: &PowConfig,
    expected: FileDigest,
) -> Result<(), PowError> {
    let ours = config.config_bytes();
    if FileDigest::of(&ours) == expected {
        return Ok(());
    }
    let theirs = read_config(dir)?;
    let object = |bytes: &[u8]| serde_json::from_slice::<serde_json::Map<_, _>>(bytes).ok();
    let show = |value: Option<&serde_json::Value>| {
        value.map_or_else(|| "absent".into(), ToString::to_string)
    };
    let (found, started) = (object(&ours), object(&theirs));
    let names = |all: &Option<serde_json::Map<String, serde_json::Value>>| {
        all.iter()
            .flat_map(|all| all.keys().cloned())
            .collect::<Vec<_>>()
    };
    for name in names(&found).into_iter().chain(names(&started)) {
        let value = |all: &Option<serde_json::Map<_, _>>| {
            all.as_ref().and_then(|all| all.get(&name)).cloned()
        };
        let (found, started) = (value(&found), value(&started));
        if found != started {
            return Err(PowError::Config(format!(
                "{name} is {}, but the run was started with {}",
                show(found.as_ref()),
                show(started.as_ref())
            )));
        }
    }
    Err(ResumeError::Mismatch {
        what: "the digest of config.json",
        found: FileDigest::of(&ours).to_string(),
        expected: expected.to_string(),
    }
    .into())
}

/// Reads the settings that [`PowConfig::program`] kept in a run's config.json. `None`
/// if it kept none. Opening the run with them checks whether they are the settings
/// that the run was started with.
///
/// # Errors
///
/// [`PowError::Ledger`] if config.json cannot be read; [`PowError::Config`] if it is
/// not a JSON object, or is longer than one MiB.
pub fn program_settings(dir: &RunDir) -> Result<Option<serde_json::Value>, PowError> {
    let bytes = read_config(dir)?;
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes)
        .map_err(|error| PowError::Config(format!("{}: {error}", dir.config().display())))?;
    Ok(object.remove("program").filter(|value| !value.is_null()))
}

/// The longest config.json that is read, in bytes.
const MAX_CONFIG_LEN: u64 = 1 << 20;

fn read_config(dir: &RunDir) -> Result<Vec<u8>, PowError> {
    let file = dir.open(RunFile::Config)?;
    match read_limited(file, &dir.config(), MAX_CONFIG_LEN) {
        Err(error @ LedgerError::TooLong { .. }) => Err(PowError::Config(error.to_string())),
        read => Ok(read?),
    }
}
