//! Public keys as OpenSSL writes them.

use crate::anchor::sha256;
use crate::hex::to_hex;
use der::asn1::{Any, BitString, ObjectIdentifier};
use der::{Document, Encode, pem::LineEnding};
use ed25519_dalek::VerifyingKey as Ed25519;
use p256::ecdsa::VerifyingKey as P256;
use p256::ecdsa::signature::Verifier;
use p384::ecdsa::VerifyingKey as P384;
use p521::ecdsa::VerifyingKey as P521;
use std::fmt;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ON_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ON_P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ON_P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

const LABEL: &str = "PUBLIC KEY";

/// A public key that the verifier names: Ed25519, or ECDSA on P-256 (with SHA-256), P-384
/// (SHA-384) or P-521 (SHA-512).
///
/// ```
/// use pow_audit::envelope::EnvelopeKey;
/// let key = EnvelopeKey::from_pem(
///     "-----BEGIN PUBLIC KEY-----\n\
///      MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
///      -----END PUBLIC KEY-----\n",
/// )?;
/// assert_eq!(key.algorithm(), "Ed25519");
/// // `sha256sum key.pub.pem` prints the same.
/// assert_eq!(key.hint().len(), 64);
/// # Ok::<(), pow_audit::envelope::EnvelopeKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeKey {
    point: Point,
    hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Point {
    Ed25519(Ed25519),
    P256(P256),
    P384(P384),
    P521(P521),
}

/// Why a text is no public key that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeKeyError {
    /// It is a private key.
    #[error(
        "it is a private key: keep it to yourself, and give the public one (`openssl pkey -pubout`)"
    )]
    Private,
    /// It is a certificate.
    #[error("it is a certificate; give its public key (`openssl x509 -pubkey -noout`)")]
    Certificate,
    /// It is something else.
    #[error("it is no PEM file of one public key: {0}")]
    NoKey(String),
    /// Signatures by such keys are not checked.
    #[error("keys of {0} are not supported; use Ed25519, or ECDSA on P-256, P-384 or P-521")]
    Unsupported(String),
    /// The key is no point of its curve.
    #[error("it is no key of {0}")]
    Point(&'static str),
}

impl EnvelopeKey {
    /// Reads a PEM file with one public key, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    ///
    /// [`EnvelopeKeyError`] if it is anything else.
    pub fn from_pem(text: &str) -> Result<Self, EnvelopeKeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY-----") {
            return Err(EnvelopeKeyError::Private);
        }
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(EnvelopeKeyError::Certificate);
        }
        let no_key = |reason: String| EnvelopeKeyError::NoKey(reason);
        let text = format!("{text}\n");
        let (label, document) =
            Document::from_pem(&text).map_err(|error| no_key(error.to_string()))?;
        if label != LABEL {
            return Err(no_key(format!("its label is {label:?}")));
        }
        let info: SubjectPublicKeyInfoOwned = document
            .decode_msg()
            .map_err(|error: der::Error| no_key(error.to_string()))?;
        Self::from_info(&info)
    }

    fn from_info(info: &SubjectPublicKeyInfoOwned) -> Result<Self, EnvelopeKeyError> {
        let bytes = info.subject_public_key.as_bytes().unwrap_or_default();
        let curve = info.algorithm.parameters.as_ref();
        let curve = curve.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        let wrong = EnvelopeKeyError::Point;
        let point = match (info.algorithm.oid, curve) {
            (ED25519, _) => {
                let bytes = bytes.try_into().map_err(|_| wrong("Ed25519"))?;
                let key = Ed25519::from_bytes(bytes).map_err(|_| wrong("Ed25519"))?;
                Point::Ed25519(key)
            }
            (EC_KEY, Some(ON_P256)) => {
                Point::P256(P256::from_sec1_bytes(bytes).map_err(|_| wrong("P-256"))?)
            }
            (EC_KEY, Some(ON_P384)) => {
                Point::P384(P384::from_sec1_bytes(bytes).map_err(|_| wrong("P-384"))?)
            }
            (EC_KEY, Some(ON_P521)) => {
                Point::P521(P521::from_sec1_bytes(bytes).map_err(|_| wrong("P-521"))?)
            }
            (EC_KEY, Some(other)) => {
                return Err(EnvelopeKeyError::Unsupported(format!("the curve {other}")));
            }
            (other, _) => {
                return Err(EnvelopeKeyError::Unsupported(format!(
                    "the algorithm {other}"
                )));
            }
        };
        let pem = point
            .to_pem()
            .map_err(|error| EnvelopeKeyError::NoKey(error.to_string()))?;
        Ok(EnvelopeKey {
            hint: to_hex(&sha256(pem.as_bytes())),
            point,
        })
    }

    /// What names the key in an envelope: the SHA-256 of its PEM file, in hex digits.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The kind of the key.
    pub fn algorithm(&self) -> &'static str {
        match self.point {
            Point::Ed25519(_) => "Ed25519",
            Point::P256(_) => "ECDSA on P-256",
            Point::P384(_) => "ECDSA on P-384",
            Point::P521(_) => "ECDSA on P-521",
        }
    }

    /// Whether the key made this signature over these bytes. A signature of ECDSA is in DER,
    /// as OpenSSL writes it.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.point {
            Point::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Point::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Point::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Point::P521(key) => p521::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

impl Point {
    /// The PEM file of the key, in the one form that OpenSSL and others write.
    fn to_pem(&self) -> der::Result<String> {
        let (curve, bytes) = match self {
            Point::Ed25519(key) => (None, key.as_bytes().to_vec()),
            Point::P256(key) => (Some(ON_P256), key.to_sec1_point(false).as_bytes().to_vec()),
            Point::P384(key) => (Some(ON_P384), key.to_sec1_point(false).as_bytes().to_vec()),
            Point::P521(key) => (Some(ON_P521), key.to_sec1_point(false).as_bytes().to_vec()),
        };
        let info = SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned {
                oid: if curve.is_some() { EC_KEY } else { ED25519 },
                parameters: curve.map(|curve| Any::encode_from(&curve)).transpose()?,
            },
            subject_public_key: BitString::from_bytes(&bytes)?,
        };
        Document::try_from(info.to_der()?)?.to_pem(LABEL, LineEnding::LF)
    }
}

impl fmt::Display for EnvelopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.hint)
    }
}
