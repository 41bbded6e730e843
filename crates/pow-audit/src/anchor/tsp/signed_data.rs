//! `SignedData` of the Cryptographic Message Syntax
//! ([RFC 5652](https://www.rfc-editor.org/rfc/rfc5652)), as far as a token uses it: one
//! signer with signed attributes.

use super::TokenError;
use super::algorithm::{DigestKind, SignatureKind};
use super::certificate::{Certificate, MAX_CERTIFICATES};
use super::fields::{Fields, tagged};
use der::Tag;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierRef;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(super) const TST_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// The most signed attributes that are read.
const MAX_ATTRIBUTES: usize = 32;

const WHAT: &str = "the token";
const SIGNER: &str = "the signer of the token";
const ATTRIBUTES: &str = "the signed attributes";

/// A signed message.
pub(super) struct SignedData<'a> {
    /// The bytes of a `TSTInfo`.
    pub(super) content: &'a [u8],
    pub(super) certificates: Vec<Certificate>,
    pub(super) signer: Signer<'a>,
}

pub(super) struct Signer<'a> {
    /// The issuer and number of the certificate. Absent if the signer is named by a key.
    issuer: Option<(Name, SerialNumber)>,
    pub(super) digest: DigestKind,
    /// The content of the set of attributes, as it stands.
    attributes: &'a [u8],
    pub(super) kind: SignatureKind,
    pub(super) signature: &'a [u8],
}

impl<'a> SignedData<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, TokenError> {
        let mut outer = Fields::of_sequence(bytes, WHAT)?;
        let kind: ObjectIdentifier = outer.decode(WHAT)?;
        if kind != SIGNED_DATA {
            return Err(TokenError::Unexpected {
                what: "the kind of the message",
                found: kind.to_string(),
                expected: "signed data (1.2.840.113549.1.7.2)",
            });
        }
        let inner = outer.take(tagged(0), WHAT)?;
        outer.end()?;
        let mut fields = Fields::of_sequence(inner, WHAT)?;
        let _version: u8 = fields.decode(WHAT)?;
        fields.take(Tag::Set, "the digests of the token")?;
        let mut content = fields.sequence("the token's content")?;
        let kind: ObjectIdentifier = content.decode("the token's content")?;
        if kind != TST_INFO {
            return Err(TokenError::Unexpected {
                what: "what is signed",
                found: kind.to_string(),
                expected: "a timestamp (1.2.840.113549.1.9.16.1.4)",
            });
        }
        let mut wrapped = Fields::of(
            content.take(tagged(0), "the token's content")?,
            "the token's content",
        )?;
        content.end()?;
        let bytes: &'a OctetStringRef = wrapped.decode("the token's content")?;
        wrapped.end()?;
        let certificates = match fields.take_if(tagged(0), "the certificates")? {
            Some(set) => certificates(set)?,
            None => Vec::new(),
        };
        // Revocation lists, which are not read.
        fields.take_if(tagged(1), "the revocation lists")?;
        let signers = fields.take(Tag::Set, SIGNER)?;
        fields.end()?;
        Ok(SignedData {
            content: bytes.as_bytes(),
            certificates,
            signer: Signer::only(signers)?,
        })
    }
}

fn certificates(set: &[u8]) -> Result<Vec<Certificate>, TokenError> {
    let mut fields = Fields::of(set, "the certificates")?;
    let mut found = Vec::new();
    while !fields.is_at_end() {
        if found.len() == MAX_CERTIFICATES {
            return Err(TokenError::TooMany(
                "certificates in the token",
                MAX_CERTIFICATES,
            ));
        }
        found.push(Certificate::parse(fields.raw("the certificates")?)?);
    }
    Ok(found)
}

impl<'a> Signer<'a> {
    fn only(set: &'a [u8]) -> Result<Self, TokenError> {
        let mut signers = Fields::of(set, SIGNER)?;
        let mut found = Vec::new();
        while !signers.is_at_end() && found.len() < 8 {
            found.push(signers.raw(SIGNER)?);
        }
        match found[..] {
            [only] => Signer::parse(only),
            _ => Err(TokenError::NotOne {
                what: "signers of the token",
                found: found.len(),
            }),
        }
    }

    fn parse(bytes: &'a [u8]) -> Result<Self, TokenError> {
        let mut fields = Fields::of_sequence(bytes, SIGNER)?;
        let _version: u8 = fields.decode(SIGNER)?;
        let mut issuer = None;
        if fields.next_is(Tag::Sequence) {
            let mut named = fields.sequence(SIGNER)?;
            issuer = Some((named.decode(SIGNER)?, named.decode(SIGNER)?));
            named.end()?;
        } else {
            fields.raw(SIGNER)?;
        }
        let digest: AlgorithmIdentifierRef<'a> = fields.decode(SIGNER)?;
        let digest = DigestKind::of(digest.oid, "the digest of the signed attributes")?;
        let Some(attributes) = fields.take_if(tagged(0), ATTRIBUTES)? else {
            return Err(TokenError::NotOne {
                what: "sets of signed attributes",
                found: 0,
            });
        };
        let algorithm: AlgorithmIdentifierRef<'a> = fields.decode(SIGNER)?;
        let signature: &'a OctetStringRef = fields.decode(SIGNER)?;
        // Attributes that nobody signed.
        fields.take_if(tagged(1), SIGNER)?;
        fields.end()?;
        Ok(Signer {
            issuer,
            digest,
            attributes,
            kind: SignatureKind::of(&algorithm, Some(digest))?,
            signature: signature.as_bytes(),
        })
    }

    /// Whether the signer may have this certificate. Its digest, in the signed attributes,
    /// says it more firmly.
    pub(super) fn may_be(&self, certificate: &Certificate) -> bool {
        let issuer = self.issuer.as_ref();
        issuer.is_none_or(|(issuer, serial)| certificate.is(issuer, serial))
    }

    /// The bytes that are signed: the attributes with the tag of a set (RFC 5652, 5.4).
    pub(super) fn signed(&self) -> Vec<u8> {
        let len = self.attributes.len();
        let mut bytes = vec![0x31];
        match u8::try_from(len) {
            Ok(short @ 0..0x80) => bytes.push(short),
            _ => {
                let digits = len.to_be_bytes();
                let zeros = digits.iter().take_while(|digit| **digit == 0).count();
                let digits = &digits[zeros..];
                bytes.push(0x80 | digits.len() as u8);
                bytes.extend(digits);
            }
        }
        bytes.extend(self.attributes);
        bytes
    }

    /// The one value of the attribute, if it is there.
    pub(super) fn attribute(
        &self,
        oid: ObjectIdentifier,
        what: &'static str,
    ) -> Result<Option<&'a [u8]>, TokenError> {
        let mut all = Fields::of(self.attributes, ATTRIBUTES)?;
        let mut found = Vec::new();
        let mut read = 0;
        while !all.is_at_end() {
            read += 1;
            if read > MAX_ATTRIBUTES {
                return Err(TokenError::TooMany("signed attributes", MAX_ATTRIBUTES));
            }
            let mut attribute = all.sequence(ATTRIBUTES)?;
            let kind: ObjectIdentifier = attribute.decode(ATTRIBUTES)?;
            let mut values = Fields::of(attribute.take(Tag::Set, ATTRIBUTES)?, ATTRIBUTES)?;
            attribute.end()?;
            if kind == oid {
                found.push(values.raw(what)?);
                values.end()?;
            }
        }
        match found[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(TokenError::NotOne {
                what,
                found: found.len(),
            }),
        }
    }
}
