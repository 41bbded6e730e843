//! The tokens of `tests/vectors/tsa`, which need no OpenSSL: read, checked, and damaged.

use super::trusting;
use pow_audit::anchor::tsp::{
    MAX_TOKEN, TimestampToken, TokenError, TrustError, TrustedCertificates,
};
use pow_audit::anchor::{StampDigest, accept};
use pow_core::coinbase::Height;
use pow_ledger::RunDir;
use pow_tests::tokens::{HEADER, ROOT, TOKENS};
use std::path::Path;
use std::time::Duration;

tests! {
    the_tokens_count, they_are_of_the_vectors_last_block, no_damaged_token_says_anything_else,
        certificates_that_are_none_are_refused, a_long_file_is_no_token
}

fn the_tokens_count() {
    let trusted = trusting(&[ROOT]);
    let digest = StampDigest::of_block(HEADER).unwrap();
    for (name, bytes) in TOKENS {
        let token = TimestampToken::parse(bytes).unwrap();
        assert_eq!(token.digest, digest, "{name}");
        assert_eq!(token.policy, "1.3.6.1.4.1.32473.1");
        let accuracy = match name {
            "rsa" => Some(Duration::from_secs(1)),
            "p384" => None,
            "essv1" => Some(Duration::from_micros(200_007)),
            _ => Some(Duration::from_millis(1500)),
        };
        assert_eq!(token.accuracy, accuracy, "{name}");
        let checked = token.check(&trusted).unwrap();
        assert_eq!(checked.trusted, "\"CN=Root,O=Vectors\"");
        let up = accuracy.map_or(0, |accuracy| accuracy.as_millis().div_ceil(1000));
        assert_eq!(
            i128::from(checked.not_after),
            token.time.as_secs() as i128 + up as i128
        );
        let untrusted = token.check(&TrustedCertificates::default()).unwrap_err();
        assert!(untrusted.is_missing_trust(), "{name}: {untrusted}");
    }
}

fn they_are_of_the_vectors_last_block() {
    let plain = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1/plain/run");
    for (name, bytes) in TOKENS {
        let accepted = accept(&RunDir::new(&plain), bytes).unwrap();
        assert_eq!(accepted.height, Height::new(39).unwrap(), "{name}");
    }
}

/// Each byte changed in two ways, each cut, and some bytes removed: what still counts says
/// the same. What does not is refused without a panic.
fn no_damaged_token_says_anything_else() {
    let trusted = trusting(&[ROOT]);
    let (mut refused, mut same) = (0, 0);
    for (name, bytes) in TOKENS {
        let good = TimestampToken::parse(bytes).unwrap();
        let (says, checked) = (said(&good), good.check(&trusted));
        let mut try_one = |bad: &[u8]| match TimestampToken::parse(bad)
            .map(|token| (said(&token), token.check(&trusted)))
        {
            Ok((found, Ok(found_checked))) => {
                assert_eq!(
                    (found, Ok(found_checked)),
                    (says.clone(), checked.clone()),
                    "{name}"
                );
                same += 1;
            }
            Ok((_, Err(_))) | Err(_) => refused += 1,
        };
        for at in 0..bytes.len() {
            for change in [0x01, 0x80] {
                let mut bad = bytes.to_vec();
                bad[at] ^= change;
                try_one(&bad);
            }
        }
        for len in 0..bytes.len() {
            assert!(
                TimestampToken::parse(&bytes[..len]).is_err(),
                "{name} {len}"
            );
            let mut bad = bytes.to_vec();
            bad.remove(len);
            assert!(TimestampToken::parse(&bad).is_err(), "{name} without {len}");
            refused += 2;
        }
        let trailing = [bytes, &[0]].concat();
        let error = TimestampToken::parse(&trailing).unwrap_err();
        assert!(matches!(error, TokenError::Trailing(1, _)), "{error}");
    }
    // Versions, the set of digests and such are not signed, and nobody reads them.
    assert!(
        refused > 20_000 && same < 300,
        "{refused} refused, {same} say the same"
    );
}

fn said(token: &TimestampToken) -> (StampDigest, Duration, Option<Duration>, String, String) {
    let (policy, serial) = (token.policy.clone(), token.serial.clone());
    (token.digest, token.time, token.accuracy, policy, serial)
}

fn certificates_that_are_none_are_refused() {
    let add = |bytes: &[u8]| TrustedCertificates::default().add(bytes).unwrap_err();
    assert_eq!(add(b""), TrustError::None);
    assert_eq!(add(HEADER), TrustError::None);
    let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_eq!(add(key), TrustError::None);
    let text = String::from_utf8(ROOT.to_vec()).unwrap();
    let cut = &text[..text.len() - 60];
    assert!(matches!(
        add(cut.as_bytes()),
        TrustError::Pem(1, _) | TrustError::Certificate(1, _)
    ));
    let twice = text.clone() + &text.replacen("MII", "M!I", 1);
    assert!(matches!(add(twice.as_bytes()), TrustError::Pem(2, _)));
    assert!(matches!(add(TOKENS[0].1), TrustError::Certificate(1, _)));
    assert_eq!(TrustedCertificates::default().add(ROOT), Ok(1));
}

fn a_long_file_is_no_token() {
    let long = vec![0x30; MAX_TOKEN + 1];
    assert_eq!(
        TimestampToken::parse(&long),
        Err(TokenError::TooLong(MAX_TOKEN + 1))
    );
}
