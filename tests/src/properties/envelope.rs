//! Envelopes and bundles: what is read is what a plain reading finds, and nothing is signed but
//! what the keys of the seeds signed.

use super::memory::metered;
use crate::envelopes::key;
use base64ct::{Base64, Base64Url, Encoding};
use pow_audit::envelope::{EnvelopeKey, Payload, SignedStatement};
use pow_audit::hex::{from_hex, to_hex};
use pow_audit::oms::{ModelOptions, OmsError, check_model};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::OnceLock;

/// What the seeds say: a statement of any kind, and a list of files.
pub(super) fn payloads() -> [Payload; 2] {
    let any = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"model","digest":{"sha256":"ab"}}],"predicateType":"https://example.org/v1","predicate":{"a":[1]}}"#;
    let list = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8"}}],"predicateType":"https://model_signing/signature/v1.0","predicate":{"resources":[{"name":"a:0:1","digest":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","algorithm":"sha256"}],"serialization":{"method":"shards","hash_type":"sha256","allow_symlinks":false,"shard_size":1.0}}}"#;
    [any, list].map(|text| Payload::parse(text.as_bytes()).unwrap())
}

/// An envelope, a bundle, or bytes to be signed.
pub fn envelope(data: &[u8]) {
    let read = metered(data.len(), || Payload::from_signed(data));
    if let Ok(payload) = read {
        assert_eq!(payload.to_sign(), data);
        check_payload(&payload);
    }
    let read = metered(data.len(), || SignedStatement::from_json(data));
    let Ok(statement) = read else {
        return;
    };
    let whole: Value = serde_json::from_slice(data).expect("JSON");
    let envelope = match whole.get("mediaType") {
        Some(Value::String(_)) => &whole["dsseEnvelope"],
        _ => &whole,
    };
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let found = envelope["signatures"].as_array().expect("an array");
    assert_eq!(found.len(), statement.signatures().len());
    for (found, read) in found.iter().zip(statement.signatures()) {
        assert_eq!(decoded(&found["sig"]), read.bytes);
    }
    let (seeds, key) = seeds();
    if let Ok(payload) = statement.signed_by(key) {
        assert!(seeds.contains(payload), "signed by nobody");
        assert_eq!(decoded(&envelope["payload"]), payload.bytes());
        check_payload(payload);
    }
}

/// A statement has what a plain reading finds.
fn check_payload(payload: &Payload) {
    let value: Value = serde_json::from_slice(payload.bytes()).expect("JSON");
    assert_eq!(value["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(value["predicateType"], payload.predicate_type());
    let subjects = value["subject"].as_array().expect("an array");
    assert_eq!(subjects.len(), payload.subjects().len());
    for (found, read) in subjects.iter().zip(payload.subjects()) {
        assert_eq!(
            found.get("name").and_then(Value::as_str),
            read.name.as_deref()
        );
        let digests = found["digest"].as_object().expect("an object");
        assert!(!digests.is_empty());
        let read = read
            .digest
            .iter()
            .map(|(name, hex)| (name, Value::from(&hex[..])));
        assert!(
            digests
                .iter()
                .map(|(name, hex)| (name, hex.clone()))
                .eq(read)
        );
    }
    check_list(payload);
}

/// A list of files is read before the model, which is not there.
fn check_list(payload: &Payload) {
    let (nowhere, options) = (Path::new("no such model"), ModelOptions::default());
    let read = || check_model(nowhere, payload, &options, &mut |_| {});
    match metered(payload.bytes().len(), read) {
        Err(OmsError::Ledger(_)) => {}
        read => return assert!(read.is_err(), "there is no model"),
    }
    let value: Value = serde_json::from_slice(payload.bytes()).expect("JSON");
    let files = value["predicate"]["resources"]
        .as_array()
        .expect("an array");
    let digests = files.iter().flat_map(|file| {
        assert_eq!(file["algorithm"], "sha256");
        from_hex(file["digest"].as_str().expect("a text")).expect("hex digits")
    });
    let root = to_hex(&Sha256::digest(digests.collect::<Vec<u8>>()));
    assert!(!files.is_empty() && value["subject"][0]["digest"]["sha256"] == root);
}

fn decoded(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a text");
    let standard = Base64::decode_vec(text);
    standard
        .or_else(|_| Base64Url::decode_vec(text))
        .expect("base64")
}

/// What the seeds say, and the key that signed it.
fn seeds() -> &'static ([Payload; 2], EnvelopeKey) {
    static SEEDS: OnceLock<([Payload; 2], EnvelopeKey)> = OnceLock::new();
    SEEDS.get_or_init(|| (payloads(), key(1)))
}
