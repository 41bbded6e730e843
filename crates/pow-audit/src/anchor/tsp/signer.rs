//! Whether a token is signed, and by which certificate.

use super::TokenError;
use super::algorithm::{DigestKind, holds};
use super::certificate::{Certificate, named};
use super::fields::{Fields, malformed};
use super::signed_data::{SignedData, TST_INFO};
use super::tst_info::TstInfo;
use der::Decode;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use sha1::Digest as _;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierRef;

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// Finds the certificate that signed `data`, among its own and `others`, and checks
/// everything that needs no trust.
pub(super) fn signer_of<'c>(
    data: &SignedData<'_>,
    info: &TstInfo,
    candidates: impl Iterator<Item = &'c Certificate>,
) -> Result<&'c Certificate, TokenError> {
    let signer = &data.signer;
    check_content(data)?;
    let reference = Reference::of(data)?;
    let mut candidates = candidates;
    let certificate = candidates.find(|candidate| reference.is_of(candidate));
    let certificate = certificate.ok_or(TokenError::NoSigner)?;
    if !reference.has_issuer_of(certificate) || !signer.may_be(certificate) {
        return Err(TokenError::SigningCertificate {
            subject: certificate.subject(),
        });
    }
    let key = certificate.content.subject_public_key_info();
    if !holds(signer.kind, key, &signer.signed(), signer.signature)? {
        return Err(TokenError::Signature {
            what: "the token".into(),
            subject: certificate.subject(),
        });
    }
    if let Some(tsa) = &info.tsa
        && !certificate.has_name(tsa)?
    {
        return Err(TokenError::OtherTsa {
            named: match tsa {
                GeneralName::DirectoryName(name) => named(name),
                _ => "by another kind of name".into(),
            },
            subject: certificate.subject(),
        });
    }
    certificate.check_time_stamping()?;
    Ok(certificate)
}

/// Whether the signed attributes are of this content.
fn check_content(data: &SignedData<'_>) -> Result<(), TokenError> {
    let signer = &data.signer;
    let what = "content types in the signed attributes";
    let kind = signer.attribute(CONTENT_TYPE, what)?;
    let kind = kind.ok_or(TokenError::NotOne { what, found: 0 })?;
    let kind = ObjectIdentifier::from_der(kind).map_err(malformed(what))?;
    if kind != TST_INFO {
        return Err(TokenError::Unexpected {
            what: "the content type in the signed attributes",
            found: kind.to_string(),
            expected: "a timestamp (1.2.840.113549.1.9.16.1.4)",
        });
    }
    let what = "digests in the signed attributes";
    let digest = signer.attribute(MESSAGE_DIGEST, what)?;
    let digest = digest.ok_or(TokenError::NotOne { what, found: 0 })?;
    let digest = <&OctetStringRef>::from_der(digest).map_err(malformed(what))?;
    match digest.as_bytes() == signer.digest.digest(data.content) {
        true => Ok(()),
        false => Err(TokenError::MessageDigest),
    }
}

/// `ESSCertID` of RFC 2634, with SHA-1, or `ESSCertIDv2` of RFC 5035: the digest of the
/// signer's certificate.
struct Reference<'a> {
    /// Absent for version 1.
    kind: Option<DigestKind>,
    digest: &'a [u8],
    issuer: Option<(GeneralNames, SerialNumber)>,
}

impl<'a> Reference<'a> {
    /// That of version 2, or else that of version 1.
    fn of(data: &SignedData<'a>) -> Result<Self, TokenError> {
        let what = "references to the signer's certificate in the signed attributes";
        let signer = &data.signer;
        let second = signer.attribute(SIGNING_CERTIFICATE_V2, what)?;
        let first = signer.attribute(SIGNING_CERTIFICATE, what)?;
        match (second, first) {
            (Some(bytes), _) => Reference::parse(bytes, true),
            (None, Some(bytes)) => Reference::parse(bytes, false),
            (None, None) => Err(TokenError::NotOne { what, found: 0 }),
        }
    }

    /// The first certificate named is the signer's.
    fn parse(bytes: &'a [u8], is_second: bool) -> Result<Self, TokenError> {
        const WHAT: &str = "the reference to the signer's certificate";
        let mut list = Fields::of_sequence(bytes, WHAT)?.sequence(WHAT)?;
        let mut first = list.sequence(WHAT)?;
        let mut kind = is_second.then_some(DigestKind::Sha256);
        if is_second && first.next_is(der::Tag::Sequence) {
            let algorithm: AlgorithmIdentifierRef<'a> = first.decode(WHAT)?;
            kind = Some(DigestKind::of(algorithm.oid, WHAT)?);
        }
        let digest: &'a OctetStringRef = first.decode(WHAT)?;
        let mut issuer = None;
        if !first.is_at_end() {
            let mut fields = first.sequence(WHAT)?;
            issuer = Some((fields.decode(WHAT)?, fields.decode(WHAT)?));
            fields.end()?;
        }
        first.end()?;
        Ok(Reference {
            kind,
            digest: digest.as_bytes(),
            issuer,
        })
    }

    fn is_of(&self, certificate: &Certificate) -> bool {
        match self.kind {
            Some(kind) => kind.digest(&certificate.bytes) == self.digest,
            // Two certificates with one SHA-1 deceive nobody: the signature needs one key.
            None => sha1::Sha1::digest(&certificate.bytes)[..] == *self.digest,
        }
    }

    fn has_issuer_of(&self, certificate: &Certificate) -> bool {
        self.issuer.as_ref().is_none_or(|(names, serial)| {
            names.iter().any(|name| match name {
                GeneralName::DirectoryName(name) => certificate.is(name, serial),
                _ => false,
            })
        })
    }
}
