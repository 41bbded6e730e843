//! Timestamps of TSAs as tests need them: those of `tests/vectors/tsa`, and pieces of DER.

/// The root behind all of them.
pub const ROOT: &[u8] = include_bytes!("../vectors/tsa/root.pem");

/// Answers over [`HEADER`], by their names.
pub const TOKENS: [(&str, &[u8]); 5] = [
    ("rsa", include_bytes!("../vectors/tsa/rsa.tsr")),
    ("p256", include_bytes!("../vectors/tsa/p256.tsr")),
    ("p384", include_bytes!("../vectors/tsa/p384.tsr")),
    ("essv1", include_bytes!("../vectors/tsa/essv1.tsr")),
    ("pss", include_bytes!("../vectors/tsa/pss.tsr")),
];

/// The header that is stamped: that of the last block of `tests/vectors/v1/plain`.
pub const HEADER: &[u8] = include_bytes!("../vectors/tsa/head.header");

/// A value in DER.
pub fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let length = match len {
        0..0x80 => vec![len as u8],
        0x80..0x100 => vec![0x81, len as u8],
        _ => vec![0x82, (len >> 8) as u8, len as u8],
    };
    [&[tag][..], &length, content].concat()
}

/// A `SEQUENCE` of values.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// What a TSA signs: `TSTInfo`.
#[derive(Clone, Debug)]
pub struct Info {
    /// The version, 1.
    pub version: u8,
    /// The object identifier of the digest, without tag and length.
    pub algorithm: Vec<u8>,
    /// The digest.
    pub digest: Vec<u8>,
    /// `GeneralizedTime`, as text.
    pub time: String,
    /// What follows the time, in DER.
    pub rest: Vec<u8>,
}

/// SHA-256, as an object identifier without tag and length.
pub const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

impl Info {
    /// A sound one.
    pub fn new(digest: [u8; 32], time: &str) -> Self {
        Info {
            version: 1,
            algorithm: SHA256.to_vec(),
            digest: digest.to_vec(),
            time: time.into(),
            rest: Vec::new(),
        }
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let algorithm = sequence(&[&der(0x06, &self.algorithm), &[0x05, 0x00]]);
        sequence(&[
            &der(0x02, &[self.version]),
            &der(0x06, &[0x2a, 0x03]),
            &sequence(&[&algorithm, &der(0x04, &self.digest)]),
            &der(0x02, &[9]),
            &der(0x18, self.time.as_bytes()),
            &self.rest,
        ])
    }
}
