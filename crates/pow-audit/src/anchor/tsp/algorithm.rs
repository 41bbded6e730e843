//! Digests and signatures: SHA-256, SHA-384 and SHA-512; RSA by PKCS#1 v1.5 and PSS, ECDSA
//! on P-256 and P-384. MD5 and SHA-1 are known by name only, to be refused.

use super::TokenError;
use super::fields::{Fields, malformed, tagged};
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode, Tag};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::BoxedUint;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

pub(super) const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
const SHA1: ObjectIdentifier = oid("1.3.14.3.2.26");
const MD5: ObjectIdentifier = oid("1.2.840.113549.2.5");
const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_MD5: ObjectIdentifier = oid("1.2.840.113549.1.1.4");
const RSA_SHA1: ObjectIdentifier = oid("1.2.840.113549.1.1.5");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = oid("1.2.840.113549.1.1.13");
const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
const EC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");
const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = oid("1.3.132.0.34");
const ECDSA_SHA1: ObjectIdentifier = oid("1.2.840.10045.4.1");
const ECDSA_SHA256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = oid("1.2.840.10045.4.3.4");

/// The bits of an RSA key: fewer are too weak, and more are too slow.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A digest that is strong enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigestKind {
    Sha256,
    Sha384,
    Sha512,
}

impl DigestKind {
    pub(super) fn of(oid: ObjectIdentifier, what: &'static str) -> Result<Self, TokenError> {
        match oid {
            SHA256 => Ok(DigestKind::Sha256),
            SHA384 => Ok(DigestKind::Sha384),
            SHA512 => Ok(DigestKind::Sha512),
            SHA1 => Err(weak(what, "SHA-1")),
            MD5 => Err(weak(what, "MD5")),
            _ => Err(TokenError::Unexpected {
                what,
                found: oid.to_string(),
                expected: "SHA-256, SHA-384 or SHA-512",
            }),
        }
    }

    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            DigestKind::Sha256 => Sha256::digest(bytes).to_vec(),
            DigestKind::Sha384 => Sha384::digest(bytes).to_vec(),
            DigestKind::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

fn weak(what: &'static str, found: impl Into<String>) -> TokenError {
    TokenError::Weak {
        what,
        found: found.into(),
        expected: "SHA-256, SHA-384 or SHA-512",
    }
}

/// How something is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureKind {
    Pkcs1(DigestKind),
    /// With the length of the salt, in bytes.
    Pss(DigestKind, usize),
    Ecdsa(DigestKind),
}

const ALGORITHM: &str = "the signature algorithm";
const EXPECTED: &str = "RSA or ECDSA with SHA-256, SHA-384 or SHA-512";

impl SignatureKind {
    /// The kind that `algorithm` names. `digest` is what a CMS signer names beside it.
    pub(super) fn of(
        algorithm: &AlgorithmIdentifierRef<'_>,
        digest: Option<DigestKind>,
    ) -> Result<Self, TokenError> {
        use DigestKind::{Sha256, Sha384, Sha512};
        let kind = match (algorithm.oid, digest) {
            (RSA, Some(digest)) => SignatureKind::Pkcs1(digest),
            (RSA_SHA256, _) => SignatureKind::Pkcs1(Sha256),
            (RSA_SHA384, _) => SignatureKind::Pkcs1(Sha384),
            (RSA_SHA512, _) => SignatureKind::Pkcs1(Sha512),
            (RSA_PSS, _) => pss(algorithm)?,
            (ECDSA_SHA256, _) => SignatureKind::Ecdsa(Sha256),
            (ECDSA_SHA384, _) => SignatureKind::Ecdsa(Sha384),
            (ECDSA_SHA512, _) => SignatureKind::Ecdsa(Sha512),
            (RSA_SHA1, _) => return Err(weak(ALGORITHM, "RSA with SHA-1")),
            (RSA_MD5, _) => return Err(weak(ALGORITHM, "RSA with MD5")),
            (ECDSA_SHA1, _) => return Err(weak(ALGORITHM, "ECDSA with SHA-1")),
            (other, _) => return Err(unexpected(ALGORITHM, other.to_string(), EXPECTED)),
        };
        match digest {
            Some(digest) if digest != kind.digest() => Err(unexpected(
                "the digest of the signature",
                format!("{:?}", kind.digest()),
                "that of the signed attributes",
            )),
            _ => Ok(kind),
        }
    }

    fn digest(self) -> DigestKind {
        match self {
            SignatureKind::Pkcs1(digest)
            | SignatureKind::Pss(digest, _)
            | SignatureKind::Ecdsa(digest) => digest,
        }
    }
}

fn unexpected(what: &'static str, found: String, expected: &'static str) -> TokenError {
    TokenError::Unexpected {
        what,
        found,
        expected,
    }
}

/// `RSASSA-PSS-params` (RFC 4055, 3.1). What is absent there stands for SHA-1.
fn pss(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<SignatureKind, TokenError> {
    const WHAT: &str = "the parameters of RSA-PSS";
    let parameters = match algorithm.parameters {
        Some(parameters) if der::Tagged::tag(&parameters) == Tag::Sequence => parameters.value(),
        _ => return Err(weak(ALGORITHM, "RSA-PSS with SHA-1")),
    };
    let mut fields = Fields::of(parameters, WHAT)?;
    let Some(hash) = fields.take_if(tagged(0), WHAT)? else {
        return Err(weak(ALGORITHM, "RSA-PSS with SHA-1"));
    };
    let hash = AlgorithmIdentifierRef::from_der(hash).map_err(malformed(WHAT))?;
    let digest = DigestKind::of(hash.oid, "the digest of RSA-PSS")?;
    let mask = fields.take_if(tagged(1), WHAT)?.unwrap_or_default();
    let mut mask = Fields::of_sequence(mask, WHAT)?;
    let function: ObjectIdentifier = mask.decode(WHAT)?;
    let mask_hash: AlgorithmIdentifierRef<'_> = mask.decode(WHAT)?;
    mask.end()?;
    if function != MGF1 || mask_hash.oid != hash.oid {
        let found = format!("{function} with {}", mask_hash.oid);
        return Err(unexpected(
            "the mask of RSA-PSS",
            found,
            "MGF1 with the same digest",
        ));
    }
    let salt = match fields.take_if(tagged(2), WHAT)? {
        Some(salt) => u8::from_der(salt).map_err(malformed(WHAT))?,
        None => 20,
    };
    fields.take_if(tagged(3), WHAT)?;
    fields.end()?;
    Ok(SignatureKind::Pss(digest, salt.into()))
}

/// Whether `signature` over `message` holds under the key.
///
/// # Errors
///
/// [`TokenError`] if the key is of another kind, too weak or malformed.
pub(super) fn holds(
    kind: SignatureKind,
    key: &SubjectPublicKeyInfoOwned,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, TokenError> {
    let digest = kind.digest().digest(message);
    match kind {
        SignatureKind::Pkcs1(by) => {
            let key = rsa_key(key)?;
            let checked = match by {
                DigestKind::Sha256 => key.pkcs1v15_verify_prehash::<Sha256>(&digest, signature),
                DigestKind::Sha384 => key.pkcs1v15_verify_prehash::<Sha384>(&digest, signature),
                DigestKind::Sha512 => key.pkcs1v15_verify_prehash::<Sha512>(&digest, signature),
            };
            Ok(checked.is_ok())
        }
        SignatureKind::Pss(by, salt) => {
            let key = rsa_key(key)?;
            let checked = match by {
                DigestKind::Sha256 => {
                    key.verify(rsa::Pss::<Sha256>::new_with_salt(salt), &digest, signature)
                }
                DigestKind::Sha384 => {
                    key.verify(rsa::Pss::<Sha384>::new_with_salt(salt), &digest, signature)
                }
                DigestKind::Sha512 => {
                    key.verify(rsa::Pss::<Sha512>::new_with_salt(salt), &digest, signature)
                }
            };
            Ok(checked.is_ok())
        }
        SignatureKind::Ecdsa(_) => ecdsa_holds(key, &digest, signature),
    }
}

const KEY: &str = "the key of a certificate";

fn rsa_key(key: &SubjectPublicKeyInfoOwned) -> Result<rsa::PublicKey, TokenError> {
    if key.algorithm.oid != RSA {
        let found = key.algorithm.oid.to_string();
        return Err(unexpected(KEY, found, "an RSA key, as its signature is"));
    }
    let mut fields = Fields::of_sequence(key_bytes(key)?, KEY)?;
    let modulus: UintRef<'_> = fields.decode(KEY)?;
    let exponent: UintRef<'_> = fields.decode(KEY)?;
    fields.end()?;
    let bytes = modulus.as_bytes();
    let zeros = bytes.first().map_or(8, |first| first.leading_zeros());
    let bits = (8 * bytes.len()).saturating_sub(zeros as usize);
    if bits < *RSA_BITS.start() {
        return Err(TokenError::Weak {
            what: KEY,
            found: format!("RSA of {bits} bits"),
            expected: "2,048 bits or more",
        });
    }
    if bits > *RSA_BITS.end() || exponent.as_bytes().len() > 8 {
        let found = format!("RSA of {bits} bits");
        return Err(unexpected(
            KEY,
            found,
            "at most 8,192 bits, and an exponent below 2^33",
        ));
    }
    let number = BoxedUint::from_be_slice_vartime;
    rsa::PublicKey::new_with_size_limits(number(bytes), number(exponent.as_bytes()), RSA_BITS)
        .map_err(|error| TokenError::Der {
            what: KEY,
            reason: error.to_string(),
        })
}

fn ecdsa_holds(
    key: &SubjectPublicKeyInfoOwned,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, TokenError> {
    let expected = "a key on P-256 or P-384, as its signature is";
    if key.algorithm.oid != EC_KEY {
        return Err(unexpected(KEY, key.algorithm.oid.to_string(), expected));
    }
    let curve = key.algorithm.parameters.as_ref();
    let curve = curve.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let bytes = key_bytes(key)?;
    let point = || TokenError::Der {
        what: KEY,
        reason: "no point of its curve".into(),
    };
    match curve {
        Some(P256) => {
            use p256::ecdsa::{Signature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(bytes).map_err(|_| point())?;
            let signature = Signature::from_der(signature);
            Ok(signature.is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()))
        }
        Some(P384) => {
            use p384::ecdsa::{Signature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(bytes).map_err(|_| point())?;
            let signature = Signature::from_der(signature);
            Ok(signature.is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()))
        }
        Some(other) => Err(unexpected(KEY, format!("on the curve {other}"), expected)),
        None => Err(unexpected(
            KEY,
            "on a curve without a name".into(),
            expected,
        )),
    }
}

fn key_bytes(key: &SubjectPublicKeyInfoOwned) -> Result<&[u8], TokenError> {
    key.subject_public_key.as_bytes().ok_or(TokenError::Der {
        what: KEY,
        reason: "its length is no whole number of bytes".into(),
    })
}
