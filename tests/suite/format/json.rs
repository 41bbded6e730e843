//! Which JSON readers of version 1 accept in state.json and in the header of a
//! tensor file, and what writers write.

use pow_core::hash::StateRoot;
use pow_core::tensor::{DType, TensorInfo};
use pow_ledger::{CheckpointFiles, RunDir, Tensor, TensorFile, write_tensors};
use std::path::Path;
use tempfile::TempDir;

tests! {
    whitespace, numbers, texts, tensors_fill_the_data, writers_are_strict
}

/// Whether a tensor file with this header and four bytes of data is read.
fn reads_header(header: &[u8]) -> bool {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("model.safetensors");
    let len = (header.len() as u64).to_le_bytes();
    std::fs::write(&path, [&len, header, &[1, 2, 3, 4]].concat()).unwrap();
    TensorFile::open(&path).is_ok()
}

/// Whether a state.json with this text is read.
fn reads_state(text: &[u8]) -> bool {
    let dir = TempDir::new().unwrap();
    let files: CheckpointFiles = RunDir::new(dir.path()).checkpoint(StateRoot([0; 32]));
    std::fs::create_dir_all(files.dir()).unwrap();
    std::fs::write(files.state(), text).unwrap();
    files.state_file().is_ok()
}

const HEADER: &str = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;

const STATE: &str =
    r#"{"schema":"burn-pow/state/v1","step":1,"scheduler_steps":2,"seed_position":3,"cursor":4}"#;

/// Both documents with a change in each.
fn read(change: impl Fn(&str) -> Vec<u8>) -> [bool; 2] {
    [reads_header(&change(HEADER)), reads_state(&change(STATE))]
}

fn whitespace() {
    let around = |before: &str, after: &str| {
        read(|text| [before.as_bytes(), text.as_bytes(), after.as_bytes()].concat())
    };
    for blank in [" ", "\t", "\n", "\r", " \t\r\n"] {
        assert_eq!(around(blank, ""), [true; 2], "{blank:?} before");
        assert_eq!(around("", blank), [true; 2], "{blank:?} after");
        let inside = read(|text| text.replace(':', &format!("{blank}:{blank}")).into());
        // The schema's text has no colon.
        assert_eq!(inside, [true; 2], "{blank:?} inside");
    }
    for other in [
        "\0", "\u{b}", "\u{c}", "\u{a0}", "\u{feff}", "{}", ",", "null",
    ] {
        assert_eq!(around(other, ""), [false; 2], "{other:?} before");
        assert_eq!(around("", other), [false; 2], "{other:?} after");
    }
}

fn numbers() {
    // In place of the 4 that ends the tensor and of the cursor's.
    let put = |number: &str| {
        read(|text| {
            text.replace("4]", &format!("{number}]"))
                .replace("r\":4", &format!("r\":{number}"))
                .into()
        })
    };
    assert_eq!(put("4"), [true; 2]);
    for bad in [
        "-4",
        "-0",
        "+4",
        "04",
        "4.0",
        "4e0",
        "4E0",
        "0x4",
        "\"4\"",
        "true",
        "null",
        "[4]",
        "NaN",
        "18446744073709551616",
    ] {
        assert_eq!(put(bad), [false; 2], "{bad}");
    }
    // The largest number; no tensor reaches that far.
    assert_eq!(put("18446744073709551615"), [false, true]);
    assert_eq!(put("0"), [false, true]);
    let shape = |dims: &str| reads_header(HEADER.replace("[1]", dims).as_bytes());
    for good in ["[1]", "[1,1]", "[ 1 , 1 ]"] {
        assert!(shape(good), "{good}");
    }
    for bad in [
        "[-0,1]", "[1.0]", "[1e0]", "[01]", "1", "null", "{}", "[1,]", "[null]", "[2]",
    ] {
        assert!(!shape(bad), "{bad}");
    }
    let empty = |dims: &str| {
        let tensor = r#""e":{"dtype":"F32","shape":DIMS,"data_offsets":[0,0]},"#;
        let tensor = tensor.replace("DIMS", dims);
        reads_header(
            HEADER
                .replace("{\"w\"", &format!("{{{tensor}\"w\""))
                .as_bytes(),
        )
    };
    assert!(empty("[0]"));
    assert!(!empty("[-0]"));
    assert!(!empty("[18446744073709551616,0]"));
}

fn texts() {
    // A name of a tensor and a name of a field, written with an escape.
    let name = |name: &str| {
        let header = HEADER.replace("\"w\"", &format!("\"{name}\""));
        reads_header(header.as_bytes())
    };
    for good in [
        "w",
        "\\u0077",
        "\\ud83d\\ude00",
        "😀",
        "",
        "\\n",
        "\\u0000",
        "a/b",
    ] {
        assert!(name(good), "{good}");
    }
    for bad in [
        "\\ud83d",
        "\\ude00",
        "\\ude00\\ud83d",
        "\\ud83dx",
        "\\x",
        "\n",
        "\t",
        "\u{1}",
    ] {
        assert!(!name(bad), "{bad:?}");
    }
    let invalid = HEADER.as_bytes().to_vec();
    let at = invalid.iter().position(|byte| *byte == b'w').unwrap();
    let mut invalid = invalid;
    invalid[at] = 0xff;
    assert!(!reads_header(&invalid), "not UTF-8");

    let metadata = |value: &str| {
        let start = format!("{{\"__metadata__\":{value},");
        reads_header(HEADER.replacen('{', &start, 1).as_bytes())
    };
    for good in ["null", "{}", r#"{"a":"b"}"#, r#"{"a":"b","c":""}"#] {
        assert!(metadata(good), "{good}");
    }
    for bad in [
        "1",
        "[]",
        "\"\"",
        "true",
        r#"{"a":1}"#,
        r#"{"a":null}"#,
        r#"{"a":"b","a":"b"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"\udc00":"a"}"#,
    ] {
        assert!(!metadata(bad), "{bad}");
    }

    let field = |from: &str, to: &str| read(|text| text.replace(from, to).into());
    assert_eq!(field("\"dtype\"", "\"dtyp\\u0065\""), [true; 2]);
    assert_eq!(field("\"step\"", "\"\\u0073tep\""), [true; 2]);
    assert!(field("burn-pow/state", "burn\\u002dpow\\/state")[1]);
    assert!(!field("burn-pow/state", "burn-pow\\ud800/state")[1]);
    assert!(!field("state/v1", "state/v0")[1]);
    assert!(!field("\"cursor\":4", "\"cursor\":4,\"cursor\":4")[1]);
    assert!(!field("\"cursor\":4", "\"cursor\":4,\"curs\\u006fr\":4")[1]);
    assert!(!field("\"cursor\":4", "\"cursor\":4,\"more\":4")[1]);
    assert!(!field(",\"cursor\":4", "")[1]);
    assert!(!field("\"dtype\":\"F32\"", "\"dtype\":\"F32\",\"dtype\":\"F32\"")[0]);
    assert!(!field("\"dtype\":\"F32\",", "")[0]);
    let dtype = |text: &str| field("\"F32\"", text)[0];
    // Besides a text, an object of one field, which upstream's reader takes too.
    for good in [r#""\u004632""#, r#"{"F32":null}"#, r#"{"\u004632":null}"#] {
        assert!(dtype(good), "{good}");
    }
    for bad in [
        r#""f32""#,
        r#""F32 ""#,
        r#""C64""#,
        "7",
        "null",
        "{}",
        r#"["F32"]"#,
        r#"{"F32":0}"#,
        r#"{"F32":{}}"#,
        r#"{"F32":[]}"#,
        r#"{"F32":"F32"}"#,
        r#"{"F32":{"a":0}}"#,
        r#"{"F32":null,"F32":null}"#,
    ] {
        assert!(!dtype(bad), "{bad}");
    }
}

fn tensors_fill_the_data() {
    let two = |first: [u64; 2], second: [u64; 2]| {
        let tensor = |name: &str, [begin, end]: [u64; 2]| {
            let len = end.saturating_sub(begin);
            format!(r#""{name}":{{"dtype":"U8","shape":[{len}],"data_offsets":[{begin},{end}]}}"#)
        };
        let header = format!("{{{},{}}}", tensor("a", first), tensor("b", second));
        reads_header(header.as_bytes())
    };
    assert!(two([0, 1], [1, 4]));
    assert!(two([1, 4], [0, 1]), "in any order");
    assert!(two([0, 0], [0, 4]), "an empty one before");
    assert!(two([4, 4], [0, 4]), "an empty one after");
    assert!(!two([0, 1], [2, 4]), "a gap");
    assert!(!two([0, 2], [1, 4]), "an overlap");
    assert!(!two([0, 4], [0, 4]), "twice the same bytes");
    assert!(!two([0, 1], [1, 3]), "a byte left");
    assert!(!two([0, 1], [1, 5]), "past the end");
    assert!(!two([1, 2], [2, 4]), "not from the start");
    assert!(!two([2, 1], [0, 4]), "backwards");
    // An empty one inside another's bytes.
    assert!(!two([2, 2], [0, 4]));
}

fn writers_are_strict() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("model.safetensors");
    for len in 0..20 {
        let name = "n".repeat(len);
        write(&path, &name);
        let bytes = std::fs::read(&path).unwrap();
        let (header_len, rest) = bytes.split_first_chunk::<8>().unwrap();
        let header_len = u64::from_le_bytes(*header_len) as usize;
        let header = std::str::from_utf8(&rest[..header_len]).unwrap();
        assert!(header.starts_with('{'));
        assert_eq!((8 + header_len) % 8, 0, "{header:?}");
        let object = header.trim_end_matches(' ');
        assert!(object.ends_with('}'), "{header:?}");
        assert!(header.len() - object.len() < 8);
    }
}

fn write(path: &Path, name: &str) {
    let info = TensorInfo {
        path: name,
        dtype: DType::U8,
        dims: &[3],
    };
    write_tensors(
        path,
        &[Tensor {
            info,
            data: &[7; 3],
        }],
    )
    .unwrap();
}
