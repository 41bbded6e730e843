//! Where steps were executed.

use super::report::ReportError;
use pow_core::body::{Environment, Genesis, MAX_TEXT};
use pow_core::hash::FileDigest;

/// A program and the environment it ran in, as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Digest of the executable's bytes; absent if it could not be read.
    pub executable: Option<FileDigest>,
    /// Burn, backend, device, CPU and threads.
    pub environment: Environment,
}

impl Machine {
    /// What genesis says of the machine that recorded the run.
    pub fn of_genesis(genesis: &Genesis) -> Self {
        Machine {
            executable: genesis.code.executable,
            environment: genesis.environment.clone(),
        }
    }

    /// Whether the executables are the same bytes; `None` if one is not known.
    pub fn has_executable_of(&self, other: &Machine) -> Option<bool> {
        Some(self.executable? == other.executable?)
    }

    /// Whether equal steps must give equal bits on both: Burn's version,
    /// backend, device and CPU are the same. Threads may differ: Flex gave equal
    /// bits with one to four of them.
    pub fn is_comparable_with(&self, other: &Machine) -> bool {
        let (a, b) = (&self.environment, &other.environment);
        (&a.burn, &a.backend, &a.device, &a.cpu) == (&b.burn, &b.backend, &b.device, &b.cpu)
    }

    /// Whether its texts are as short as genesis's must be.
    pub(super) fn check(&self) -> Result<(), ReportError> {
        let environment = &self.environment;
        [
            ("burn", &environment.burn),
            ("backend", &environment.backend),
            ("device", &environment.device),
            ("cpu", &environment.cpu),
        ]
        .into_iter()
        .find(|(_, text)| text.len() > MAX_TEXT)
        .map_or(Ok(()), |(place, text)| {
            let reason = format!(
                "a text of {} bytes, at most {MAX_TEXT} are allowed",
                text.len()
            );
            Err(ReportError::content(format!("machine.{place}"), reason))
        })
    }
}
