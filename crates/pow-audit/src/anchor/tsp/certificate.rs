//! Certificates: what a path needs of them, and those that a verifier trusts.

use super::TokenError;
use super::algorithm::{SignatureKind, holds};
use super::fields::{Fields, malformed};
use crate::anchor::sha256;
use crate::display::printable;
use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Decode, Encode, pem};
use std::collections::BTreeMap;
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierRef;

/// The most certificates of a token that are read, and that a path may have.
pub const MAX_CERTIFICATES: usize = 16;
/// The longest certificate that is read, in bytes.
const MAX_LEN: usize = 16 * 1024;

const WHAT: &str = "a certificate";
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// A policy asks for nothing unless the verifier does.
const POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const AUTHORITY_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const SUBJECT_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// A certificate, with the bytes that are signed as they stand.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) bytes: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
    kind: Result<SignatureKind, TokenError>,
    pub(super) content: TbsCertificate,
}

impl Certificate {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        if bytes.len() > MAX_LEN {
            return Err(TokenError::Der {
                what: WHAT,
                reason: format!("{} bytes, at most {MAX_LEN} are read", bytes.len()),
            });
        }
        let mut fields = Fields::of_sequence(bytes, WHAT)?;
        let signed = fields.raw(WHAT)?;
        let algorithm: AlgorithmIdentifierRef<'_> = fields.decode(WHAT)?;
        let signature: BitStringRef<'_> = fields.decode(WHAT)?;
        fields.end()?;
        let content = TbsCertificate::from_der(signed).map_err(malformed(WHAT))?;
        let inner = content.signature().to_der().map_err(malformed(WHAT))?;
        let outer = algorithm.to_der().map_err(malformed(WHAT))?;
        if inner != outer {
            return Err(TokenError::Der {
                what: WHAT,
                reason: "it names two signature algorithms".into(),
            });
        }
        Ok(Certificate {
            bytes: bytes.to_vec(),
            signed: signed.to_vec(),
            signature: signature.raw_bytes().to_vec(),
            // Who trusts a certificate needs no signature over it.
            kind: SignatureKind::of(&algorithm, None),
            content,
        })
    }

    /// Its subject, in quotes.
    pub(super) fn subject(&self) -> String {
        named(self.content.subject())
    }

    pub(super) fn issuer(&self) -> String {
        named(self.content.issuer())
    }

    /// Whether an issuer's name and serial number are its own.
    pub(super) fn is(&self, issuer: &Name, serial: &SerialNumber) -> bool {
        self.content.issuer() == issuer && self.content.serial_number() == serial
    }

    /// The names of its subject.
    pub(super) fn has_name(&self, name: &GeneralName) -> Result<bool, TokenError> {
        if matches!(name, GeneralName::DirectoryName(name) if name == self.content.subject()) {
            return Ok(true);
        }
        let others: Option<SubjectAltName> = self.extension(SUBJECT_ALT_NAME)?.map(|(_, it)| it);
        Ok(others.is_some_and(|others| others.0.contains(name)))
    }

    /// The extension, and whether it is critical.
    fn extension<T>(&self, oid: ObjectIdentifier) -> Result<Option<(bool, T)>, TokenError>
    where
        T: for<'a> Decode<'a, Error = der::Error>,
    {
        let all = self.content.extensions().into_iter().flatten();
        let mut found = all.filter(|extension| extension.extn_id == oid);
        let Some(first) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(TokenError::Der {
                what: WHAT,
                reason: format!("it has the extension {oid} twice"),
            });
        }
        let value = T::from_der(first.extn_value.as_bytes()).map_err(malformed(WHAT))?;
        Ok(Some((first.critical, value)))
    }

    /// Whether it was valid at a time, in seconds since 1970, and has no critical extension
    /// that is not known here.
    pub(super) fn check_at(&self, at: i64) -> Result<(), TokenError> {
        let known = [
            BASIC_CONSTRAINTS,
            KEY_USAGE,
            EXTENDED_KEY_USAGE,
            SUBJECT_ALT_NAME,
            POLICIES,
        ];
        for extension in self.content.extensions().into_iter().flatten() {
            if extension.critical && !known.contains(&extension.extn_id) {
                return Err(TokenError::CriticalExtension {
                    what: format!("the certificate of {}", self.subject()),
                    oid: extension.extn_id.to_string(),
                });
            }
        }
        let seconds = |time: x509_cert::time::Time| {
            i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
        };
        let validity = self.content.validity();
        let (from, until) = (seconds(validity.not_before), seconds(validity.not_after));
        let subject = self.subject();
        if at < from {
            return Err(TokenError::NotYetValid { subject, from, at });
        }
        match at > until {
            true => Err(TokenError::Expired { subject, until, at }),
            false => Ok(()),
        }
    }

    /// Whether it is for time-stamping, and for nothing else.
    pub(super) fn check_time_stamping(&self) -> Result<(), TokenError> {
        let usage: Option<(bool, ExtendedKeyUsage)> = self.extension(EXTENDED_KEY_USAGE)?;
        let found = match &usage {
            Some((true, usage)) if usage.0[..] == [TIME_STAMPING] => None,
            Some((critical, usage)) => {
                let all: Vec<String> = usage.0.iter().map(|oid| usage_name(*oid)).collect();
                let critical = if *critical {
                    "critical"
                } else {
                    "not critical"
                };
                Some(format!("{} ({critical})", all.join(", ")))
            }
            None => Some("absent".into()),
        };
        if let Some(found) = found {
            return Err(TokenError::ExtendedKeyUsage {
                subject: self.subject(),
                found,
            });
        }
        let usage: Option<(bool, KeyUsage)> = self.extension(KEY_USAGE)?;
        match usage {
            Some((_, usage)) if !usage.digital_signature() && !usage.non_repudiation() => {
                Err(self.may_not("sign data"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it may sign certificates for time-stamping, with so many certificates of
    /// others between it and the TSA.
    pub(super) fn check_authority(&self, between: usize) -> Result<(), TokenError> {
        let constraints: Option<(bool, BasicConstraints)> = self.extension(BASIC_CONSTRAINTS)?;
        let Some((_, constraints)) = constraints.filter(|(_, it)| it.ca) else {
            return Err(self.may_not("sign certificates: it is not that of a CA"));
        };
        let length = constraints.path_len_constraint.map(usize::from);
        if length.is_some_and(|length| between > length) {
            return Err(self.may_not("stand so far from the TSA: its path length is shorter"));
        }
        let usage: Option<(bool, KeyUsage)> = self.extension(KEY_USAGE)?;
        if usage.is_some_and(|(_, usage)| !usage.key_cert_sign()) {
            return Err(self.may_not("sign certificates, by its key usage"));
        }
        let usage: Option<(bool, ExtendedKeyUsage)> = self.extension(EXTENDED_KEY_USAGE)?;
        match usage {
            Some((_, usage))
                if !usage
                    .0
                    .iter()
                    .any(|oid| [TIME_STAMPING, ANY_USAGE].contains(oid)) =>
            {
                Err(self.may_not("sign certificates for time-stamping"))
            }
            _ => Ok(()),
        }
    }

    fn may_not(&self, what: &'static str) -> TokenError {
        TokenError::KeyUsage {
            subject: self.subject(),
            what,
        }
    }

    /// Whether its names say that `issuer` signed it. An authority may have had several keys
    /// under one name, and then the certificates say which.
    pub(super) fn names_as_issuer(&self, issuer: &Certificate) -> Result<bool, TokenError> {
        if self.content.issuer() != issuer.content.subject() {
            return Ok(false);
        }
        let by: Option<(bool, AuthorityKeyIdentifier)> = self.extension(AUTHORITY_KEY)?;
        let key: Option<(bool, SubjectKeyIdentifier)> = issuer.extension(SUBJECT_KEY)?;
        let by = by.and_then(|(_, by)| by.key_identifier);
        Ok(match (by, key) {
            (Some(by), Some((_, key))) => by == key.0,
            _ => true,
        })
    }

    /// Whether its signature is by the key of this issuer.
    pub(super) fn check_signed_by(&self, issuer: &Certificate) -> Result<(), TokenError> {
        let key = issuer.content.subject_public_key_info();
        match holds(self.kind.clone()?, key, &self.signed, &self.signature)? {
            true => Ok(()),
            false => Err(TokenError::Signature {
                what: format!("the certificate of {}", self.subject()),
                subject: issuer.subject(),
            }),
        }
    }
}

/// A name as a text in quotes, in which nothing is hidden.
pub(super) fn named(name: &Name) -> String {
    format!("\"{}\"", printable(&name.to_string()))
}

fn usage_name(oid: ObjectIdentifier) -> String {
    match oid {
        TIME_STAMPING => "timeStamping".into(),
        other => other.to_string(),
    }
}

/// The certificates that a verifier trusts: of roots, of other authorities, or of TSAs
/// themselves.
#[derive(Clone, Debug, Default)]
pub struct TrustedCertificates {
    /// By the SHA-256 of their bytes.
    by_digest: BTreeMap<[u8; 32], Certificate>,
}

/// Why a file holds no certificates that can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// It has none.
    #[error("no certificate: expected PEM with BEGIN CERTIFICATE, or DER")]
    None,
    /// A certificate is not in its format.
    #[error("certificate {0}: {1}")]
    Certificate(usize, TokenError),
    /// A text is not PEM.
    #[error("certificate {0}: not PEM: {1}")]
    Pem(usize, String),
}

impl TrustedCertificates {
    /// Adds the certificates of a file: one in DER, or any number in PEM, between which
    /// other text may stand. Returns how many were read.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if there is none, or one is not in its format. Nothing is then added.
    pub fn add(&mut self, bytes: &[u8]) -> Result<usize, TrustError> {
        let mut found = Vec::new();
        if bytes.first() == Some(&0x30) {
            let certificate = Certificate::parse(bytes);
            found.push(certificate.map_err(|error| TrustError::Certificate(1, error))?);
        } else {
            let text = String::from_utf8_lossy(bytes);
            for (at, part) in text.split(BEGIN).skip(1).enumerate() {
                let body = part.split_once(END).map_or(part, |(body, _)| body);
                let pem = format!("{BEGIN}{body}{END}\n");
                let (_, der) = pem::decode_vec(pem.as_bytes())
                    .map_err(|error| TrustError::Pem(at + 1, error.to_string()))?;
                let certificate = Certificate::parse(&der);
                found.push(certificate.map_err(|error| TrustError::Certificate(at + 1, error))?);
            }
        }
        if found.is_empty() {
            return Err(TrustError::None);
        }
        let read = found.len();
        for certificate in found {
            self.by_digest
                .insert(sha256(&certificate.bytes), certificate);
        }
        Ok(read)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }

    pub(super) fn has(&self, certificate: &Certificate) -> bool {
        self.by_digest.contains_key(&sha256(&certificate.bytes))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Certificate> {
        self.by_digest.values()
    }
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
