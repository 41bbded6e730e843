//! Keys and signatures of envelopes, made without the programs that people use.

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use pow_audit::envelope::{EnvelopeKey, Form, Payload, SignedStatement};

/// What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410).
const BEFORE: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// The PEM file of the public key of Ed25519 with this seed.
pub fn pem(seed: u8) -> String {
    let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
    let body = Base64::encode_string(&[&BEFORE[..], key.as_bytes()].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

/// The same key.
pub fn key(seed: u8) -> EnvelopeKey {
    EnvelopeKey::from_pem(&pem(seed)).unwrap()
}

/// What `openssl pkeyutl -sign -rawin` writes.
pub fn sign(seed: u8, bytes: &[u8]) -> Vec<u8> {
    let key = SigningKey::from_bytes(&[seed; 32]);
    key.sign(bytes).to_bytes().to_vec()
}

/// A signed statement.
pub fn signed(seed: u8, payload: &Payload, form: Form) -> String {
    let signature = sign(seed, &payload.to_sign());
    SignedStatement::join(payload, &signature, &key(seed), form).unwrap()
}
