//! Receipts: what is read has one form, and is checked without a panic.

use super::memory::metered;
use crate::tokens::ROOT;
use pow_audit::anchor::tsp::TrustedCertificates;
use pow_audit::receipt::{Receipt, ReceiptOptions, check_receipt};

/// A receipt.
pub fn receipt(data: &[u8]) {
    let sections = plain(data);
    let read = metered(data.len(), || Receipt::parse(data));
    let Ok(receipt) = read else {
        return assert!(sections.is_none(), "only the reader refuses");
    };
    assert_eq!(receipt.to_bytes(), data);
    let found = receipt.sections().iter();
    let found: Vec<_> = found
        .map(|part| (part.kind.number(), &part.bytes[..]))
        .collect();
    assert_eq!(Some(found), sections);
    let mut trusted_tsas = TrustedCertificates::default();
    trusted_tsas.add(ROOT).unwrap();
    let options = ReceiptOptions {
        trusted_tsas,
        ..ReceiptOptions::default()
    };
    let report = check_receipt(data, &options);
    // What holds has both ends of a chain.
    assert!(!report.holds() || report.chain.is_some());
    assert_eq!(report.failure.is_some(), report.chain.is_none());
}

/// Kinds and contents of the sections, read plainly from `docs/format.md`.
fn plain(data: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut rest = data.strip_prefix(b"POWRECPT\x01\0\0\0")?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let [a, b, c, d, e, f] = *rest.split_off(..6)? else {
            return None;
        };
        let length = u32::from_le_bytes([c, d, e, f]) as usize;
        found.push((u16::from_le_bytes([a, b]), rest.split_off(..length)?));
    }
    let count = |kind| found.iter().filter(|(found, _)| *found == kind).count();
    let is_one = count(1) == 1 && count(2) == 1 && count(17) <= 1 && count(18) <= 16;
    let has_form = found.is_sorted_by_key(|(kind, _)| *kind) && found.len() <= 512;
    (is_one && has_form && data.len() <= 1 << 20).then_some(found)
}
