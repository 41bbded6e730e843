//! The JSON of a DSSE envelope, and of a Sigstore bundle around one.

use super::payload::{PAYLOAD_TYPE, Payload};
use super::signed::EnvelopeError;
use crate::json::Object;
use base64ct::{Base64, Base64Url, Encoding};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// The most signatures that are read.
pub(super) const MAX_SIGNATURES: usize = 32;

/// The type of the bundles that are written.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Those that are read. They differ in fields that are not looked at.
const BUNDLES: [&str; 4] = [
    BUNDLE,
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/// A signature in an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// What is said to name the key. Nothing binds it.
    pub key_id: Option<String>,
    /// The signature's bytes.
    pub bytes: Vec<u8>,
}

/// An envelope, a bundle, or neither: by the field `mediaType`, which only a bundle has.
#[derive(Deserialize)]
pub(super) struct File {
    #[serde(rename = "mediaType")]
    pub(super) media_type: Option<String>,
    #[serde(rename = "verificationMaterial")]
    pub(super) material: Option<Object<Material>>,
    #[serde(rename = "dsseEnvelope")]
    pub(super) envelope: Option<Object<Envelope>>,
    payload: Option<String>,
    #[serde(rename = "payloadType")]
    payload_type: Option<String>,
    signatures: Option<Vec<Object<Signature>>>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Object<Signature>>,
}

#[derive(Deserialize, Serialize)]
struct Signature {
    sig: String,
    #[serde(default)]
    keyid: Option<String>,
}

/// With what a bundle says it is checked.
#[derive(Deserialize)]
pub(super) struct Material {
    #[serde(rename = "publicKey")]
    pub(super) public_key: Option<Object<PublicKey>>,
    #[serde(rename = "x509CertificateChain")]
    pub(super) chain: Option<IgnoredAny>,
    pub(super) certificate: Option<IgnoredAny>,
    #[serde(rename = "tlogEntries")]
    pub(super) log: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
pub(super) struct PublicKey {
    pub(super) hint: Option<String>,
}

impl File {
    /// The envelope of a file that is no bundle.
    pub(super) fn bare(self) -> Option<Envelope> {
        Some(Envelope {
            payload: self.payload?,
            payload_type: self.payload_type?,
            signatures: self.signatures?,
        })
    }
}

impl Envelope {
    /// The JSON of an envelope with one signature.
    fn of(payload: &Payload, signature: &EnvelopeSignature) -> Self {
        Envelope {
            payload: Base64::encode_string(payload.bytes()),
            payload_type: PAYLOAD_TYPE.into(),
            signatures: vec![Object(Signature {
                sig: Base64::encode_string(&signature.bytes),
                keyid: signature.key_id.clone(),
            })],
        }
    }

    pub(super) fn read(self) -> Result<(Payload, Vec<EnvelopeSignature>), EnvelopeError> {
        if self.payload_type != PAYLOAD_TYPE {
            let found = self.payload_type;
            return Err(EnvelopeError::PayloadType { found });
        }
        match self.signatures.len() {
            0 => return Err(EnvelopeError::NoSignature),
            1..=MAX_SIGNATURES => {}
            found => return Err(EnvelopeError::ManySignatures { found }),
        }
        let signatures = self.signatures.into_iter().enumerate();
        let signatures = signatures.map(|(at, Object(signature))| {
            Ok(EnvelopeSignature {
                bytes: decode(&signature.sig, || format!("signature {at}"))?,
                key_id: signature.keyid.filter(|id| !id.is_empty()),
            })
        });
        let signatures = signatures.collect::<Result<_, EnvelopeError>>()?;
        let payload = decode(&self.payload, || "the payload".into())?;
        Ok((Payload::parse(&payload)?, signatures))
    }
}

/// The JSON of an envelope.
pub(super) fn write_envelope(
    payload: &Payload,
    signature: &EnvelopeSignature,
) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&Envelope::of(payload, signature))
}

/// The JSON of a bundle that names its key by this hint.
pub(super) fn write_bundle(
    payload: &Payload,
    signature: &EnvelopeSignature,
    hint: &str,
) -> serde_json::Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Written<'a> {
        media_type: &'static str,
        verification_material: WrittenMaterial<'a>,
        dsse_envelope: Envelope,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct WrittenMaterial<'a> {
        public_key: WrittenKey<'a>,
        tlog_entries: [(); 0],
    }
    #[derive(Serialize)]
    struct WrittenKey<'a> {
        hint: &'a str,
    }
    serde_json::to_string_pretty(&Written {
        media_type: BUNDLE,
        verification_material: WrittenMaterial {
            public_key: WrittenKey { hint },
            tlog_entries: [],
        },
        dsse_envelope: Envelope::of(payload, signature),
    })
}

/// Whether bundles of this type are read.
pub(super) fn is_bundle(media_type: &str) -> bool {
    BUNDLES.contains(&media_type)
}

/// Both alphabets are allowed, with padding.
fn decode(text: &str, what: impl FnOnce() -> String) -> Result<Vec<u8>, EnvelopeError> {
    Base64::decode_vec(text)
        .or_else(|_| Base64Url::decode_vec(text))
        .map_err(|_| EnvelopeError::Base64 { what: what() })
}
