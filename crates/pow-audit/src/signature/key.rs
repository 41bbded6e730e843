//! The keys that a verifier names.

use super::allowed_signers;
use base64ct::{Base64, Encoding};
use ssh_key::HashAlg;
use ssh_key::public::{EcdsaPublicKey, KeyData};
use std::fmt;

/// The longest file of keys, in bytes.
pub const MAX_KEY_FILE: u64 = 1 << 16;

/// A public key of a signer.
///
/// ```
/// use pow_audit::signature::SignerKey;
/// let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
/// let key: SignerKey = line.parse()?;
/// assert_eq!(key.to_string(), "ssh-ed25519 SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ");
/// # Ok::<(), pow_audit::signature::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SignerKey {
    pub(super) public: Public,
    /// The namespaces for which the verifier allows it. Absent if for all.
    namespaces: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Public {
    Ssh(KeyData),
    /// With its base64.
    Minisign(minisign_verify::PublicKey, MinisignId, String),
}

/// The number by which minisign tells keys apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MinisignId(pub(super) [u8; 8]);

/// Why a text is no public key that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key.
    #[error("there is no public key of SSH or minisign in it")]
    NoKey,
    /// There are several.
    #[error("there are {0} public keys in it; name one")]
    Several(usize),
    /// It is a private key.
    #[error("it is a private key: keep it to yourself, and give the public one")]
    Private,
    /// It is a revocation list in OpenSSH's own format.
    #[error("it is a list of `ssh-keygen -k`; give the public keys themselves, a line each")]
    RevocationList,
    /// It is not in its format.
    #[error("malformed public key: {0}")]
    Malformed(String),
    /// Signatures by such keys cannot be checked.
    #[error("keys of {0} are not supported")]
    Unsupported(String),
    /// An RSA key that is too short.
    #[error("an RSA key of {0} bits; those below {MIN_RSA_BITS} are not safe")]
    Short(u32),
    /// It counts for some time only.
    #[error(
        "valid-after and valid-before cannot be checked, because a signature has no date; give the key without them"
    )]
    TimeSpan,
    /// It is the key of an authority.
    #[error("certificates are not supported; give the signer's own key")]
    Authority,
    /// It has an option with an unknown meaning.
    #[error("the option {0} is unknown")]
    Option(String),
}

/// The shortest RSA keys, in bits.
const MIN_RSA_BITS: u32 = 2048;
/// The longest RSA keys with which the crate `rsa` checks, in bits.
const MAX_RSA_BITS: u32 = 4096;

impl KeyError {
    pub(super) fn of(error: &ssh_key::Error) -> Self {
        match error {
            ssh_key::Error::AlgorithmUnsupported { algorithm } => {
                KeyError::Unsupported(algorithm.to_string())
            }
            ssh_key::Error::AlgorithmUnknown => KeyError::Unsupported("an unknown kind".into()),
            error => KeyError::Malformed(error.to_string()),
        }
    }
}

impl SignerKey {
    fn ssh(line: &str) -> Result<Self, KeyError> {
        let (key, namespaces) = allowed_signers::parse(line)?;
        require_supported(key.key_data())?;
        Ok(SignerKey {
            public: Public::Ssh(key.key_data().clone()),
            namespaces,
        })
    }

    fn minisign(text: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed("not the base64 of a minisign key".into());
        let key = minisign_verify::PublicKey::from_base64(text).map_err(|error| match error {
            minisign_verify::Error::UnsupportedAlgorithm => {
                KeyError::Unsupported("an unknown kind".into())
            }
            _ => malformed(),
        })?;
        let bytes = Base64::decode_vec(text).map_err(|_| malformed())?;
        let id = bytes.get(2..).and_then(|rest| rest.first_chunk());
        Ok(SignerKey {
            public: Public::Minisign(key, MinisignId(*id.ok_or_else(malformed)?), text.into()),
            namespaces: None,
        })
    }

    /// The key of an SSH signature, which carries it.
    pub(super) fn of_ssh(key: &KeyData) -> Self {
        SignerKey {
            public: Public::Ssh(key.clone()),
            namespaces: None,
        }
    }

    /// The key as its tool writes it, without a comment: the algorithm and base64 for SSH, the
    /// base64 alone for minisign.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if it cannot be written.
    pub fn line(&self) -> Result<String, KeyError> {
        match &self.public {
            Public::Ssh(key) => ssh_key::PublicKey::from(key.clone())
                .to_openssh()
                .map_err(|error| KeyError::of(&error)),
            Public::Minisign(_, _, base64) => Ok(base64.clone()),
        }
    }

    /// Whether the verifier allows it for signatures of this namespace.
    pub fn is_allowed_in(&self, namespace: &str) -> bool {
        self.namespaces
            .as_deref()
            .is_none_or(|patterns| allowed_signers::allows(patterns, namespace))
    }
}

impl PartialEq for SignerKey {
    /// Whether it is the same key. For what it is allowed does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for SignerKey {}

/// Signatures by other keys cannot be checked, or not be trusted.
pub(super) fn require_supported(key: &KeyData) -> Result<(), KeyError> {
    match key {
        KeyData::Rsa(rsa) => {
            let bytes = rsa.n.as_positive_bytes().unwrap_or_default();
            let zeros = bytes.first().map_or(0, |first| first.leading_zeros());
            match bytes.len() as u32 * 8 - zeros {
                bits if bits < MIN_RSA_BITS => Err(KeyError::Short(bits)),
                bits if bits > MAX_RSA_BITS => {
                    Err(KeyError::Unsupported(format!("ssh-rsa with {bits} bits")))
                }
                _ => Ok(()),
            }
        }
        // ssh-key's feature for P-521 needs the system's random numbers, which a page in a
        // browser does not have.
        KeyData::Ecdsa(EcdsaPublicKey::NistP521(_)) => {
            Err(KeyError::Unsupported(key.algorithm().to_string()))
        }
        KeyData::Ed25519(_)
        | KeyData::Ecdsa(_)
        | KeyData::SkEd25519(_)
        | KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        other => Err(KeyError::Unsupported(other.algorithm().to_string())),
    }
}

impl std::str::FromStr for SignerKey {
    type Err = KeyError;

    /// Reads one key: a line of a `.pub` file of SSH or of `allowed_signers`, the base64 of
    /// a minisign key, or the text of a file with one of them.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut keys = read_keys(text)?;
        match (keys.pop(), keys.len()) {
            (Some(key), 0) => Ok(key),
            (None, _) => Err(KeyError::NoKey),
            (Some(_), others) => Err(KeyError::Several(others + 1)),
        }
    }
}

/// Reads keys, a line each. Comments, and the lines that minisign calls so, are skipped.
///
/// # Errors
///
/// [`KeyError`] if a line is no key that can be used.
pub fn read_keys(text: &str) -> Result<Vec<SignerKey>, KeyError> {
    if text.starts_with("SSHKRL\n") {
        return Err(KeyError::RevocationList);
    }
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim) {
        let minisign = line.strip_prefix("untrusted comment:");
        if line.ends_with("PRIVATE KEY-----")
            || minisign.is_some_and(|comment| comment.contains("secret key"))
        {
            return Err(KeyError::Private);
        }
        let is_comment = line.starts_with('#') || minisign.is_some();
        if line.is_empty() || is_comment {
            continue;
        }
        keys.push(match line.contains([' ', '\t']) {
            true => SignerKey::ssh(line)?,
            false if line.starts_with("RW") => SignerKey::minisign(line)?,
            false => return Err(KeyError::NoKey),
        });
    }
    Ok(keys)
}

impl fmt::Display for SignerKey {
    /// What people compare: the fingerprint of an SSH key, or the number of a minisign key,
    /// as the tools print them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.public {
            Public::Ssh(key) => {
                write!(
                    f,
                    "{} {}",
                    key.algorithm(),
                    key.fingerprint(HashAlg::Sha256)
                )
            }
            Public::Minisign(_, id, _) => id.fmt(f),
        }
    }
}

impl fmt::Display for MinisignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "minisign {:016X}", u64::from_le_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    /// From the documentation of minisign.
    const MINISIGN: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn one_key_is_one_key() {
        let minisign = format!("untrusted comment: minisign public key\n{MINISIGN}\n");
        let key: SignerKey = minisign.parse().unwrap();
        assert_eq!(key, MINISIGN.parse().unwrap());
        assert_eq!(key.to_string(), "minisign E7620F1842B4E81F");
        assert_ne!(key, SSH.parse().unwrap());
        let limited: SignerKey = format!("me namespaces=\"git\" {SSH}").parse().unwrap();
        assert_eq!(limited, SSH.parse().unwrap());
        assert!(!limited.is_allowed_in("burn-pow/head/v1") && limited.is_allowed_in("git"));
        assert!(key.is_allowed_in("burn-pow/head/v1"));
        let two = format!("# mine\n{SSH}\n\n{MINISIGN}\n");
        assert_eq!(read_keys(&two).unwrap().len(), 2);
        assert_eq!(two.parse::<SignerKey>(), Err(KeyError::Several(2)));
    }

    #[test]
    fn rsa_keys_have_a_range_of_lengths() {
        let key = |first: u8, bytes: usize| {
            let number = [&[first][..], &vec![1; bytes - 1]].concat();
            let mpint = |bytes: &[u8]| ssh_key::Mpint::from_positive_bytes(bytes).unwrap();
            require_supported(&KeyData::Rsa(ssh_key::public::RsaPublicKey {
                e: mpint(&[1, 0, 1]),
                n: mpint(&number),
            }))
        };
        assert_eq!(key(0x7f, 256), Err(KeyError::Short(2047)));
        assert_eq!(key(0x80, 256), Ok(()));
        assert_eq!(key(0xff, 512), Ok(()));
        let long = KeyError::Unsupported("ssh-rsa with 4097 bits".into());
        assert_eq!(key(1, 513), Err(long));
    }

    #[test]
    fn what_is_no_public_key_has_its_own_words() {
        let error = |text: &str| text.parse::<SignerKey>().unwrap_err();
        assert_eq!(error(""), KeyError::NoKey);
        assert_eq!(error("nothing"), KeyError::NoKey);
        assert_eq!(
            error("-----BEGIN OPENSSH PRIVATE KEY-----\n"),
            KeyError::Private
        );
        let secret = "untrusted comment: minisign encrypted secret key\nRWRT\n";
        assert_eq!(error(secret), KeyError::Private);
        assert_eq!(error("SSHKRL\n\0"), KeyError::RevocationList);
        assert!(matches!(error(&SSH[..60]), KeyError::Malformed(_)));
        assert!(matches!(error(&MINISIGN[..40]), KeyError::Malformed(_)));
        let other = "RWA".to_owned() + &MINISIGN[3..];
        assert!(matches!(error(&other), KeyError::Unsupported(_)));
    }
}
