//! Timestamps of a time-stamping authority (TSA), by
//! [RFC 3161](https://www.rfc-editor.org/rfc/rfc3161): the request, and tokens that are
//! checked offline, by certificates that the verifier trusts.
//!
//! A token counts if the TSA signed it, by a certificate for time-stamping alone that was
//! valid at the token's time and leads to a trusted one. Whether a certificate was revoked
//! is not checked: that takes the network.

mod algorithm;
mod certificate;
mod error;
mod fields;
mod path;
mod request;
mod response;
mod signed_data;
mod signer;
mod token;
mod tst_info;

pub use certificate::{MAX_CERTIFICATES, TrustError, TrustedCertificates};
pub use error::TokenError;
pub use request::{Nonce, timestamp_request};
pub use token::{CheckedToken, MAX_TOKEN, TimestampToken};
