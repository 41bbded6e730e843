//! How long a million blocks take. The time is printed, and nothing depends on it.

use super::browser::{browse, give};
use pow_ledger::{Durability, RunDir};
use pow_tests::fixture::CONFIG;
use pow_tests::stream::Stream;
use serde_json::json;
use tempfile::TempDir;

tests! { Browser: a_million_blocks }

const BLOCKS: usize = 1_000_000;

fn a_million_blocks() {
    let dir = TempDir::new().unwrap();
    let run = RunDir::new(dir.path().join("long"));
    let (_files, mut writer) = run.create(CONFIG, Durability::Grouped).unwrap();
    let mut stream = Stream::default();
    for (block, body) in stream.by_ref().take(BLOCKS - 1) {
        writer.append(&block, &body).unwrap();
    }
    let (block, body) = stream.finish();
    writer.append(&block, &body).unwrap();
    drop(writer);
    let shown = browse(&[json!([
        give("files", &run.chain()),
        {"click": "#strip >> text=Last"},
        {"block": BLOCKS - 1},
        {"search": "500000"},
    ])]);
    let shown = &shown[0];
    assert_eq!(shown.headline, "CONSISTENT, UNANCHORED", "{}", shown.status);
    assert!(
        shown.status.starts_with("1,000,000 blocks hold"),
        "{}",
        shown.status
    );
    assert!(shown.found[0].contains("step 500000"), "{:?}", shown.found);
    eprintln!("explorer: {}", shown.status);
}
