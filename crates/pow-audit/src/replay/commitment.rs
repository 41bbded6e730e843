//! Commitments to replay reports.
//!
//! Whoever replayed a run publishes a commitment first, and the report when all others have
//! published theirs. Then nobody can copy the report of another one: the commitment binds the key
//! that signs the report, and cannot be opened for another key.

use super::error::ReportError;
use super::report::ReplayReport;
use crate::anchor::sha256;
use crate::hex::{from_hex, to_hex};
use crate::signature::{KeyError, SignerKey, Statement};
use std::fmt;

/// The longest file with a commitment or a salt, in bytes.
pub const MAX_COMMITMENT_FILE: usize = 256;

const COMMITMENT: &str = "burn-pow/report-commitment/v1";
const SALT: &str = "burn-pow/report-salt/v1";

/// A secret random number, which is shown together with the report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl fmt::Debug for Salt {
    /// Without the number: it is a secret until the report is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// A commitment to a report by one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment(pub [u8; 32]);

/// Why there is no such commitment or salt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentError {
    /// The bytes are none.
    #[error("not a file of `pow commit-report`: expected the line {0} and one of 64 hex digits")]
    Form(&'static str),
    /// The key cannot be written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl Commitment {
    /// The commitment of a key to a report: the SHA-256 of a text with the key, the chain, the
    /// digest of the report and the salt. The report has the challenge in it.
    ///
    /// # Errors
    ///
    /// [`CommitmentError`] if the key or the report cannot be written.
    pub fn of(
        report: &ReplayReport,
        key: &SignerKey,
        salt: &Salt,
    ) -> Result<Self, CommitmentError> {
        let statement = Statement::of_report(report)?;
        Self::to_statement(&statement, key, salt)
    }

    /// The commitment to a statement about a report.
    pub(crate) fn to_statement(
        statement: &Statement,
        key: &SignerKey,
        salt: &Salt,
    ) -> Result<Self, CommitmentError> {
        let key = key.line()?;
        let salt = to_hex(&salt.0);
        let text = format!("{COMMITMENT}\nkey {key}\n{statement}salt {salt}\n");
        Ok(Commitment(sha256(text.as_bytes())))
    }

    /// Reads the text of a commitment. It has one form only.
    ///
    /// # Errors
    ///
    /// [`CommitmentError::Form`] if it is anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, CommitmentError> {
        parse(bytes, COMMITMENT, "commitment ").map(Commitment)
    }
}

impl Salt {
    /// Reads the text of a salt. It has one form only.
    ///
    /// # Errors
    ///
    /// [`CommitmentError::Form`] if it is anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, CommitmentError> {
        parse(bytes, SALT, "salt ").map(Salt)
    }

    /// The text of a file with it.
    pub fn to_text(&self) -> String {
        format!("{SALT}\nsalt {}\n", to_hex(&self.0))
    }
}

impl fmt::Display for Commitment {
    /// The text of a file with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{COMMITMENT}\ncommitment {}", to_hex(&self.0))
    }
}

fn parse(bytes: &[u8], kind: &'static str, name: &str) -> Result<[u8; 32], CommitmentError> {
    let read = || {
        let text = str::from_utf8(bytes).ok()?;
        let rest = text.strip_prefix(kind)?.strip_prefix('\n')?;
        let digits = rest.strip_prefix(name)?.strip_suffix('\n')?;
        let bytes: [u8; 32] = from_hex(digits).ok()?.try_into().ok()?;
        // Hex digits have two spellings, and only one is written.
        (to_hex(&bytes) == digits).then_some(bytes)
    };
    read().ok_or(CommitmentError::Form(kind))
}

/// What was committed to before anybody showed a report, by the verifier's word.
#[derive(Clone, Debug, Default)]
pub struct Commitments {
    /// The commitments that the verifier had by then.
    pub commitments: Vec<Commitment>,
    /// The salts that came with the reports.
    pub salts: Vec<Salt>,
}

impl Commitments {
    /// Whether this key had committed to the report of this statement.
    pub(crate) fn has(&self, statement: &Statement, key: &SignerKey) -> bool {
        self.salts.iter().any(|salt| {
            let opened = Commitment::to_statement(statement, key, salt);
            opened.is_ok_and(|opened| self.commitments.contains(&opened))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::coinbase::Height;
    use pow_core::hash::BlockHash;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn statement(report: u8) -> Statement {
        Statement::ReplayReport {
            genesis: BlockHash([1; 32]),
            height: Height::GENESIS,
            hash: BlockHash([2; 32]),
            report: [report; 32],
        }
    }

    #[test]
    fn it_is_the_digest_of_a_text_that_anybody_can_write() {
        let key: SignerKey = format!("{KEY} me@home").parse().unwrap();
        let found = Commitment::to_statement(&statement(3), &key, &Salt([4; 32])).unwrap();
        let (one, two, three, four) = ("01", "02", "03", "04");
        let text = format!(
            "burn-pow/report-commitment/v1\nkey {KEY}\nburn-pow/replay-report/v1\ngenesis {}\nblock 0\nhash {}\nreport {}\nsalt {}\n",
            one.repeat(32),
            two.repeat(32),
            three.repeat(32),
            four.repeat(32)
        );
        assert_eq!(found.0, sha256(text.as_bytes()));
    }

    #[test]
    fn it_binds_key_report_and_salt() {
        let key: SignerKey = KEY.parse().unwrap();
        let minisign = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let other: SignerKey = minisign.parse().unwrap();
        let salt = Salt([4; 32]);
        let commitments = Commitments {
            commitments: vec![Commitment::to_statement(&statement(3), &key, &salt).unwrap()],
            salts: vec![Salt([5; 32]), salt],
        };
        assert!(commitments.has(&statement(3), &key));
        assert!(!commitments.has(&statement(4), &key));
        assert!(!commitments.has(&statement(3), &other));
        let unopened = Commitments {
            salts: vec![Salt([5; 32])],
            ..commitments
        };
        assert!(!unopened.has(&statement(3), &key));
    }

    #[test]
    fn files_have_one_form() {
        let (commitment, salt) = (Commitment([0xab; 32]), Salt([0xcd; 32]));
        let (a, b) = (commitment.to_string(), salt.to_text());
        assert_eq!(Commitment::parse(a.as_bytes()).unwrap(), commitment);
        assert_eq!(Salt::parse(b.as_bytes()).unwrap(), salt);
        assert!(a.len() <= MAX_COMMITMENT_FILE && b.len() <= MAX_COMMITMENT_FILE);
        assert!(!format!("{salt:?}").contains("cd"));
        let refused = |text: &str| Commitment::parse(text.as_bytes()).unwrap_err();
        for bad in [
            b.as_str(),
            "",
            &a[..a.len() - 1],
            &format!("{a}\n"),
            &a.to_uppercase(),
            &a.replace("ab", "AB"),
            &a.replacen("ab", "", 1),
            &a.replace("v1", "v2"),
        ] {
            assert!(matches!(refused(bad), CommitmentError::Form(_)), "{bad}");
        }
    }
}
