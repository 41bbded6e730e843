//! Signatures: statements for which somebody's key stands.
//!
//! What is signed is a short text, a [`Statement`]: about a run's genesis block, about the
//! head of its chain, or about a replay report. People sign it with the tools and keys that
//! they have, `ssh-keygen -Y sign` or `minisign`; this crate never sees a private key.
//! `docs/signatures.md` has every byte.
//!
//! A signature shows that whoever holds the key stands for the statement. It does not show
//! when it was made, nor whose key it is: the verifier names the keys that count.

mod accept;
mod allowed_signers;
mod file;
mod key;
mod statement;
mod stored;

pub use accept::{
    AcceptSignatureError, AcceptedSignature, RunStatementError, accept_signature, check_statement,
    genesis_statement, head_statement,
};
pub use file::{CheckError, MAX_SIGNATURE, Signature, SignatureError};
pub use key::{KeyError, MAX_KEY_FILE, SignerKey, read_keys};
pub use statement::{MAX_STATEMENT, Statement, StatementError};
pub(crate) use stored::{SignatureFault, StoredSignature, StoredSignatures};
