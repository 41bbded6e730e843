//! What the page shows of a chain, how one moves in it, and for whom it is made.

use super::browser::{Shown, browse, folder};
use pow_ledger::{ChainReader, RunDir};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

tests! {
    Browser: verdict_and_not_shown_have_one_size, one_travels_and_finds, axe_finds_nothing_serious,
        narrow_windows_do_not_scroll_sideways
}

fn run() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1/plain/run")
}

fn one(job: Value) -> Shown {
    browse(&[job]).remove(0)
}

fn verdict_and_not_shown_have_one_size() {
    let shown = one(json!([folder(&run())]));
    assert_eq!(shown.sizes[0], shown.sizes[1]);
    assert_ne!(shown.sizes[0][0], "");
    assert!(
        shown
            .charts
            .iter()
            .any(|chart| chart.starts_with("Loss: from ")),
        "{:?}",
        shown.charts
    );
    assert_eq!(shown.charts.len(), 4);
}

fn one_travels_and_finds() {
    let records = ChainReader::open(&RunDir::new(run()).chain()).unwrap();
    let records: Vec<_> = records.map(Result::unwrap).collect();
    let last = records.len() - 1;
    let body = pow_core::body::Body::from_bytes(&records[2].body).unwrap();
    let pow_core::body::BodyKind::Steps(entries) = &body.kind else {
        panic!("block 2 has steps");
    };
    let header = pow_core::header::Header::from_bytes(records[1].block.first_chunk().unwrap());
    let (step, root) = (entries[0].step, entries[0].parameters.to_string());
    let at = |height: usize, mut actions: Vec<Value>| {
        actions.insert(0, folder(&run()));
        actions.push(json!({"block": height}));
        json!(actions)
    };
    let key = |key: &str| json!({"press": {"on": "#travel", "key": key}});
    let jobs = [
        at(1, vec![key("ArrowRight")]),
        at(last, vec![key("End")]),
        at(last, vec![json!({"click": "#strip >> text=Last"})]),
        at(2, vec![json!({"search": step.to_string()})]),
        at(2, vec![json!({"search": root})]),
        at(1, vec![json!({"search": header.hash().to_string()})]),
        at(2, vec![json!({"search": "#2"})]),
        json!([folder(&run()), {"search": "ffffffffffffffff"}]),
        json!([folder(&run()), {"search": "<b>"}]),
    ];
    let shown = browse(&jobs);
    for shown in &shown[3..7] {
        assert!(shown.found[0].contains(": block "), "{:?}", shown.found);
    }
    assert!(
        shown[4].found[0].contains("parameter root"),
        "{:?}",
        shown[4].found
    );
    assert!(
        shown[7].found[0].contains("Nothing"),
        "{:?}",
        shown[7].found
    );
    assert!(
        shown[8].found[0].contains("type a step"),
        "{:?}",
        shown[8].found
    );
    // Every byte of the block and the body is there, under a name.
    let block2 = &shown[3];
    let hex: String = block2.block.iter().map(|row| row[3].as_str()).collect();
    let expected = [&records[2].block[..], &records[2].body].concat();
    assert_eq!(hex, pow_audit::hex::to_hex(&expected));
    assert!(block2.current[0].starts_with("#2"), "{:?}", block2.current);
    // The charts stand at a point of that block.
    assert!(
        block2
            .outputs
            .iter()
            .any(|out| out.starts_with("block 2: ")),
        "{:?}",
        block2.outputs
    );
}

fn axe_finds_nothing_serious() {
    for scheme in ["light", "dark"] {
        let shown = one(json!([{"scheme": scheme}, folder(&run()), {"block": 0}, {"axe": true}]));
        let problems = shown.problems.unwrap();
        let serious = problems
            .iter()
            .filter(|found| found[1] == "serious" || found[1] == "critical");
        let serious: Vec<_> = serious.collect();
        assert!(serious.is_empty(), "{scheme}: {serious:#?}");
    }
}

/// With `POW_SCREENSHOTS` the pages are kept there, for somebody to look at.
fn narrow_windows_do_not_scroll_sideways() {
    let kept = std::env::var_os("POW_SCREENSHOTS").map(PathBuf::from);
    for (name, scheme, size) in [
        ("light", "light", [1280, 900]),
        ("dark", "dark", [1280, 900]),
        ("narrow", "light", [360, 740]),
    ] {
        let mut job = vec![
            json!({"scheme": scheme}),
            json!({"size": size}),
            folder(&run()),
            json!({"block": 0}),
        ];
        if let Some(directory) = &kept {
            job.push(json!({"screenshot": directory.join(format!("{name}.png"))}));
        }
        let [content, window] = one(json!(job)).width;
        assert!(content <= window, "{name}: {content} of {window} pixels");
    }
}
