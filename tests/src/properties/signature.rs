//! Statements, signatures and public keys: everything about signatures that strangers write.

use super::memory::metered;
use crate::signatures::{minisign_public, ssh_public, touch_sign};
use pow_audit::declaration::Declaration;
use pow_audit::replay::{Commitment, Salt};
use pow_audit::signature::{MAX_SIGNATURE, Signature, SignerKey, Statement, read_keys};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use std::sync::OnceLock;

/// A statement of each kind.
pub(super) fn statements() -> [Statement; 3] {
    let (genesis, hash) = (BlockHash([1; 32]), BlockHash([2; 32]));
    let height = Height::GENESIS;
    [
        Statement::Genesis { genesis },
        Statement::Head {
            genesis,
            height,
            hash,
        },
        Statement::ReplayReport {
            genesis,
            height,
            hash,
            report: [3; 32],
        },
    ]
}

/// A statement, a declaration, a commitment, a signature or a list of keys.
pub fn signature(data: &[u8]) {
    let read = metered(data.len(), || Statement::parse(data));
    assert_eq!(read.is_ok(), is_statement(data), "{read:?}");
    if let Ok(statement) = read {
        assert_eq!(statement.to_string().as_bytes(), data);
    }
    if let Ok(declaration) = metered(data.len(), || Declaration::parse(data)) {
        assert_eq!(declaration.text().as_bytes(), data);
        assert_eq!(
            Declaration::new(declaration.declared().clone()),
            Ok(declaration)
        );
    }
    if let Ok(commitment) = Commitment::parse(data) {
        assert_eq!(commitment.to_string().as_bytes(), data);
    }
    if let Ok(salt) = Salt::parse(data) {
        assert_eq!(salt.to_text().as_bytes(), data);
    }
    // Not metered: `ssh-encoding` reserves what a length claims, up to 1 MiB.
    if let Ok(found) = Signature::parse(data) {
        assert!(data.len() <= MAX_SIGNATURE);
        let carried = found.key();
        for key in keys().iter().chain(&carried) {
            // No signature is over two statements, and none is by a key that it does not name.
            let over = statements().map(|statement| found.check(key, &statement).is_ok());
            let count = over.into_iter().filter(|right| *right).count();
            assert!(count <= usize::from(found.claims(key)), "{found:?}");
        }
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(keys) = read_keys(&text) {
        for key in keys {
            assert!(!key.to_string().contains('\n'));
            let _ = key.is_allowed_in("burn-pow/head/v1");
        }
    }
}

/// The keys with which the seeds are signed.
fn keys() -> &'static [SignerKey; 3] {
    static KEYS: OnceLock<[SignerKey; 3]> = OnceLock::new();
    KEYS.get_or_init(|| {
        let (security_key, _) = touch_sign(1, "burn-pow/head/v1", "", true);
        [ssh_public(1), minisign_public(1), security_key].map(|key| key.parse().unwrap())
    })
}

/// A plain reading of `docs/signatures.md`.
fn is_statement(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let lines: Vec<&str> = text.split('\n').collect();
    let kind = match lines[0] {
        "burn-pow/genesis/v1" => 1,
        "burn-pow/head/v1" => 3,
        "burn-pow/replay-report/v1" => 4,
        _ => return false,
    };
    // Behind the last line feed is nothing.
    let [_, fields @ .., ""] = &lines[..] else {
        return false;
    };
    let names = ["genesis", "block", "hash", "report"];
    fields.len() == kind
        && fields
            .iter()
            .zip(names)
            .all(|(line, name)| match line.split_once(' ') {
                Some((found, number)) if found == name && name == "block" => is_height(number),
                Some((found, digits)) if found == name => is_hash(digits),
                _ => false,
            })
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_height(text: &str) -> bool {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|c| c.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    digits && canonical && text.parse::<u64>().is_ok_and(|height| height < 1 << 31)
}
