//! Why a timestamp token does not count.

use super::certificate::MAX_CERTIFICATES;
use super::token::MAX_TOKEN;
use crate::display::utc_seconds;

/// Why bytes are not a token of a TSA, or why one does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is too long.
    #[error("{0} bytes, at most {MAX_TOKEN} are read")]
    TooLong(usize),
    /// It is not DER, or not what stands in this place.
    #[error("{what}: {reason}")]
    Der {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Bytes follow where nothing may.
    #[error("{0} bytes follow {1}")]
    Trailing(usize, &'static str),
    /// The TSA answered, but with no token.
    #[error("the TSA did not grant a timestamp: status {status}, expected 0 or 1{}", words(.text))]
    NotGranted {
        /// The status. 2 is a rejection.
        status: u64,
        /// What the TSA says of it.
        text: String,
    },
    /// Something has another type, version or number than it must have.
    #[error("{what} is {found}, expected {expected}")]
    Unexpected {
        /// What it is.
        what: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Something that must be there is not, or not exactly once.
    #[error("{found} {what}, expected exactly 1")]
    NotOne {
        /// What it is.
        what: &'static str,
        /// How many there are.
        found: usize,
    },
    /// There is too much of something.
    #[error("more than {1} {0}")]
    TooMany(&'static str, usize),
    /// A digest or key that anybody can forge by now.
    #[error("{what} is {found}, which is too weak: expected {expected}")]
    Weak {
        /// What it is for.
        what: &'static str,
        /// What was found.
        found: String,
        /// What is strong enough.
        expected: &'static str,
    },
    /// The digest in the signed attributes is not that of the token's content.
    #[error("the signed digest is not that of the token's content")]
    MessageDigest,
    /// The signed attributes name another certificate than the one that was used.
    #[error("the signed attributes name another certificate than that of {subject}")]
    SigningCertificate {
        /// The certificate that was used.
        subject: String,
    },
    /// The token says that another TSA made it.
    #[error("the token names the TSA {named}, but it is signed by {subject}")]
    OtherTsa {
        /// The name in the token.
        named: String,
        /// The subject of the certificate.
        subject: String,
    },
    /// The certificate of the signer is missing.
    #[error(
        "the certificate of the signer is neither in the token nor among the trusted ones (--trust-tsa)"
    )]
    NoSigner,
    /// A signature does not hold.
    #[error("the signature over {what} does not hold under the key of {subject}")]
    Signature {
        /// What is signed.
        what: String,
        /// Whose key should have signed it.
        subject: String,
    },
    /// The certificate is not for time-stamping alone.
    #[error(
        "the certificate of {subject} is not for time-stamping: its extended key usage is {found}, expected timeStamping alone and critical"
    )]
    ExtendedKeyUsage {
        /// The subject.
        subject: String,
        /// What was found.
        found: String,
    },
    /// The certificate is not for what it was used for.
    #[error("the certificate of {subject} may not {what}")]
    KeyUsage {
        /// The subject.
        subject: String,
        /// What it was used for.
        what: &'static str,
    },
    /// A certificate was not valid yet.
    #[error("the certificate of {subject} was not valid yet: valid from {}, and the token is of {}", utc_seconds(*.from), utc_seconds(*.at))]
    NotYetValid {
        /// The subject.
        subject: String,
        /// When it begins to be valid, in seconds since 1970.
        from: i64,
        /// The token's time, in seconds since 1970.
        at: i64,
    },
    /// A certificate was not valid any more.
    #[error("the certificate of {subject} had expired: valid until {}, and the token is of {}", utc_seconds(*.until), utc_seconds(*.at))]
    Expired {
        /// The subject.
        subject: String,
        /// Until when it was valid, in seconds since 1970.
        until: i64,
        /// The token's time, in seconds since 1970.
        at: i64,
    },
    /// A critical extension that this version does not know.
    #[error("{what} has a critical extension {oid} that is not known here")]
    CriticalExtension {
        /// What has it.
        what: String,
        /// Its object identifier.
        oid: String,
    },
    /// No certificate is trusted.
    #[error("by the TSA {0}, and no certificate of a TSA is trusted (--trust-tsa)")]
    NothingTrusted(String),
    /// No trusted certificate is behind the signer's.
    #[error(
        "by the TSA {subject}, whose certificate leads to {top}, and none of these is trusted (--trust-tsa)"
    )]
    Untrusted {
        /// The signer.
        subject: String,
        /// The issuer at which the path ends.
        top: String,
    },
    /// A path of certificates is longer than what is followed.
    #[error("more than {MAX_CERTIFICATES} certificates or signatures on the way to a trusted one")]
    LongPath,
}

impl TokenError {
    /// Whether the token itself is not in its format.
    pub fn is_malformed(&self) -> bool {
        matches!(
            self,
            TokenError::TooLong(_)
                | TokenError::Der { .. }
                | TokenError::Trailing(..)
                | TokenError::NotGranted { .. }
                | TokenError::Unexpected { .. }
                | TokenError::NotOne { .. }
                | TokenError::TooMany(..)
                | TokenError::LongPath
        )
    }

    /// Whether it only lacks the verifier's trust, which speaks against nobody.
    pub fn is_missing_trust(&self) -> bool {
        matches!(
            self,
            TokenError::NoSigner | TokenError::NothingTrusted(_) | TokenError::Untrusted { .. }
        )
    }

    /// Whether a certificate was not fit for this use at this time.
    pub fn is_unfit_certificate(&self) -> bool {
        matches!(
            self,
            TokenError::ExtendedKeyUsage { .. }
                | TokenError::KeyUsage { .. }
                | TokenError::NotYetValid { .. }
                | TokenError::Expired { .. }
                | TokenError::CriticalExtension { .. }
        )
    }

    /// Whether a digest or key is too weak to show anything.
    pub fn is_weak(&self) -> bool {
        matches!(self, TokenError::Weak { .. })
    }
}

fn words(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(", {text:?}"),
    }
}
