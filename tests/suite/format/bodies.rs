//! The tables of a body in `docs/format.md` against the code: version, kinds,
//! every field, and the limits.

use super::layout::Layout;
use super::page::{Page, number, values};
use super::samples;
use pow_core::body::{
    Body, BodyKind, Ending, FORMAT_VERSION, MAX_BODY_LEN, MAX_ENTRIES, MAX_EXTENSION, MAX_TEXT,
    Mode, OrderRule,
};
use pow_core::difficulty::Policy;

tests! {
    version_and_kinds, fields, limits
}

/// Heads of tables.
const FIELDS: &str = "Encoding | Field";
const EXTENSION: &str = "Encoding | Extension";

fn page() -> Page {
    Page::read("format.md")
}

fn version_and_kinds() {
    let rows = page().table("## Body", FIELDS);
    let version = rows[0][1].strip_prefix("format version: ").unwrap();
    assert_eq!(number(version), Some(FORMAT_VERSION.into()));
    let kinds = [
        BodyKind::Genesis(Box::new(samples::geneses().remove(0))),
        BodyKind::Steps(samples::entries()),
        BodyKind::Final(samples::ends().remove(0)),
    ];
    let listed = values(&rows[1][1]);
    let found = kinds.map(|kind| {
        let bytes = samples::body(kind.clone()).to_bytes();
        assert_eq!(bytes[..2], FORMAT_VERSION.to_le_bytes());
        (bytes[2], kind.name().to_owned())
    });
    assert_eq!(listed, found);
}

/// Bodies of every kind, taken apart as the tables say, to the last byte.
fn fields() {
    let page = page();
    for genesis in samples::geneses() {
        let fields = take_apart(&page, BodyKind::Genesis(Box::new(genesis.clone())));
        let expected: [(&str, &[u8]); 8] = [
            ("seed", &genesis.seed.to_le_bytes()),
            ("initial state root", &genesis.initial.root.0),
            (
                "commit interval",
                &genesis.schedule.commit_every.to_le_bytes(),
            ),
            (
                "checkpoint interval",
                &genesis.schedule.checkpoint_every.to_le_bytes(),
            ),
            ("digest of config.json", &genesis.config.0),
            ("threads", &genesis.environment.threads.to_le_bytes()),
            ("floor", &genesis.difficulty.floor.0.to_le_bytes()),
            (
                "the easiest target",
                &genesis.difficulty.final_bits.0.to_le_bytes(),
            ),
        ];
        for (start, expected) in expected {
            assert_eq!(fields.field(start), expected, "{start}");
        }
        let chosen = |start: &str| {
            let row = page.table("### Genesis", FIELDS);
            let cell = row
                .into_iter()
                .find(|row| row[1].starts_with(start))
                .unwrap();
            let found = fields.field(start)[0];
            let value = values(&cell[1]).into_iter().find(|value| value.0 == found);
            value.unwrap().1
        };
        assert_eq!(chosen("mode"), genesis.mode.name());
        let order = match genesis.order {
            OrderRule::Foreign => "foreign",
            OrderRule::Seeded { .. } => "seeded",
            OrderRule::Bound { .. } => "bound",
            _ => panic!("add the rule here and to the table"),
        };
        assert_eq!(chosen("order rule"), order);
        let policy = match genesis.difficulty.policy {
            Policy::Fixed(_) => "fixed",
            Policy::Asert(_) => "asert",
            _ => panic!("add the policy here and to the table"),
        };
        assert_eq!(chosen("[difficulty](#difficulty) policy"), policy);
    }
    take_apart(&page, BodyKind::Steps(samples::entries()));
    for end in samples::ends() {
        let fields = take_apart(&page, BodyKind::Final(end));
        assert_eq!(fields.field("steps"), end.steps.0.to_le_bytes());
        assert_eq!(fields.field("artifact root"), end.artifact.0);
        let cell = &page.table("### Final", FIELDS)[1][1];
        let found = (fields.field("ending")[0], end.ending.name().to_owned());
        assert!(values(cell).contains(&found), "{found:?}");
    }
}

/// The fields of a body of this kind, without its entries.
fn take_apart(page: &Page, kind: BodyKind) -> Layout {
    let entries = match &kind {
        BodyKind::Genesis(genesis) => genesis.extensions.len(),
        BodyKind::Steps(entries) => entries.len(),
        BodyKind::Final(_) => 0,
    };
    let heading = match &kind {
        BodyKind::Genesis(_) => "### Genesis",
        BodyKind::Steps(_) => "### Steps",
        BodyKind::Final(_) => "### Final",
    };
    let is_steps = matches!(kind, BodyKind::Steps(_));
    let body = samples::body(kind);
    let bytes = body.to_bytes();
    let mut rest = &bytes[..];
    let common = page.table("## Body", FIELDS);
    let [before @ .., _kind, count, _entries] = &common[..] else {
        panic!("the table of a body is too short");
    };
    let mut fields = Layout::default();
    fields.take(&before.to_vec(), &mut rest);
    // Steps bodies have no fields of their kind; the section's table is that of an entry.
    if !is_steps {
        fields.take(&page.table(heading, FIELDS), &mut rest);
    }
    fields.take(&vec![count.clone()], &mut rest);
    let found = fields.field("entry count");
    assert_eq!(found, (entries as u32).to_le_bytes());
    let entry = match heading {
        "### Genesis" => page.table(heading, EXTENSION),
        _ => page.table("### Steps", FIELDS),
    };
    for _ in 0..entries {
        let mut one = Layout::default();
        one.take(&entry, &mut rest);
        assert_eq!(one.count(), entry.len());
    }
    assert_eq!(rest, [0u8; 0], "{heading}: bytes are left");
    let common = body.common;
    assert_eq!(fields.field("height"), common.height.get().to_le_bytes());
    assert_eq!(fields.field("start"), common.start.0.to_le_bytes());
    assert_eq!(
        fields.field("parent found"),
        common.parent_found.0.to_le_bytes()
    );
    assert_eq!(fields.field("root of the [tree]"), common.previous_blocks.0);
    fields
}

/// The limits on lengths and counts, and that no value is listed too little or
/// too much.
fn limits() {
    let page = page();
    let said = |heading, words| page.number(heading, words);
    assert_eq!(said("## Body", "A body has at most "), MAX_BODY_LEN as u64);
    let entries = u64::from(MAX_ENTRIES);
    assert_eq!(said("### Genesis", "from 0 to "), entries);
    assert_eq!(said("### Steps", "from 1 to "), entries);
    for row in page.table("### Genesis", FIELDS) {
        if let Some((_, max)) = row[0].split_once("text(") {
            assert_eq!(number(max), Some(MAX_TEXT as u64), "{row:?}");
        }
    }
    let extension = page.table("### Genesis", EXTENSION);
    let max = extension[1][0].strip_prefix("bytes(").unwrap();
    assert_eq!(number(max), Some(MAX_EXTENSION as u64));

    // One more than the last value listed is refused. Each of these bytes is found by what
    // changes in it.
    let modes = [Mode::Pipelined, Mode::Gate].map(|mode| {
        let mut genesis = samples::geneses().remove(0);
        genesis.mode = mode;
        samples::body(BodyKind::Genesis(Box::new(genesis))).to_bytes()
    });
    let endings = [Ending::Completed, Ending::Stopped].map(|ending| {
        let mut end = samples::ends().remove(0);
        end.ending = ending;
        samples::body(BodyKind::Final(end)).to_bytes()
    });
    let cases = [
        (modes, "### Genesis", "mode"),
        (endings, "### Final", "ending"),
    ];
    for ([one, other], heading, start) in cases {
        let at = one.iter().zip(&other).position(|(a, b)| a != b).unwrap();
        let rows = page.table(heading, FIELDS);
        let row = rows.iter().find(|row| row[1].starts_with(start)).unwrap();
        let listed = values(&row[1]);
        let last = listed.last().unwrap().0;
        for found in 0..=u8::MAX {
            let mut bytes = one.clone();
            bytes[at] = found;
            assert_eq!(
                Body::from_bytes(&bytes).is_ok(),
                found <= last,
                "{start} {found}"
            );
        }
        assert_eq!(listed.len(), usize::from(last) + 1);
    }
}
