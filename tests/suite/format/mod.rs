//! `docs/format.md` against the code.

mod accepted;
mod bodies;
mod bytes;
mod constants;
mod digests;
mod example;
mod exports;
mod fields;
mod json;
mod layout;
mod page;
mod samples;
mod tables;

use pow_core::chain::ChainVerifier;
use pow_core::hash::Tag;
use pow_ledger::ChainReader;
use std::path::{Path, PathBuf};

tests! {
    the_example_is_a_finished_chain, the_document_has_the_example, the_document_lists_every_tag,
    the_document_lists_every_rule;
    mod accepted, bodies, constants, json, tables
}

const BEGIN: &str = "<!-- example:begin -->\n";
const END: &str = "<!-- example:end -->\n";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/format.md")
}

fn document() -> String {
    std::fs::read_to_string(path()).unwrap()
}

fn the_example_is_a_finished_chain() {
    let example = example::Example::new();
    let file = example.file().bytes();
    let mut verifier = ChainVerifier::new(None);
    let mut reader = ChainReader::new(&file[..]).unwrap();
    for record in reader.by_ref() {
        let record = record.unwrap();
        verifier.push(&record.block, &record.body).unwrap();
    }
    assert_eq!(reader.torn(), None);
    let chain = verifier.chain().unwrap();
    assert_eq!(chain.height().get(), 2);
    assert!(chain.end().is_some());
}

/// The worked example is generated. After a change to the format, run this
/// test with `POW_BLESS=1` to write it again.
fn the_document_has_the_example() {
    let document = document();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let expected = digests::render(&example::Example::new());
    if found == expected {
        return;
    }
    if std::env::var("POW_BLESS").is_ok_and(|value| value == "1") {
        let document = [before, BEGIN, &expected, END, after].concat();
        std::fs::write(path(), document).unwrap();
        return;
    }
    let differing = found
        .lines()
        .zip(expected.lines())
        .find(|(found, expected)| found != expected);
    panic!(
        "the example in docs/format.md is not what the code gives, first at {differing:?}; \
         to rewrite it: POW_BLESS=1 cargo test --release -p pow-tests format/"
    );
}

fn the_document_lists_every_tag() {
    let tags = [
        Tag::Chunk,
        Tag::Node,
        Tag::Empty,
        Tag::Tensor,
        Tag::Tensors,
        Tag::Rest,
        Tag::State,
        Tag::Entry,
        Tag::BlockHash,
        Tag::Body,
        Tag::Item,
        Tag::Dataset,
        Tag::Batch,
        Tag::Order,
        Tag::Bound,
        Tag::Draw,
        Tag::Bucket,
        Tag::Augment,
        Tag::Seed,
        Tag::File,
        Tag::Challenge,
        Tag::Pick,
    ];
    let document = document();
    // The fields of a proof have some of these names as well.
    let (_, section) = document.split_once("### Tagged hashes\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    for tag in tags {
        // No wildcard: a new tag must be added above, and to the document.
        match tag {
            Tag::Chunk | Tag::Node | Tag::Empty | Tag::Tensor | Tag::Tensors | Tag::Rest => {}
            Tag::State | Tag::Entry | Tag::BlockHash | Tag::Body | Tag::Item => {}
            Tag::Dataset | Tag::Batch | Tag::Order | Tag::Seed | Tag::File => {}
            Tag::Challenge | Tag::Pick | Tag::Bound => {}
            Tag::Draw | Tag::Bucket | Tag::Augment => {}
        }
        let (_, name) = tag.text();
        let row = format!("\n| `{name}` | ");
        assert_eq!(section.matches(&row).count(), 1, "{name}");
    }
}

fn the_document_lists_every_rule() {
    let document = document();
    for rule in 1..=20 {
        let item = format!("\n{rule}. **");
        assert_eq!(document.matches(&item).count(), 1, "rule {rule}");
    }
    assert!(!document.contains("\n21. **"));
}
