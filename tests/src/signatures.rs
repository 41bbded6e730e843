//! Signatures as tests need them, made without the programs that people use.

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use ssh_key::private::Ed25519Keypair;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

/// A key of SSH. Equal seeds give equal keys.
pub fn ssh_key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

/// Its public key, as the line of a `.pub` file.
pub fn ssh_public(seed: u8) -> String {
    ssh_key(seed).public_key().to_openssh().unwrap()
}

/// What `ssh-keygen -Y sign -n NAMESPACE` writes.
pub fn ssh_sign(seed: u8, namespace: &str, text: &str) -> String {
    let signature = ssh_key(seed).sign(namespace, HashAlg::Sha512, text.as_bytes());
    signature.unwrap().to_pem(LineEnding::LF).unwrap()
}

/// The same by a security key, which was touched or was not.
pub fn touch_sign(seed: u8, namespace: &str, text: &str, touched: bool) -> (String, String) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let verifying = key.verifying_key();
    // As on the wire: the name of the algorithm, the key, and the application.
    let parts: [&[u8]; 3] = [b"sk-ssh-ed25519@openssh.com", verifying.as_bytes(), b"ssh:"];
    let wire: Vec<u8> = parts
        .iter()
        .flat_map(|part| [&(part.len() as u32).to_be_bytes()[..], part].concat())
        .collect();
    let public = format!(
        "sk-ssh-ed25519@openssh.com {}",
        Base64::encode_string(&wire)
    );
    let data = SshSig::signed_data(namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
    let trailer = [u8::from(touched), 0, 0, 0, 1];
    let signed = [
        &Sha256::digest(b"ssh:")[..],
        &trailer,
        &Sha256::digest(&data)[..],
    ];
    let raw = [&key.sign(&signed.concat()).to_bytes()[..], &trailer].concat();
    let signature = ssh_key::Signature::new(Algorithm::SkEd25519, raw).unwrap();
    let parsed: PublicKey = public.parse().unwrap();
    let carried: KeyData = parsed.key_data().clone();
    let signature = SshSig::new(carried, namespace, HashAlg::Sha512, signature).unwrap();
    (public, signature.to_pem(LineEnding::LF).unwrap())
}

/// The public key of minisign with this seed.
pub fn minisign_public(seed: u8) -> String {
    let key = SigningKey::from_bytes(&[seed; 32]);
    Base64::encode_string(&[&b"Ed"[..], &[seed; 8], key.verifying_key().as_bytes()].concat())
}

/// What `minisign -S -l` writes: a signature over the text itself, not over its hash.
pub fn minisign_sign(seed: u8, text: &str) -> String {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let signature = key.sign(text.as_bytes()).to_bytes();
    let comment = "timestamp:1700000000";
    let global = key.sign(&[&signature[..], comment.as_bytes()].concat());
    format!(
        "untrusted comment: a test\n{}\ntrusted comment: {comment}\n{}\n",
        Base64::encode_string(&[&b"Ed"[..], &[seed; 8], &signature].concat()),
        Base64::encode_string(&global.to_bytes()),
    )
}
