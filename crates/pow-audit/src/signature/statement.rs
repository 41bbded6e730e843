//! What is signed.

use crate::anchor::sha256;
use crate::hex::{from_hex, to_hex};
use crate::replay::{ReplayReport, ReportError};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use std::fmt;

/// The longest statement, in bytes.
pub const MAX_STATEMENT: usize = 1024;

const GENESIS: &str = "burn-pow/genesis/v1";
const HEAD: &str = "burn-pow/head/v1";
const REPORT: &str = "burn-pow/replay-report/v1";

/// What is signed: a text that names its kind, and what it is about.
///
/// ```
/// use pow_audit::signature::Statement;
/// use pow_core::coinbase::Height;
/// use pow_core::hash::BlockHash;
///
/// let head = Statement::Head {
///     genesis: BlockHash([1; 32]),
///     height: Height::new(20)?,
///     hash: BlockHash([2; 32]),
/// };
/// let text = head.to_string();
/// assert!(text.starts_with("burn-pow/head/v1\ngenesis 0101"));
/// assert_eq!(Statement::parse(text.as_bytes())?, head);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Statement {
    /// "I stand for this genesis block", and for nothing behind it.
    Genesis {
        /// The hash of the genesis block.
        genesis: BlockHash,
    },
    /// "This is the chain of that run, up to this block."
    Head {
        /// The hash of the genesis block.
        genesis: BlockHash,
        /// The block.
        height: Height,
        /// Its hash.
        hash: BlockHash,
    },
    /// "I stand for this replay report."
    ReplayReport {
        /// The hash of the genesis block.
        genesis: BlockHash,
        /// The last block of the chain that was replayed.
        height: Height,
        /// Its hash.
        hash: BlockHash,
        /// The SHA-256 of the report's bytes.
        report: [u8; 32],
    },
}

/// Why bytes are no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// The first line names no kind of statement.
    #[error("not a statement of `pow sign`: its first line names no kind that this version knows")]
    Kind,
    /// It is not in the one form of its kind.
    #[error("line {line}: not in the form of a statement of `pow sign`")]
    Form {
        /// The line, counted from 1.
        line: usize,
    },
}

impl Statement {
    /// The statement about a replay report.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if the report is too long to be written.
    pub fn of_report(report: &ReplayReport) -> Result<Self, ReportError> {
        let chain = report.chain();
        Ok(Statement::ReplayReport {
            genesis: chain.genesis,
            height: chain.height,
            hash: chain.head,
            report: sha256(report.to_json()?.as_bytes()),
        })
    }

    /// The namespace of a signature over it: its first line, without the line feed.
    pub fn namespace(&self) -> &'static str {
        match self {
            Statement::Genesis { .. } => GENESIS,
            Statement::Head { .. } => HEAD,
            Statement::ReplayReport { .. } => REPORT,
        }
    }

    /// The hash of the genesis block of the run that it is about.
    pub fn genesis(&self) -> BlockHash {
        match self {
            Statement::Genesis { genesis }
            | Statement::Head { genesis, .. }
            | Statement::ReplayReport { genesis, .. } => *genesis,
        }
    }

    /// Reads a statement. It has one form only: reading and writing gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`StatementError`] if it is anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let text = str::from_utf8(bytes).map_err(|_| StatementError::Kind)?;
        let mut lines = Lines { text, line: 0 };
        let kind = lines.next().map_err(|_| StatementError::Kind)?;
        let statement = match kind {
            GENESIS => Statement::Genesis {
                genesis: lines.hash("genesis ")?,
            },
            HEAD => Statement::Head {
                genesis: lines.hash("genesis ")?,
                height: lines.height()?,
                hash: lines.hash("hash ")?,
            },
            REPORT => Statement::ReplayReport {
                genesis: lines.hash("genesis ")?,
                height: lines.height()?,
                hash: lines.hash("hash ")?,
                report: lines.digest("report ")?,
            },
            _ => return Err(StatementError::Kind),
        };
        // Numbers and digits have several spellings, and only one is written.
        let written = statement.to_string();
        let same = written.lines().zip(text.lines());
        let equal = same.take_while(|(a, b)| a == b).count();
        match written == text {
            true => Ok(statement),
            false => Err(StatementError::Form { line: equal + 1 }),
        }
    }
}

impl fmt::Display for Statement {
    /// The bytes that are signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.namespace())?;
        writeln!(f, "genesis {}", self.genesis())?;
        let (height, hash) = match self {
            Statement::Genesis { .. } => return Ok(()),
            Statement::Head { height, hash, .. } => (height, hash),
            Statement::ReplayReport { height, hash, .. } => (height, hash),
        };
        writeln!(f, "block {height}")?;
        writeln!(f, "hash {hash}")?;
        match self {
            Statement::ReplayReport { report, .. } => writeln!(f, "report {}", to_hex(report)),
            _ => Ok(()),
        }
    }
}

/// Takes a text apart, line by line.
struct Lines<'a> {
    text: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, StatementError> {
        self.line += 1;
        let (line, rest) = self.text.split_once('\n').ok_or(self.wrong())?;
        self.text = rest;
        Ok(line)
    }

    fn value(&mut self, name: &str) -> Result<&'a str, StatementError> {
        self.next()?.strip_prefix(name).ok_or(self.wrong())
    }

    fn hash(&mut self, name: &str) -> Result<BlockHash, StatementError> {
        self.value(name)?.parse().map_err(|_| self.wrong())
    }

    fn height(&mut self) -> Result<Height, StatementError> {
        let height = self.value("block ")?.parse().map_err(|_| self.wrong())?;
        Height::new(height).map_err(|_| self.wrong())
    }

    fn digest(&mut self, name: &str) -> Result<[u8; 32], StatementError> {
        let bytes = from_hex(self.value(name)?).map_err(|_| self.wrong())?;
        bytes.try_into().map_err(|_| self.wrong())
    }

    fn wrong(&self) -> StatementError {
        StatementError::Form { line: self.line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0202020202020202020202020202020202020202020202020202020202020202";

    fn head() -> Statement {
        Statement::Head {
            genesis: BlockHash([1; 32]),
            height: Height::new(20).unwrap(),
            hash: BlockHash([2; 32]),
        }
    }

    #[test]
    fn each_kind_has_one_form() {
        let (genesis, height, hash) = (BlockHash([1; 32]), Height::GENESIS, BlockHash([2; 32]));
        let report = Statement::ReplayReport {
            genesis,
            height,
            hash,
            report: [0xab; 32],
        };
        let all = [Statement::Genesis { genesis }, head(), report];
        for statement in all {
            let text = statement.to_string();
            assert!(text.len() <= MAX_STATEMENT);
            assert_eq!(Statement::parse(text.as_bytes()), Ok(statement));
            assert_eq!(text.lines().next(), Some(statement.namespace()));
            // No statement begins another one.
            for end in 0..text.len() {
                Statement::parse(&text.as_bytes()[..end]).unwrap_err();
            }
            Statement::parse(format!("{text}\n").as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn other_spellings_are_refused_at_their_line() {
        let text = head().to_string();
        let changed = |from: &str, to: &str| {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text);
            Statement::parse(other.as_bytes())
        };
        let line = |line| Err(StatementError::Form { line });
        assert_eq!(changed("head/v1", "head/v2"), Err(StatementError::Kind));
        assert_eq!(
            changed("head/v1\n", "head/v1\r\n"),
            Err(StatementError::Kind)
        );
        assert_eq!(changed("genesis", "Genesis"), line(2));
        assert_eq!(changed("block 20", "block 020"), line(3));
        assert_eq!(changed("block 20", "block +20"), line(3));
        assert_eq!(changed("block 20", "block 2147483648"), line(3));
        assert_eq!(changed("block 20\n", ""), line(3));
        assert_eq!(changed(HASH, &HASH[1..]), line(4));
        assert_eq!(changed(HASH, &format!("{HASH}\nmore")), line(5));
    }
}
