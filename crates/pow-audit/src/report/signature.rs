//! What a report says about signatures, for programs.

use serde::Serialize;

/// Whose keys stand for the chain, as far as it was checked.
#[derive(Clone, Debug, Serialize)]
pub struct SignaturesReport {
    /// The keys that the verifier named, in the order given.
    pub signed_by: Vec<NamedKeyReport>,
    /// The signatures of the run that were read.
    pub signatures: Vec<SignatureReport>,
}

/// A key that the verifier named, and what it signed.
#[derive(Clone, Debug, Serialize)]
pub struct NamedKeyReport {
    /// The fingerprint of an SSH key, or the number of a minisign key.
    pub key: String,
    /// The last block of this chain for which it stands. Absent if for none.
    pub last_block: Option<u32>,
}

/// A signature, and what was found out about it.
#[derive(Clone, Debug, Serialize)]
pub struct SignatureReport {
    /// Its path in the run.
    pub file: String,
    /// The key that made it, as it says. Absent if it could not be read.
    pub key: Option<String>,
    /// The last block that it covers. Absent if it covers none of this chain.
    pub block: Option<u32>,
    /// What was found.
    pub state: SignatureState,
    /// The same in words.
    pub line: String,
}

/// What was found out about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignatureState {
    /// It is right, and by a key that the verifier named.
    Counts,
    /// The verifier did not name its key. If it carries its key, it is right.
    NotNamed,
    /// The verifier does not allow its key for this.
    NotAllowed,
    /// The verifier says that its key is revoked.
    Revoked,
    /// It is of a kind that cannot be checked.
    Unsupported,
    /// It is over a later block of a run with this genesis block than this chain has.
    Ahead,
    /// It could not be read, is not read because there are too many, or the chain breaks
    /// before the block could be found.
    NotRead,
    /// It is over another run.
    Foreign,
    /// It was made for another purpose.
    WrongNamespace,
    /// It, or its statement, is not in its format.
    Malformed,
    /// Its bytes are not those for which it was named, or its statement is missing.
    Damaged,
    /// It is not a signature of its key over its statement.
    Wrong,
    /// It is over a block of another chain with this genesis block.
    OtherChain,
    /// The same, and its key stands for this chain up to that height, too.
    Equivocation,
}

impl SignatureState {
    /// Whether it speaks against the run.
    pub fn is_fault(self) -> bool {
        match self {
            SignatureState::Counts
            | SignatureState::NotNamed
            | SignatureState::NotAllowed
            | SignatureState::Revoked
            | SignatureState::Unsupported
            | SignatureState::Ahead
            | SignatureState::NotRead => false,
            SignatureState::Foreign
            | SignatureState::WrongNamespace
            | SignatureState::Malformed
            | SignatureState::Damaged
            | SignatureState::Wrong
            | SignatureState::OtherChain
            | SignatureState::Equivocation => true,
        }
    }
}
