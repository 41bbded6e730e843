//! The tables of a chain file and a block in `docs/format.md` against the code:
//! versions, magics, lengths, limits, offsets and sizes.

use super::page::{Page, Rows, hex, number};
use pow_core::body::MAX_BODY_LEN;
use pow_core::coinbase::{Coinbase, ExtraNonce, Height};
use pow_core::draft::{DRAFT_TAG_PREFIX, DraftDType};
use pow_core::hash::{BlockHash, BodyCommitment, TxRoot};
use pow_core::header::{HEADER_LEN, Header, HeaderTime, Nonce, Version};
use pow_core::target::CompactTarget;
use pow_core::tensor::DType;
use pow_ledger::{
    Durability, FILE_FORMAT, FILE_HEADER_LEN, FILE_MAGIC, RECORD_HEADER_LEN, RECORD_MAGIC, RunDir,
};
use tempfile::TempDir;

tests! {
    file_header, record, header, coinbase, dtypes, draft_dtypes
}

fn page() -> Page {
    Page::read("format.md")
}

/// Offsets, sizes and words of a table with these three columns.
fn fields(rows: &Rows) -> Vec<(usize, usize, String)> {
    let fields = rows.iter().map(|row| {
        let [offset, size, field] = &row[..] else {
            panic!("expected offset, size and field, found {row:?}");
        };
        let number = |cell: &str| number(cell).unwrap() as usize;
        (number(offset), number(size), field.clone())
    });
    fields.collect()
}

/// Each field begins where the one before ends. Returns where the last one ends.
fn end_of(fields: &[(usize, usize, String)]) -> usize {
    fields.iter().fold(0, |at, (offset, size, field)| {
        assert_eq!(*offset, at, "{field}");
        offset + size
    })
}

/// The last word of a cell that names ASCII characters or a version.
fn last_word(field: &str) -> &str {
    field.split(' ').next_back().unwrap()
}

/// A chain file that a writer has made, with one record.
fn written(block: &[u8], body: &[u8]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let run = RunDir::new(dir.path().join("run"));
    let (_files, mut chain) = run.create(b"{}", Durability::Grouped).unwrap();
    chain.append(block, body).unwrap();
    std::fs::read(run.chain()).unwrap()
}

fn file_header() {
    let fields = fields(&page().table("## Chain file", "Offset | Size | File header"));
    let file = written(&[7; 80], &[8; 100]);
    assert_eq!(end_of(&fields), FILE_HEADER_LEN);
    let [magic, version, zero] = &fields[..] else {
        panic!("expected magic, version and zero, found {fields:?}");
    };
    assert_eq!(last_word(&magic.2).as_bytes(), FILE_MAGIC);
    assert_eq!(number(last_word(&version.2)), Some(FILE_FORMAT.into()));
    let bytes = |field: &(usize, usize, String)| &file[field.0..field.0 + field.1];
    assert_eq!(bytes(magic), FILE_MAGIC);
    assert_eq!(bytes(version), FILE_FORMAT.to_le_bytes());
    assert_eq!(zero.2, "zero");
    assert_eq!(bytes(zero), [0; 4]);
}

fn record() {
    let page = page();
    let rows = page.table("## Chain file", "Offset | Size | Record");
    // The block, the body and the checksum lie where the lengths say.
    let fields = fields(&rows[..4].to_vec());
    assert_eq!(end_of(&fields), RECORD_HEADER_LEN);
    assert_eq!(last_word(&fields[0].2).as_bytes(), RECORD_MAGIC);
    let limit = |field: &str| {
        let (_, rest) = field.split_once("at most ").unwrap();
        number(rest).unwrap() as usize
    };
    let (block_len, body_len) = (limit(&fields[1].2), limit(&fields[2].2));
    assert_eq!(block_len, pow_core::block::MAX_BLOCK_LEN);
    assert_eq!(body_len, MAX_BODY_LEN);
    let longest = page.number("## Chain file", "The longest record has ");
    let checksum = number(&rows[6][1]).unwrap() as usize;
    let expected = RECORD_HEADER_LEN + block_len + body_len + checksum;
    assert_eq!(longest as usize, expected);

    let (block, body) = ([7; 80], [8; 100]);
    let file = written(&block, &body);
    let record = &file[FILE_HEADER_LEN..];
    let at = |row: usize| &record[fields[row].0..fields[row].0 + fields[row].1];
    assert_eq!(at(0), RECORD_MAGIC);
    assert_eq!(at(1), 80u32.to_le_bytes());
    assert_eq!(at(2), 100u32.to_le_bytes());
    assert_eq!(at(3), crc32c::crc32c(&record[..12]).to_le_bytes());
    let offsets: Vec<&str> = rows[4..].iter().map(|row| &row[0][..]).collect();
    assert_eq!(offsets, ["16", "16 + *b*", "16 + *b* + *d*"]);
    assert_eq!(record[16..96], block);
    assert_eq!(record[96..196], body);
    assert_eq!(
        record[196..],
        crc32c::crc32c(&record[16..196]).to_le_bytes()
    );
    assert_eq!(checksum, 4);
    let known = page.number("## Chain file", "the ASCII digits `123456789` is ");
    assert_eq!(known, u64::from(crc32c::crc32c(b"123456789")));
}

fn header() {
    let page = page();
    let fields = fields(&page.table("### Header", "Offset | Size | Field"));
    assert_eq!(end_of(&fields), HEADER_LEN);
    let header = Header {
        version: Version(0x0102_0304),
        prev: BlockHash([0xb1; 32]),
        tx_root: TxRoot([0xb2; 32]),
        time: HeaderTime(0x1112_1314),
        bits: CompactTarget(0x2122_2324),
        nonce: Nonce(0x3132_3334),
    };
    let bytes = header.to_bytes();
    let expected: [(&str, &[u8]); 6] = [
        ("u32 version", &header.version.0.to_le_bytes()),
        ("hash of the previous block", &header.prev.0),
        ("transaction root", &header.tx_root.0),
        ("u32 time", &header.time.0.to_le_bytes()),
        ("u32 target", &header.bits.0.to_le_bytes()),
        ("u32 nonce", &header.nonce.0.to_le_bytes()),
    ];
    for ((offset, size, field), (start, expected)) in fields.iter().zip(expected) {
        assert!(field.starts_with(start), "{field}");
        assert_eq!(&bytes[*offset..offset + size], expected, "{field}");
    }
    let version = |words| page.number("### Header", words);
    assert_eq!(version("`v & "), u64::from(Version::MASK));
    assert_eq!(version(" == "), u64::from(Version::BASE.0));
    assert_eq!(version("Our own blocks have "), u64::from(Version::BASE.0));
}

/// The table's bytes in order, with the height's push, the extranonce and the
/// commitment in their places, are the coinbase.
fn coinbase() {
    let page = page();
    let rows = page.table("### Coinbase", "Size | Bytes | Field");
    let listed = [(17, "01 11"), (128, "02 80 00"), (32_768, "03 00 80 00")];
    let text = page.section("### Coinbase");
    for height in [
        0,
        1,
        16,
        17,
        127,
        128,
        32_767,
        32_768,
        1 << 23,
        (1 << 31) - 1,
    ] {
        let coinbase = Coinbase {
            height: Height::new(height).unwrap(),
            extranonce: ExtraNonce([0xc1; 12]),
            commitment: BodyCommitment([0xc2; 32]),
        };
        let bytes = coinbase.to_bytes();
        let script_len = usize::from(bytes[41]);
        let push = &bytes[42..42 + script_len - 13];
        if let Some((_, digits)) = listed.iter().find(|listed| listed.0 == height) {
            assert_eq!(hex(&digits.replace(' ', "")).unwrap(), push);
            assert!(text.contains(&format!("`{digits}`")), "{height}");
        }
        let mut expected = Vec::new();
        for row in &rows {
            let [size, digits, field] = &row[..] else {
                panic!("expected size, bytes and field, found {row:?}");
            };
            let before = expected.len();
            match (&digits[..], &field[..]) {
                ("*n*", _) => expected.push(script_len as u8),
                ("00…00", _) => expected.resize(before + number(size).unwrap() as usize, 0),
                ("", field) if field.starts_with("push of the height") => expected.extend(push),
                ("", field) if field.starts_with("the extranonce") => {
                    expected.extend(coinbase.extranonce.0);
                }
                ("", field) if field.contains("body commitment") => {
                    expected.extend(coinbase.commitment.0);
                }
                (digits, field) => {
                    let fixed = hex(digits).unwrap_or_else(|| panic!("{field}: {digits}"));
                    expected.extend(fixed);
                }
            }
            let added = expected.len() - before;
            let size = match &size[..] {
                "*n* − 13" => script_len - 13,
                size => number(size).unwrap() as usize,
            };
            assert_eq!(added, size, "{field}");
        }
        assert_eq!(expected, bytes, "height {height}");
    }
    let lens = [0, (1 << 31) - 1].map(|height| {
        let coinbase = Coinbase {
            height: Height::new(height).unwrap(),
            extranonce: ExtraNonce::default(),
            commitment: BodyCommitment([0; 32]),
        };
        coinbase.to_bytes().len() as u64
    });
    let header = HEADER_LEN as u64 + 1;
    let words = |words| page.number("## Block", words);
    assert_eq!(words("A block has "), header + lens[0]);
    assert_eq!(words("A block has 189 to "), header + lens[1]);
    let script = |words| page.number("### Coinbase", words);
    assert_eq!(script("length of the script that follows, "), lens[0] - 94);
    assert_eq!(
        script("length of the script that follows, 14 to "),
        lens[1] - 94
    );
    let below = script("Heights are below ");
    assert!(Height::new((below - 1) as u32).is_ok());
    assert!(Height::new(below as u32).is_err());
}

/// Names and sizes of element types.
fn sizes(rows: &Rows) -> Vec<(String, u64)> {
    let listed = rows.iter().flat_map(|row| {
        let size = number(&row[1]).unwrap();
        row[0].split(' ').map(move |name| (name.to_owned(), size))
    });
    listed.collect()
}

/// The types and the tags of the draft, which are on no other page.
fn draft_dtypes() {
    let page = page();
    let heading = "## Draft of version 2";
    let rows = page.table(heading, "dtype of the draft | Element size in bits");
    let mut listed = sizes(&rows);
    let mut known: Vec<(String, u64)> = DraftDType::ALL
        .iter()
        .map(|dtype| (dtype.name().to_owned(), dtype.bits()))
        .collect();
    listed.sort();
    known.sort();
    assert_eq!(listed, known);
    let prefix = format!("SHA256(\"{DRAFT_TAG_PREFIX}\" ‖ name)");
    assert!(page.section(heading).contains(&prefix));
}

fn dtypes() {
    let rows = page().table("## Tensors and states", "dtype | Element size");
    let mut listed = sizes(&rows);
    let mut known: Vec<(String, u64)> = DType::ALL
        .iter()
        .map(|dtype| (dtype.name().to_owned(), dtype.size()))
        .collect();
    listed.sort();
    known.sort();
    assert_eq!(listed, known);
}
