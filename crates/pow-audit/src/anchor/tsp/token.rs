//! A token: what it says, and whether that counts.

use super::TokenError;
use super::certificate::TrustedCertificates;
use super::path::trusted_of;
use super::response::token_of;
use super::signed_data::SignedData;
use super::signer::signer_of;
use super::tst_info::TstInfo;
use crate::anchor::StampDigest;
use crate::hex::to_hex;
use std::time::Duration;

/// The longest token that is read, in bytes.
pub const MAX_TOKEN: usize = 64 * 1024;

/// A token in its format. Nothing in it counts before [`check`](Self::check).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampToken {
    /// The digest that was stamped.
    pub digest: StampDigest,
    /// When, since 1970.
    pub time: Duration,
    /// By how much the time may be off. Absent if the token does not say so.
    pub accuracy: Option<Duration>,
    /// The policy of the TSA, an object identifier.
    pub policy: String,
    /// The TSA's number of the token, in hex.
    pub serial: String,
    /// The token without the answer around it.
    bytes: Vec<u8>,
}

/// A token that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedToken {
    /// The name in the certificate of the TSA, in quotes.
    pub tsa: String,
    /// The name in the trusted certificate, in quotes. It may be that of the TSA.
    pub trusted: String,
    /// The latest time at which the digest was there, in seconds since 1970: the token's
    /// time and its accuracy, rounded up.
    pub not_after: i64,
}

impl TimestampToken {
    /// Whether bytes begin as a token or the answer of a TSA does.
    pub fn may_be_one(bytes: &[u8]) -> bool {
        bytes.first() == Some(&0x30)
    }

    /// Reads the answer of a TSA (`TimeStampResp`), or a token alone. The memory is a few
    /// times as much as the bytes.
    ///
    /// # Errors
    ///
    /// [`TokenError`] if it is too long, not DER, not a token over a SHA-256 digest, or if
    /// it uses a weak digest.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        if bytes.len() > MAX_TOKEN {
            return Err(TokenError::TooLong(bytes.len()));
        }
        let bytes = token_of(bytes)?;
        let info = TstInfo::parse(SignedData::parse(bytes)?.content)?;
        Ok(TimestampToken {
            digest: info.digest,
            time: info.time,
            accuracy: info.accuracy,
            policy: info.policy.to_string(),
            serial: to_hex(&info.serial),
            bytes: bytes.to_vec(),
        })
    }

    /// Checks who signed it, with which certificates, and whether one of these is trusted.
    /// All certificates must have been valid at the token's time. Whether one was revoked
    /// is not checked.
    ///
    /// # Errors
    ///
    /// [`TokenError`], which says what is wrong, or that nothing trusted is behind it.
    pub fn check(&self, trusted: &TrustedCertificates) -> Result<CheckedToken, TokenError> {
        let data = SignedData::parse(&self.bytes)?;
        let info = TstInfo::parse(data.content)?;
        let candidates = data.certificates.iter().chain(trusted.all());
        let signer = signer_of(&data, &info, candidates)?;
        let at = i64::try_from(info.time.as_secs()).unwrap_or(i64::MAX);
        let anchor = trusted_of(signer, &data.certificates, trusted, at)?;
        let latest = info.time.saturating_add(info.accuracy.unwrap_or_default());
        let up = u64::from(latest.subsec_nanos() > 0);
        let not_after = i64::try_from(latest.as_secs().saturating_add(up)).unwrap_or(i64::MAX);
        Ok(CheckedToken {
            tsa: signer.subject(),
            trusted: anchor.subject(),
            not_after,
        })
    }
}
