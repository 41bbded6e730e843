//! A signature as a file.

use super::key::{KeyError, MinisignId, Public, SignerKey, require_supported};
use super::statement::Statement;
use crate::declaration::{self, Declaration};
use base64ct::{Base64, Encoding};
use pow_ledger::SignatureKind;
use ssh_key::SshSig;
use ssh_key::public::KeyData;

/// The longest signature, in bytes. One by an RSA key of 4,096 bits has about 1,600.
pub const MAX_SIGNATURE: usize = 1 << 14;

const SSH_BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const SSH_END: &str = "-----END SSH SIGNATURE-----";
const MINISIGN_BEGIN: &str = "untrusted comment:";

/// A signature by a key, over something that is not in it.
#[derive(Clone, Debug)]
pub struct Signature(Form);

#[derive(Clone)]
enum Form {
    Ssh(Box<SshSig>),
    Minisign(minisign_verify::Signature, MinisignId),
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Form::Ssh(signature) => f.debug_tuple("Ssh").field(signature).finish(),
            Form::Minisign(_, id) => f.debug_tuple("Minisign").field(id).finish(),
        }
    }
}

/// Why bytes are no signature that can be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Longer than [`MAX_SIGNATURE`].
    #[error("longer than {MAX_SIGNATURE} bytes, the longest signature allowed")]
    TooLong,
    /// It does not begin as a signature.
    #[error("it begins neither as an SSH signature nor as one of minisign")]
    Kind,
    /// Its end is missing.
    #[error("truncated: {0}")]
    Truncated(&'static str),
    /// It is not in its format.
    #[error("malformed: {0}")]
    Malformed(String),
    /// It is of a kind that cannot be checked.
    #[error("signatures by {0} are not supported")]
    Unsupported(String),
    /// Its key cannot be used.
    #[error("its key: {0}")]
    Key(#[from] KeyError),
}

/// Why a signature does not count for a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// It was made by another key.
    #[error("made by another key: {made_by}, not {expected}")]
    WrongKey {
        /// The key that made it, as it says.
        made_by: String,
        /// The key that should have.
        expected: String,
    },
    /// It needs the public key, which a minisign signature does not carry.
    #[error("made by {made_by}, whose public key was not given")]
    KeyNotGiven {
        /// The number of the key.
        made_by: String,
    },
    /// The verifier allows the key for other purposes only.
    #[error("{key} is not allowed for signatures of the namespace {namespace}")]
    NotAllowed {
        /// The key.
        key: String,
        /// The namespace.
        namespace: &'static str,
    },
    /// It was made for another purpose.
    #[error("made for the namespace {found:?}, not {expected:?}")]
    WrongNamespace {
        /// That of the signature.
        found: String,
        /// That of the statement.
        expected: &'static str,
    },
    /// The key's device did not ask for a touch.
    #[error("the security key signed without being touched")]
    NotTouched,
    /// The key did not sign this statement.
    #[error("WRONG: it is not a signature of this key over this statement")]
    Wrong,
}

impl Signature {
    /// Reads a signature, as `ssh-keygen -Y sign` or `minisign -S` writes it.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if it is none, or one that cannot be checked.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() > MAX_SIGNATURE {
            return Err(SignatureError::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| SignatureError::Kind)?;
        if text.starts_with(SSH_BEGIN) {
            parse_ssh(text)
        } else if text.starts_with(MINISIGN_BEGIN) {
            parse_minisign(text)
        } else {
            Err(SignatureError::Kind)
        }
    }

    /// Its format.
    pub fn kind(&self) -> SignatureKind {
        match self.0 {
            Form::Ssh(_) => SignatureKind::Ssh,
            Form::Minisign(..) => SignatureKind::Minisign,
        }
    }

    /// Who made it, as it says itself.
    pub fn made_by(&self) -> String {
        match &self.0 {
            Form::Ssh(signature) => SignerKey::of_ssh(signature.public_key()).to_string(),
            Form::Minisign(_, id) => id.to_string(),
        }
    }

    /// The key that it carries. A minisign signature carries none.
    pub fn key(&self) -> Option<SignerKey> {
        match &self.0 {
            Form::Ssh(signature) => Some(SignerKey::of_ssh(signature.public_key())),
            Form::Minisign(..) => None,
        }
    }

    /// Whether it says that this key made it.
    pub fn claims(&self, key: &SignerKey) -> bool {
        match (&self.0, &key.public) {
            (Form::Ssh(signature), Public::Ssh(key)) => signature.public_key() == key,
            (Form::Minisign(_, id), Public::Minisign(_, named, _)) => id == named,
            _ => false,
        }
    }

    /// Checks that `key` made it over this statement.
    ///
    /// # Errors
    ///
    /// [`CheckError`] if not.
    pub fn check(&self, key: &SignerKey, statement: &Statement) -> Result<(), CheckError> {
        self.check_text(key, statement.namespace(), statement.to_string().as_bytes())
    }

    /// Checks that `key` made it over this declaration.
    ///
    /// # Errors
    ///
    /// [`CheckError`] if not.
    pub fn check_declaration(
        &self,
        key: &SignerKey,
        declaration: &Declaration,
    ) -> Result<(), CheckError> {
        self.check_text(key, declaration::NAMESPACE, declaration.text().as_bytes())
    }

    fn check_text(
        &self,
        key: &SignerKey,
        namespace: &'static str,
        text: &[u8],
    ) -> Result<(), CheckError> {
        if !self.claims(key) {
            return Err(CheckError::WrongKey {
                made_by: self.made_by(),
                expected: key.to_string(),
            });
        }
        if !key.is_allowed_in(namespace) {
            return Err(CheckError::NotAllowed {
                key: key.to_string(),
                namespace,
            });
        }
        match (&self.0, &key.public) {
            (Form::Ssh(signature), Public::Ssh(key)) => check_ssh(signature, key, namespace, text),
            (Form::Minisign(signature, _), Public::Minisign(key, _, _)) => {
                // Older versions of minisign sign the text itself, and not its hash.
                let allow_legacy = true;
                key.verify(text, signature, allow_legacy)
                    .map_err(|_| CheckError::Wrong)
            }
            _ => Err(CheckError::Wrong),
        }
    }
}

fn parse_ssh(text: &str) -> Result<Signature, SignatureError> {
    if !text.trim_end().ends_with(SSH_END) {
        return Err(SignatureError::Truncated("its last line is missing"));
    }
    let signature = SshSig::from_pem(text.trim_end()).map_err(|error| match error {
        ssh_key::Error::AlgorithmUnsupported { algorithm } => {
            SignatureError::Unsupported(algorithm.to_string())
        }
        ssh_key::Error::AlgorithmUnknown => SignatureError::Unsupported("an unknown kind".into()),
        error => SignatureError::Malformed(error.to_string()),
    })?;
    require_supported(signature.public_key())?;
    Ok(Signature(Form::Ssh(Box::new(signature))))
}

fn parse_minisign(text: &str) -> Result<Signature, SignatureError> {
    let mut lines = text.lines();
    let (Some(_), Some(signed), Some(_), Some(_)) =
        (lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return Err(SignatureError::Truncated("it has fewer than four lines"));
    };
    if lines.next().is_some() {
        return Err(SignatureError::Malformed(
            "it has more than four lines".into(),
        ));
    }
    let signature = minisign_verify::Signature::decode(text).map_err(|error| match error {
        minisign_verify::Error::UnsupportedAlgorithm => {
            SignatureError::Unsupported("an unknown kind of minisign key".into())
        }
        error => SignatureError::Malformed(error.to_string()),
    })?;
    let bytes = Base64::decode_vec(signed);
    let id = bytes.as_deref().ok().and_then(|bytes| bytes.get(2..));
    match id.and_then(|rest| rest.first_chunk()) {
        Some(id) => Ok(Signature(Form::Minisign(signature, MinisignId(*id)))),
        None => Err(SignatureError::Malformed("not base64".into())),
    }
}

fn check_ssh(
    signature: &SshSig,
    key: &KeyData,
    namespace: &'static str,
    text: &[u8],
) -> Result<(), CheckError> {
    if signature.namespace() != namespace {
        return Err(CheckError::WrongNamespace {
            found: signature.namespace().into(),
            expected: namespace,
        });
    }
    ssh_key::PublicKey::from(key.clone())
        .verify(namespace, text, signature)
        .map_err(|_| CheckError::Wrong)?;
    let is_security_key = matches!(key, KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_));
    match is_security_key && !was_touched(signature.signature_bytes()) {
        true => Err(CheckError::NotTouched),
        false => Ok(()),
    }
}

/// Whether a security key was touched: a flag in front of its counter, at the end of what it
/// signs. (PROTOCOL.u2f of OpenSSH.)
fn was_touched(signature: &[u8]) -> bool {
    const USER_PRESENT: u8 = 1;
    let trailer: Option<&[u8; 5]> = signature.last_chunk();
    trailer.is_some_and(|[flags, ..]| flags & USER_PRESENT != 0)
}
