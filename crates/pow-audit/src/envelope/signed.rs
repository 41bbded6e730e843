//! A statement and its signatures.

use super::dsse::{
    Envelope, EnvelopeSignature, File, MAX_SIGNATURES, Material, is_bundle, write_bundle,
    write_envelope,
};
use super::key::EnvelopeKey;
use super::payload::{PAYLOAD_TYPE, Payload, PayloadError};
use crate::json::{Object, from_json};

/// The longest envelope or bundle that is read, in bytes (16 MiB).
pub const MAX_ENVELOPE: usize = 16 << 20;
/// The longest signature, in bytes.
const MAX_SIGNATURE: usize = 1024;

/// The file in which a signed statement lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A DSSE envelope, as tools of in-toto read it.
    Envelope,
    /// A Sigstore bundle around an envelope, as tools of OMS and Sigstore read it.
    Bundle,
}

/// A statement and its signatures, as an envelope or a bundle has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedStatement {
    payload: Payload,
    signatures: Vec<EnvelopeSignature>,
    bundle: Option<BundleMaterial>,
}

/// With what a bundle says that it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct BundleMaterial {
    by: SignedBy,
    has_log: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SignedBy {
    Key { hint: Option<String> },
    Certificate,
}

/// Why bytes are no signed statement, or not one of this key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Longer than [`MAX_ENVELOPE`].
    #[error("{0} bytes; at most {MAX_ENVELOPE} are read")]
    Length(usize),
    /// Not the JSON of an envelope or a bundle.
    #[error("malformed envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// Neither an envelope nor a bundle.
    #[error(
        "neither a DSSE envelope (payload, payloadType, signatures) nor a Sigstore bundle (mediaType)"
    )]
    Neither,
    /// A bundle of an unknown version.
    #[error("a bundle of the type {found:?}, which is not known")]
    MediaType {
        /// Its type.
        found: String,
    },
    /// A bundle that lacks something.
    #[error("the bundle has no {0}")]
    Incomplete(&'static str),
    /// The payload is no statement of in-toto.
    #[error("a payload of the type {found:?}; expected \"{PAYLOAD_TYPE}\"")]
    PayloadType {
        /// Its type.
        found: String,
    },
    /// Something is not in base64.
    #[error("{what} is not in base64, with its padding")]
    Base64 {
        /// What.
        what: String,
    },
    /// The payload is malformed.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// Nobody signed it.
    #[error("it has no signature")]
    NoSignature,
    /// There are too many signatures.
    #[error("it has {found} signatures; at most {MAX_SIGNATURES} are read")]
    ManySignatures {
        /// How many.
        found: usize,
    },
    /// A bundle has exactly one signature.
    #[error("a bundle has one signature, and this one {found}")]
    SeveralSignatures {
        /// How many.
        found: usize,
    },
    /// It is checked by a certificate, not by a key.
    #[error(
        "the bundle is signed with a certificate, which is not checked here: `model_signing` or `cosign` can"
    )]
    Certificate,
    /// The key did not sign it.
    #[error("WRONG: the key {key} did not sign it{}", naming(.named))]
    Wrong {
        /// The key.
        key: String,
        /// What the envelope says of its key, if that is another one.
        named: Option<String>,
    },
}

fn naming(named: &Option<String>) -> String {
    match named {
        Some(named) => format!("; it names the key {named:?}"),
        None => String::new(),
    }
}

/// Why a signature is not put into an envelope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The signature is too long.
    #[error("a signature of {0} bytes; at most {MAX_SIGNATURE} are possible")]
    Length(usize),
    /// It is not right.
    #[error("WRONG: the key {0} did not make this signature over these bytes")]
    Wrong(String),
    /// The result would be too long to be read.
    #[error("an envelope of {0} bytes; at most {MAX_ENVELOPE} are read")]
    Long(usize),
    /// It cannot be written.
    #[error("the envelope cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl SignedStatement {
    /// Puts a statement and the signature over it together, after checking it: the JSON of an
    /// envelope or a bundle. The signature is as OpenSSL writes it.
    ///
    /// # Errors
    ///
    /// [`JoinError`] if the signature is not right under the key.
    pub fn join(
        payload: &Payload,
        signature: &[u8],
        key: &EnvelopeKey,
        form: Form,
    ) -> Result<String, JoinError> {
        if signature.len() > MAX_SIGNATURE {
            return Err(JoinError::Length(signature.len()));
        }
        if !key.verifies(&payload.to_sign(), signature) {
            return Err(JoinError::Wrong(key.to_string()));
        }
        let bytes = signature.to_vec();
        let mut text = match form {
            Form::Envelope => {
                let key_id = Some(key.hint().to_owned());
                write_envelope(payload, &EnvelopeSignature { key_id, bytes })?
            }
            Form::Bundle => {
                // The bundle names the key in another place.
                let key_id = Some(String::new());
                let signature = EnvelopeSignature { key_id, bytes };
                write_bundle(payload, &signature, key.hint())?
            }
        };
        text.push('\n');
        match text.len() {
            ..=MAX_ENVELOPE => Ok(text),
            long => Err(JoinError::Long(long)),
        }
    }

    /// Reads an envelope or a bundle. Its signatures are not checked.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError`] if it is neither, or malformed.
    pub fn from_json(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(EnvelopeError::Length(bytes.len()));
        }
        let file: File = from_json(bytes)?;
        let Some(media_type) = &file.media_type else {
            let envelope = file.bare().ok_or(EnvelopeError::Neither)?;
            return Self::of(envelope, None);
        };
        if !is_bundle(media_type) {
            let found = media_type.clone();
            return Err(EnvelopeError::MediaType { found });
        }
        let Object(material) = file
            .material
            .ok_or(EnvelopeError::Incomplete("verificationMaterial"))?;
        let Object(envelope) = file
            .envelope
            .ok_or(EnvelopeError::Incomplete("dsseEnvelope"))?;
        Self::of(envelope, Some(BundleMaterial::of(material)?))
    }

    fn of(envelope: Envelope, bundle: Option<BundleMaterial>) -> Result<Self, EnvelopeError> {
        let (payload, signatures) = envelope.read()?;
        if bundle.is_some() && signatures.len() > 1 {
            let found = signatures.len();
            return Err(EnvelopeError::SeveralSignatures { found });
        }
        Ok(SignedStatement {
            payload,
            signatures,
            bundle,
        })
    }

    /// In which file it lies.
    pub fn form(&self) -> Form {
        match self.bundle {
            Some(_) => Form::Bundle,
            None => Form::Envelope,
        }
    }

    /// Whether the bundle holds entries of a transparency log, which are not checked.
    pub fn has_log_entries(&self) -> bool {
        self.bundle.as_ref().is_some_and(|bundle| bundle.has_log)
    }

    /// The signatures, none of which was checked.
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }

    /// The statement, if this key signed it. Of several signatures one must be right.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError`] if it did not.
    pub fn signed_by(&self, key: &EnvelopeKey) -> Result<&Payload, EnvelopeError> {
        let mut named = self.signatures.iter().find_map(|one| one.key_id.clone());
        match &self.bundle {
            Some(BundleMaterial {
                by: SignedBy::Certificate,
                ..
            }) => {
                return Err(EnvelopeError::Certificate);
            }
            Some(BundleMaterial {
                by: SignedBy::Key { hint },
                ..
            }) => named.clone_from(hint),
            None => {}
        }
        let signed = self.payload.to_sign();
        let is_right = |one: &EnvelopeSignature| key.verifies(&signed, &one.bytes);
        match self.signatures.iter().any(is_right) {
            true => Ok(&self.payload),
            false => Err(EnvelopeError::Wrong {
                key: key.to_string(),
                named: named.filter(|named| named != key.hint()),
            }),
        }
    }
}

impl BundleMaterial {
    fn of(material: Material) -> Result<Self, EnvelopeError> {
        let has_certificate = material.chain.is_some() || material.certificate.is_some();
        let by = match (material.public_key, has_certificate) {
            (Some(Object(key)), false) => SignedBy::Key { hint: key.hint },
            (_, true) => SignedBy::Certificate,
            (None, false) => return Err(EnvelopeError::Incomplete("publicKey")),
        };
        let has_log = material.log.is_some_and(|entries| !entries.is_empty());
        Ok(BundleMaterial { by, has_log })
    }
}
