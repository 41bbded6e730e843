//! `TSTInfo`: what a TSA signs.

use super::TokenError;
use super::algorithm::DigestKind;
use super::fields::{Fields, malformed, tagged};
use crate::anchor::StampDigest;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, Tag};
use std::time::Duration;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::AlgorithmIdentifierRef;

const WHAT: &str = "the token's content";
/// The longest serial number and nonce, in bytes.
const MAX_NUMBER: usize = 64;

/// What a TSA says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TstInfo {
    pub(super) digest: StampDigest,
    pub(super) policy: ObjectIdentifier,
    /// Big-endian.
    pub(super) serial: Vec<u8>,
    /// Since 1970.
    pub(super) time: Duration,
    pub(super) accuracy: Option<Duration>,
    pub(super) tsa: Option<GeneralName>,
}

impl TstInfo {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let mut fields = Fields::of_sequence(bytes, WHAT)?;
        let version: u64 = fields.decode(WHAT)?;
        if version != 1 {
            return Err(TokenError::Unexpected {
                what: "the version of the token's content",
                found: version.to_string(),
                expected: "1",
            });
        }
        let policy = fields.decode(WHAT)?;
        let digest = imprint(fields.sequence("the stamped digest")?)?;
        let serial = number(fields.take(Tag::Integer, "the serial number")?)?;
        let time = time(fields.take(Tag::GeneralizedTime, "the time")?)?;
        let accuracy = fields.take_if(Tag::Sequence, "the accuracy")?;
        let accuracy = accuracy.map(accuracy_of).transpose()?;
        if fields.next_is(Tag::Boolean) {
            fields.decode::<bool>("the ordering")?;
        }
        fields
            .take_if(Tag::Integer, "the nonce")?
            .map(number)
            .transpose()?;
        let tsa = fields.take_if(tagged(0), "the name of the TSA")?;
        let tsa = tsa.map(GeneralName::from_der).transpose();
        let tsa = tsa.map_err(malformed("the name of the TSA"))?;
        if let Some(extensions) = fields.take_if(tagged(1), "the extensions")? {
            let mut extensions = Fields::of(extensions, "the extensions")?;
            while !extensions.is_at_end() {
                let extension: Extension = extensions.decode("the extensions")?;
                if extension.critical {
                    return Err(TokenError::CriticalExtension {
                        what: "the token".into(),
                        oid: extension.extn_id.to_string(),
                    });
                }
            }
        }
        fields.end()?;
        Ok(TstInfo {
            digest,
            policy,
            serial,
            time,
            accuracy,
            tsa,
        })
    }
}

fn imprint(mut fields: Fields<'_>) -> Result<StampDigest, TokenError> {
    const IMPRINT: &str = "the stamped digest";
    let algorithm: AlgorithmIdentifierRef<'_> = fields.decode(IMPRINT)?;
    let digest: &OctetStringRef = fields.decode(IMPRINT)?;
    fields.end()?;
    let kind = DigestKind::of(algorithm.oid, IMPRINT)?;
    let digest = <[u8; 32]>::try_from(digest.as_bytes());
    match (kind, digest) {
        (DigestKind::Sha256, Ok(digest)) => Ok(StampDigest(digest)),
        (kind, digest) => Err(TokenError::Unexpected {
            what: IMPRINT,
            found: match digest {
                Ok(_) => format!("{kind:?} in 32 bytes"),
                Err(_) => format!("{kind:?} in another length than 32 bytes"),
            },
            expected: "SHA-256, in 32 bytes",
        }),
    }
}

fn number(bytes: &[u8]) -> Result<Vec<u8>, TokenError> {
    match bytes.len() <= MAX_NUMBER {
        true => Ok(bytes.to_vec()),
        false => Err(TokenError::TooMany("bytes in a number", MAX_NUMBER)),
    }
}

/// `GeneralizedTime` as RFC 3161 has it, in 2.4.2: `YYYYMMDDhhmmss[.s…]Z`, without zeros at
/// the end of the fraction.
fn time(bytes: &[u8]) -> Result<Duration, TokenError> {
    let wrong = || TokenError::Unexpected {
        what: "the time",
        found: format!("{:?}", String::from_utf8_lossy(bytes)),
        expected: "YYYYMMDDhhmmss.sZ, at most nine digits after the point, the last one not 0",
    };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let text = text.strip_suffix('Z').ok_or_else(wrong)?;
    let (whole, fraction) = match text.split_once('.') {
        None => (text, ""),
        Some((_, fraction)) if fraction.is_empty() || fraction.ends_with('0') => {
            return Err(wrong());
        }
        Some(parts) => parts,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    let part = |from: usize, to: usize| whole.get(from..to).and_then(|part| part.parse().ok());
    let two = |from: usize| part(from, from + 2).and_then(|value: u16| u8::try_from(value).ok());
    let date = (|| {
        let (year, month, day) = (part(0, 4)?, two(4)?, two(6)?);
        der::DateTime::new(year, month, day, two(8)?, two(10)?, two(12)?).ok()
    })();
    let nanos: u32 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    Ok(date.ok_or_else(wrong)?.unix_duration() + Duration::from_nanos(nanos.into()))
}

/// `Accuracy`: seconds, thousandths and millionths, each of which may be absent.
fn accuracy_of(bytes: &[u8]) -> Result<Duration, TokenError> {
    const ACCURACY: &str = "the accuracy";
    let mut fields = Fields::of(bytes, ACCURACY)?;
    let mut parts = [0; 3];
    if fields.next_is(Tag::Integer) {
        parts[0] = fields.decode::<u32>(ACCURACY)?.into();
    }
    for (number, part) in [(0, 1), (1, 2)] {
        let tag = Tag::ContextSpecific {
            constructed: false,
            number: der::TagNumber(number),
        };
        if let Some(bytes) = fields.take_if(tag, ACCURACY)? {
            let value = match bytes {
                [value] => u64::from(*value),
                [high, low] => u64::from(u16::from_be_bytes([*high, *low])),
                _ => 0,
            };
            if !(1..=999).contains(&value) {
                return Err(TokenError::Unexpected {
                    what: ACCURACY,
                    found: format!("{} in a part", crate::hex::to_hex(bytes)),
                    expected: "1 to 999 thousandths and millionths",
                });
            }
            parts[part] = value;
        }
    }
    fields.end()?;
    Ok(Duration::from_secs(parts[0]) + Duration::from_micros(1000 * parts[1] + parts[2]))
}
