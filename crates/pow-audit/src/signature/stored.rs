//! The signatures that lie in a run.

use super::file::{MAX_SIGNATURE, Signature, SignatureError};
use super::statement::{MAX_STATEMENT, Statement};
use crate::display::counted;
use crate::report::signature::SignatureState;
use crate::source::RunSource;
use pow_ledger::open::read_limited;
use pow_ledger::{LedgerError, RunFile, SignatureFile, SignatureKind};
use std::path::Path;

/// The most signatures of a run that are read.
const MAX_SIGNATURES: usize = 256;

/// The signatures of a run, as far as they could be read. None is checked.
#[derive(Debug, Default)]
pub(crate) struct StoredSignatures {
    /// Those that were read, in the order of their names.
    pub(crate) signatures: Vec<StoredSignature>,
    /// Why the signatures, or more of them, were not read.
    pub(crate) not_read: Option<String>,
    /// Whether a file that is there could not be read.
    pub(crate) could_not_read: bool,
}

/// A signature and its statement, or what is wrong with them.
#[derive(Debug)]
pub(crate) struct StoredSignature {
    pub(crate) file: SignatureFile,
    pub(crate) read: Result<(Signature, Statement), SignatureFault>,
    /// The bytes of the signature. Empty if they could not be read.
    pub(crate) bytes: Vec<u8>,
}

/// What is wrong with a signature.
#[derive(Debug)]
pub(crate) struct SignatureFault {
    pub(crate) state: SignatureState,
    pub(crate) words: String,
}

impl StoredSignatures {
    pub(crate) fn read(run: &dyn RunSource) -> Self {
        let mut stored = StoredSignatures::default();
        let files = match run.signatures() {
            Ok(files) => files,
            Err(error) => {
                stored.not_read = Some(format!("the signatures could not be read: {error}"));
                stored.could_not_read = error.could_not_read();
                return stored;
            }
        };
        if files.len() > MAX_SIGNATURES {
            let more = (files.len() - MAX_SIGNATURES) as u64;
            stored.not_read = Some(format!(
                "{} not read: at most {MAX_SIGNATURES} are",
                counted(more, "signature was", "signatures were")
            ));
        }
        for file in files.into_iter().take(MAX_SIGNATURES) {
            let signature = match read(run, file) {
                Ok((bytes, statement)) => StoredSignature::of(file, bytes, &statement),
                Err(fault) => StoredSignature {
                    file,
                    read: Err(fault),
                    bytes: Vec::new(),
                },
            };
            stored.could_not_read |=
                matches!(&signature.read, Err(fault) if fault.state == SignatureState::NotRead);
            stored.signatures.push(signature);
        }
        stored
    }
}

impl StoredSignature {
    /// Reads a signature and its statement.
    pub(crate) fn of(file: SignatureFile, bytes: Vec<u8>, statement: &[u8]) -> Self {
        StoredSignature {
            file,
            read: parse(file, &bytes, statement),
            bytes,
        }
    }

    /// One that lies in no run. Its name is the one that it would have there.
    pub(crate) fn outside(bytes: Vec<u8>, statement: &[u8]) -> Self {
        let kind = Signature::parse(&bytes).map_or(SignatureKind::Ssh, |made| made.kind());
        StoredSignature::of(SignatureFile::of(kind, &bytes), bytes, statement)
    }
}

/// The bytes of a signature and of its statement.
fn read(run: &dyn RunSource, file: SignatureFile) -> Result<(Vec<u8>, Vec<u8>), SignatureFault> {
    let bytes = read_bytes(run, RunFile::Signature(file), &file.path(), MAX_SIGNATURE)?;
    if SignatureFile::of(file.kind, &bytes) != file {
        let words = "DAMAGED: its bytes are not those that its name says";
        return Err(SignatureFault {
            state: SignatureState::Damaged,
            words: words.into(),
        });
    }
    let path = file.statement_path();
    let statement = read_bytes(run, RunFile::Statement(file), &path, MAX_STATEMENT)?;
    Ok((bytes, statement))
}

fn parse(
    file: SignatureFile,
    bytes: &[u8],
    statement: &[u8],
) -> Result<(Signature, Statement), SignatureFault> {
    let malformed = |words: String| SignatureFault {
        state: SignatureState::Malformed,
        words: format!("MALFORMED: {words}"),
    };
    let signature = Signature::parse(bytes).map_err(|error| match error {
        SignatureError::Unsupported(_) | SignatureError::Key(_) => SignatureFault {
            state: SignatureState::Unsupported,
            words: format!("not checked: {error}"),
        },
        error => malformed(error.to_string()),
    })?;
    if signature.kind() != file.kind {
        return Err(malformed("it is of another kind than its name says".into()));
    }
    let statement = Statement::parse(statement)
        .map_err(|error| malformed(format!("its statement: {error}")))?;
    Ok((signature, statement))
}

fn read_bytes(
    run: &dyn RunSource,
    file: RunFile,
    path: &Path,
    limit: usize,
) -> Result<Vec<u8>, SignatureFault> {
    let open = run.open(file);
    let read = open.and_then(|open| read_limited(open.bytes, path, limit as u64));
    read.map_err(|error| {
        let state = match &error {
            LedgerError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                SignatureState::Damaged
            }
            error if error.could_not_read() => SignatureState::NotRead,
            _ => SignatureState::Malformed,
        };
        let words = match state {
            SignatureState::Damaged => format!("DAMAGED: {error}"),
            _ => error.to_string(),
        };
        SignatureFault { state, words }
    })
}
