//! The names that the page gives to bytes: each byte has one, whatever the block.

use pow_core::body::{Body, BodyKind};
use pow_ledger::{ChainReader, RunDir};
use pow_tests::fixture::Fixture;
use pow_web::layout::{Field, block_fields, body_fields, entry_fields};
use std::path::Path;

tests! { every_byte_has_one_name }

fn every_byte_has_one_name() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let fixture = Fixture::default();
    let runs = [
        fixture.run.clone(),
        RunDir::new(vectors.join("v1/plain/run")),
        RunDir::new(vectors.join("v1/bound/run")),
        RunDir::new(vectors.join("portable/transformer")),
    ];
    let mut kinds = std::collections::BTreeSet::new();
    for run in runs {
        for record in ChainReader::open(&run.chain()).unwrap() {
            let record = record.unwrap();
            let body = Body::from_bytes(&record.body).unwrap();
            kinds.insert(body.kind.name());
            cover(&block_fields(&record.block).unwrap(), &record.block);
            let mut fields = body_fields(&record.body).unwrap();
            let count = match &body.kind {
                BodyKind::Genesis(genesis) => genesis.extensions.len(),
                BodyKind::Steps(entries) => entries.len(),
                BodyKind::Final(_) => 0,
            };
            // One entry after the other.
            for at in 0..count {
                fields.extend(entry_fields(&record.body, &body, at, at + 1).unwrap());
            }
            cover(&fields, &record.body);
            assert!(
                entry_fields(&record.body, &body, count, count + 9)
                    .unwrap()
                    .is_empty()
            );
            for cut in 0..record.block.len() {
                assert!(block_fields(&record.block[..cut]).is_err(), "{cut}");
            }
        }
    }
    assert_eq!(kinds.len(), 3);
}

/// The fields follow each other without a gap, and have these bytes.
fn cover(fields: &[Field], bytes: &[u8]) {
    let mut at = 0;
    for field in fields {
        assert_eq!(field.offset, at, "{}", field.name);
        let found = &bytes[at..at + field.len];
        let shown = found.len().min(4096);
        assert_eq!(
            field.hex,
            pow_audit::hex::to_hex(&found[..shown]),
            "{}",
            field.name
        );
        at += field.len;
    }
    assert_eq!(at, bytes.len());
}
