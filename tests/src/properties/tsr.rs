//! Timestamps of TSAs, beside a second reader written from `docs/format.md`, which follows
//! the values of DER without knowing what they are.

use super::memory::metered;
use crate::tokens::{ROOT, TOKENS};
use pow_audit::anchor::tsp::{TimestampToken, TrustedCertificates};
use std::sync::OnceLock;

/// An answer of a TSA, or a token alone.
pub fn tsr(data: &[u8]) {
    let Ok(token) = metered(data.len(), || TimestampToken::parse(data)) else {
        return;
    };
    let (digest, time, policy) = plain(data).expect("only the plain reader refuses");
    assert_eq!(token.digest.0[..], *digest);
    let date = time::UtcDateTime::from_unix_timestamp(token.time.as_secs() as i64).unwrap();
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        date.hour(),
        date.minute(),
        date.second()
    );
    assert_eq!(text.as_bytes(), &time[..14]);
    assert_eq!(token.policy, policy);

    // Without trust nothing counts, and by a root whose keys nobody has only its own tokens.
    let nobody = TrustedCertificates::default();
    token.check(&nobody).expect_err("nobody is trusted");
    static ROOTS: OnceLock<TrustedCertificates> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = TrustedCertificates::default();
        roots.add(ROOT).unwrap();
        roots
    });
    if metered(data.len(), || token.check(roots)).is_ok() {
        let says = |token: &TimestampToken| {
            let (policy, serial) = (token.policy.clone(), token.serial.clone());
            (token.digest, token.time, token.accuracy, policy, serial)
        };
        let mut genuine = TOKENS
            .iter()
            .map(|(_, bytes)| TimestampToken::parse(bytes).unwrap());
        assert!(
            genuine.any(|genuine| says(&genuine) == says(&token)),
            "forged"
        );
    }
}

/// The digest, the time and the policy.
fn plain(data: &[u8]) -> Option<(&[u8], &[u8], String)> {
    let [answer] = values(data)?[..] else {
        return None;
    };
    let parts = values(content(answer, 0x30)?)?;
    // An answer has a status first, and a token its kind.
    let token = match parts[0].0 {
        0x06 => parts,
        _ => values(content(*parts.get(1)?, 0x30)?)?,
    };
    let signed = values(content(*token.get(1)?, 0xa0)?)?;
    let signed = values(content(signed[0], 0x30)?)?;
    let wrapped = values(content(*signed.get(2)?, 0x30)?)?;
    let octets = values(content(*wrapped.get(1)?, 0xa0)?)?;
    let info = values(content(octets[0], 0x04)?)?;
    let info = values(content(info[0], 0x30)?)?;
    let imprint = values(content(*info.get(2)?, 0x30)?)?;
    let digest = content(*imprint.get(1)?, 0x04)?;
    let time = content(*info.get(4)?, 0x18)?;
    Some((digest, time, dotted(content(*info.get(1)?, 0x06)?)))
}

/// Tags and contents of the values that follow each other.
fn values(mut rest: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let Some((tag, after)) = rest.split_first() {
        let (first, mut after) = after.split_first()?;
        let mut len = usize::from(*first);
        if len > 0x80 {
            let digits = after.split_off(..len - 0x80)?;
            len = digits
                .iter()
                .fold(0, |len, digit| len << 8 | usize::from(*digit));
        }
        found.push((*tag, after.split_off(..len)?));
        rest = after;
    }
    (!found.is_empty()).then_some(found)
}

fn content((tag, content): (u8, &[u8]), expected: u8) -> Option<&[u8]> {
    (tag == expected).then_some(content)
}

/// An object identifier with its dots.
fn dotted(bytes: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut arc = 0u64;
    for byte in bytes {
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - 40 * first]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    let arcs: Vec<String> = arcs.iter().map(u64::to_string).collect();
    arcs.join(".")
}
