//! What the page asks: which run, and what the verifier knows and wants.

use crate::host::{Host, HostFile};
use crate::run::{HostRun, RunFiles};
use pow_audit::anchor::BitcoinHeaders;
use pow_audit::replay::ReplayReport;
use pow_audit::signature::read_keys;
use pow_audit::source::SharedRun;
use pow_audit::{AuditOptions, Level};
use pow_core::target::CompactTarget;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A run to check. Nothing of what is asked comes from the run itself.
#[derive(Clone, Debug, Deserialize)]
pub struct VerifyRequest {
    /// The run.
    pub run: RunFiles,
    /// The hash that the genesis block must have, as hex.
    #[serde(default)]
    pub genesis: String,
    /// The hash that the last block must have, as hex.
    #[serde(default)]
    pub head: String,
    /// The levels that must hold. Empty: the usual ones.
    #[serde(default)]
    pub require: Vec<String>,
    /// Accept a run that is not finished.
    #[serde(default)]
    pub allow_unfinished: bool,
    /// The runs from which this one went on.
    #[serde(default)]
    pub parents: Vec<RunFiles>,
    /// Replay reports.
    #[serde(default)]
    pub replay_reports: Vec<GivenFile>,
    /// Certificates of TSAs that the verifier trusts.
    #[serde(default)]
    pub trusted_tsas: Vec<GivenFile>,
    /// Headers of Bitcoin's chain that the verifier trusts.
    #[serde(default)]
    pub bitcoin_headers: Option<GivenFile>,
    /// Public keys that must stand for the chain, a line each.
    #[serde(default)]
    pub signed_by: String,
}

/// A file that the verifier gave beside the run.
#[derive(Clone, Debug, Deserialize)]
pub struct GivenFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    #[serde(flatten)]
    pub file: HostFile,
}

/// Something that was asked wrongly. The text says what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RequestError(String);

/// The most bytes of a replay report, as `pow verify` has it.
const MAX_REPORT: usize = 1 << 28;
/// The most bytes of a file of certificates.
const MAX_CERTIFICATES: usize = 1 << 20;
/// The most bytes of a file of Bitcoin headers.
const MAX_BITCOIN_HEADERS: usize = 1 << 28;
/// The easiest target of Bitcoin's chain.
const BITCOIN_LIMIT: CompactTarget = CompactTarget(0x1d00_ffff);

impl VerifyRequest {
    /// What `pow verify` would be asked with.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if something that the verifier gave is not what it should be.
    pub fn options(&self, host: &impl Host) -> Result<AuditOptions, RequestError> {
        let mut options = AuditOptions {
            genesis: parsed("genesis", &self.genesis)?,
            head: parsed("head", &self.head)?,
            allow_unfinished: self.allow_unfinished,
            ..AuditOptions::default()
        };
        for parent in &self.parents {
            let run = HostRun::new(host.clone(), parent.clone());
            options.parents.push(SharedRun::new(run));
        }
        for given in &self.replay_reports {
            let report = ReplayReport::from_json(&given.read(host, MAX_REPORT)?);
            let report = report.map_err(|error| given.wrong(error))?;
            options
                .read_reports
                .push((PathBuf::from(&given.name), report));
        }
        for given in &self.trusted_tsas {
            let bytes = given.read(host, MAX_CERTIFICATES)?;
            let added = options.trusted_tsas.add(&bytes);
            added.map_err(|error| given.wrong(error))?;
        }
        if let Some(given) = &self.bitcoin_headers {
            let bytes = given.read(host, MAX_BITCOIN_HEADERS)?;
            let headers = BitcoinHeaders::parse(&bytes, BITCOIN_LIMIT);
            let headers = headers
                .map_err(|error| given.wrong(format!("not headers of Bitcoin's chain: {error}")))?;
            options.bitcoin_headers = Some(headers);
        }
        options.signed_by = read_keys(&self.signed_by)
            .map_err(|error| RequestError(format!("public keys: {error}")))?;
        options.require = match self.require.is_empty() {
            true => options.usual_levels(self.run.chain_alone),
            false => self.levels()?,
        };
        Ok(options)
    }

    fn levels(&self) -> Result<BTreeSet<Level>, RequestError> {
        let names = self.require.iter();
        names
            .map(|name| name.parse())
            .collect::<Result<_, pow_audit::ParseLevelError>>()
            .map_err(|error| RequestError(error.to_string()))
    }
}

impl GivenFile {
    fn read(&self, host: &impl Host, limit: usize) -> Result<Vec<u8>, RequestError> {
        self.file
            .read_all(host, limit)
            .map_err(|error| self.wrong(error))
    }

    fn wrong(&self, error: impl std::fmt::Display) -> RequestError {
        RequestError(format!("{}: {error}", self.name))
    }
}

/// A hash that the verifier typed, or nothing.
pub(crate) fn parsed<T>(what: &str, text: &str) -> Result<Option<T>, RequestError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    match text.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(RequestError(format!("{what}: {error}"))),
        },
    }
}
