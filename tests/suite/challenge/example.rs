//! The worked example of `docs/format.md`.

use super::{domain, value};
use pow_core::challenge::{ChallengeSource, SegmentCount};
use pow_core::hash::{BlockHash, Tag};
use pow_tests::oracle::hex;
use std::path::Path;

const BEGIN: &str = "<!-- challenge:begin -->\n";
const END: &str = "<!-- challenge:end -->\n";

/// The example is generated. After a change to the format, run this test with
/// `POW_BLESS=1` to write it again.
pub fn the_document_has_the_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/format.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let expected = render();
    if found != expected && std::env::var("POW_BLESS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, [before, BEGIN, &expected, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(found, expected, "POW_BLESS=1 writes it anew");
}

fn render() -> String {
    let head = BlockHash(std::array::from_fn(|i| i as u8));
    let source = ChallengeSource::Verifier(value(b"dice"));
    let hashed = [&head.0[..], &[1], &4u32.to_le_bytes(), b"dice"].concat();
    let seed = source.seed(head);
    assert_eq!(seed.0, Tag::Challenge.hash(&hashed));

    let domain = domain(10, &[4]);
    let mut lines = vec![
        ("head, as hashed".to_owned(), hex(&head.0)),
        ("value \"dice\"".to_owned(), hex(b"dice")),
        ("hashed bytes".to_owned(), hex(&hashed[..32])),
        (String::new(), hex(&hashed[32..])),
        ("seed".to_owned(), seed.to_string()),
    ];
    for index in 0..10u64 {
        if [0, 4, 9].contains(&index) {
            continue;
        }
        let key = Tag::Pick.hash(&[&seed.0[..], &index.to_le_bytes()].concat());
        lines.push((format!("key of segment {index}"), hex(&key)));
    }
    let picked = domain.pick(seed, SegmentCount(3)).unwrap();
    let picked: Vec<String> = picked.iter().map(ToString::to_string).collect();
    lines.push(("picked".to_owned(), picked.join(", ")));
    let lines: Vec<String> = lines
        .iter()
        .map(|(name, value)| format!("{name:<30}  {value}\n"))
        .collect();
    format!("```text\n{}```\n", lines.concat())
}
