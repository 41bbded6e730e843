//! The request for a timestamp, which any TSA answers.

use super::algorithm::SHA256;
use crate::anchor::StampDigest;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Encode, Sequence};
use x509_cert::spki::AlgorithmIdentifierRef;

/// A number that tells the answers to two requests over one digest apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub u64);

/// `TimeStampReq` of RFC 3161, 2.4.1.
#[derive(Sequence)]
struct TimeStampReq<'a> {
    version: u8,
    message_imprint: MessageImprint<'a>,
    nonce: u64,
    cert_req: bool,
}

#[derive(Sequence)]
struct MessageImprint<'a> {
    hash_algorithm: AlgorithmIdentifierRef<'a>,
    hashed_message: &'a OctetStringRef,
}

/// The DER bytes of a `TimeStampReq` (RFC 3161, 2.4.1) over a SHA-256 digest. It asks for
/// the TSA's certificate as well, and leaves the policy to the TSA.
///
/// # Errors
///
/// An error of the DER library, if it cannot encode a value.
///
/// ```
/// use pow_audit::anchor::StampDigest;
/// use pow_audit::anchor::tsp::{Nonce, timestamp_request};
///
/// let request = timestamp_request(StampDigest([7; 32]), Nonce(5))?;
/// assert_eq!(request[..7], [0x30, 0x3c, 0x02, 0x01, 0x01, 0x30, 0x31]);
/// assert!(request.ends_with(&[0x07, 0x02, 0x01, 0x05, 0x01, 0x01, 0xff]));
/// # Ok::<(), der::Error>(())
/// ```
pub fn timestamp_request(digest: StampDigest, nonce: Nonce) -> Result<Vec<u8>, der::Error> {
    TimeStampReq {
        version: 1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifierRef {
                oid: SHA256,
                parameters: Some(AnyRef::NULL),
            },
            hashed_message: OctetStringRef::new(&digest.0)?,
        },
        nonce: nonce.0,
        cert_req: true,
    }
    .to_der()
}
