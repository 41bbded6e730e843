//! `pow fingerprint` and `pow diff`.

use crate::program::{Outcome, pow, verify};
use pow_core::tensor::DType;
use pow_ledger::published::INDEX_FILE;
use pow_ledger::{TensorFile, write_tensors};
use pow_tests::fixture::Fixture;
use pow_tests::model::{OwnedTensor, SHAPES, borrowed, parameters, tensor_file};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The model of the fixture after so many steps.
fn model(step: u64) -> Vec<OwnedTensor> {
    parameters(SHAPES, 7, step)
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Place(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, tensors: &[OwnedTensor]) -> String {
        let path = self.path(name);
        write_tensors(&path, &borrowed(tensors)).unwrap();
        text(&path)
    }

    /// Two files and their index.
    fn shards(&self, tensors: &[OwnedTensor]) -> String {
        let (first, second) = tensors.split_at(2);
        self.write("1.safetensors", first);
        self.write("2.safetensors", second);
        let map = |tensors: &[OwnedTensor], file: &str| -> serde_json::Map<String, Value> {
            let tensors = tensors.iter();
            tensors
                .map(|tensor| (tensor.path.clone(), file.into()))
                .collect()
        };
        let mut all = map(first, "1.safetensors");
        all.extend(map(second, "2.safetensors"));
        let index = serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": all });
        std::fs::write(self.path(INDEX_FILE), index.to_string()).unwrap();
        text(self.0.path())
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn root(model: &str) -> String {
    let report = pow(&["fingerprint", model, "--json"]).json();
    assert_eq!(report["schema"], "burn-pow/fingerprint/v0");
    assert_eq!(report["format"], "v1");
    report["root"].as_str().unwrap().to_owned()
}

fn through_stdin(bytes: &[u8], more: &[&str]) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pow"))
        .args(["fingerprint", "-"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A reader that has seen enough ends.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    Outcome::of(child.wait_with_output().unwrap())
}

#[test]
fn the_root_of_a_run_s_artifact_is_the_one_that_verify_names() {
    let fixture = Fixture::default();
    let artifact = fixture.run.artifact();
    let root = root(&text(&artifact));
    let words = format!("model.safetensors is the model of step 6 ({root})");
    verify(fixture.run.path(), &[]).expect(0, &[&words]);
    let printed = pow(&["fingerprint", &text(fixture.run.path())]);
    printed.expect(0, &[&format!("root       {root}\n"), "6 tensors ("]);
}

#[test]
fn one_model_has_one_root_however_it_is_given() {
    let (place, shards) = (Place::new(), Place::new());
    let file = place.write("model.safetensors", &model(2));
    let expected = TensorFile::open(Path::new(&file)).unwrap().root().unwrap();
    let directory = shards.shards(&model(2));
    let index = text(&shards.path(INDEX_FILE));
    for given in [&file, &text(place.0.path()), &directory, &index] {
        assert_eq!(root(given), expected.to_string(), "{given}");
    }
    let bytes = std::fs::read(&file).unwrap();
    let piped = through_stdin(&bytes, &["--json"]).json();
    assert_eq!(piped["root"], expected.to_string());
    assert_eq!(piped["model"], "stdin");
}

#[test]
fn tensors_have_their_roots() {
    let place = Place::new();
    let file = place.write("m.safetensors", &model(2));
    let report = pow(&["fingerprint", &file, "--tensors", "--json"]).json();
    let roots = report["tensor_roots"].as_array().unwrap();
    let mut tensors = model(2);
    tensors.sort_by(|a, b| a.path.cmp(&b.path));
    let printed = pow(&["fingerprint", &file, "--tensors"]);
    for (found, tensor) in roots.iter().zip(&tensors) {
        let leaf = pow_core::tensor::tensor_leaf(&tensor.info(), &tensor.data).unwrap();
        let leaf = pow_audit::hex::to_hex(&leaf);
        assert_eq!(found["path"], tensor.path);
        assert_eq!(found["leaf"], leaf);
        let data = pow_core::tensor::data_root(&tensor.data);
        assert_eq!(found["data"], data.to_string());
        let line = format!(
            "{leaf}  {} {:?}  {}\n",
            tensor.dtype.name(),
            tensor.dims,
            tensor.path
        );
        printed.expect(0, &[&line]);
    }
    assert_eq!(roots.len(), tensors.len());
    assert!(report.get("in").is_none());
}

const F8: &str = r#"{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}"#;

/// A root of the draft says so, and is no checkpoint's, also if one is made of it.
#[test]
fn a_type_that_version_1_does_not_have_gives_a_draft_root() {
    let place = Place::new();
    let file = place.path("f8.safetensors");
    std::fs::write(&file, tensor_file(F8, &[1, 2, 3])).unwrap();
    let printed = pow(&["fingerprint", &text(&file), "--tensors"]);
    printed.expect(
        0,
        &[
            "root       v2-draft:",
            "A DRAFT of format v2",
            "\nv2-draft:",
        ],
    );
    let report = pow(&["fingerprint", &text(&file), "--json", "--tensors"]).json();
    assert_eq!(report["format"], "v2-draft");
    assert!(report["root"].as_str().unwrap().starts_with("v2-draft:"));
    let formats = report["tensor_roots"].as_array().unwrap().iter();
    let formats: Vec<&Value> = formats.map(|tensor| &tensor["format"]).collect();
    assert_eq!(formats, ["v2-draft", "v1"]);

    let fixture = Fixture::default();
    std::fs::copy(&file, fixture.run.artifact()).unwrap();
    let words = "element type \"F8_E4M3\" has no commitment";
    verify(fixture.run.path(), &[]).expect(1, &["DOES NOT HOLD (artifact)", words]);
    let run = text(fixture.run.path());
    let missed = pow(&["fingerprint", &text(&file), "--in", &run]);
    missed.expect(1, &["NOT FOUND"]);
}

#[test]
fn the_step_with_these_tensors_is_named() {
    let fixture = Fixture::default();
    let (place, run) = (Place::new(), text(fixture.run.path()));
    // Step 4 has no checkpoint: the chain alone is enough.
    for (step, height) in [(0, 1), (2, 2), (4, 4), (6, 5)] {
        let file = place.write(&format!("{step}.safetensors"), &model(step));
        for run in [&run, &text(&fixture.run.chain())] {
            let found = pow(&["fingerprint", &file, "--in", run]);
            let words = format!("  step {step}, in block {height} (");
            found.expect(0, &["\nFOUND in ", &words, &fixture.genesis.to_string()]);
        }
        let report = pow(&["fingerprint", &file, "--in", &run, "--json"]).json();
        let found = &report["in"]["found"];
        assert_eq!(found["last"]["step"], step);
        assert_eq!(found["last"]["height"], height);
        assert_eq!(found["steps"], 1);
        assert_eq!(report["in"]["genesis"], fixture.genesis.to_string());
    }
}

/// A fine-tuned model: most tensors are those of a checkpoint, one is of another, one is new
/// and one is missing.
#[test]
fn tensors_are_matched_alone() {
    let fixture = Fixture::default();
    let (place, run) = (Place::new(), text(fixture.run.path()));
    let mut tuned = model(3);
    let at = |path: &str| SHAPES.iter().position(|shape| shape.0 == path).unwrap();
    tuned[at("conv.weight")].dims = vec![24];
    tuned[at("conv.bias")] = model(0)[at("conv.bias")].clone();
    tuned.remove(at("norm.count"));
    tuned.push(OwnedTensor {
        path: "head".into(),
        dtype: DType::F32,
        dims: vec![1],
        data: vec![0; 4],
    });
    let file = place.write("tuned.safetensors", &tuned);
    let found = pow(&["fingerprint", &file, "--in", &run]);
    let words = [
        "NOT FOUND in ",
        "none of 7 entries has exactly these tensors",
        "nearest: step 3, in block 3 (",
        "of 6 tensors, 3 equal, 0 converted, 3 not",
        "conv.weight: other dims\n",
        "conv.bias: other values; equal at step 0\n",
        "head: not in the run\n",
        "norm.count: only in the run\n",
    ];
    found.expect(1, &words);
    let report = pow(&["fingerprint", &file, "--in", &run, "--json"]);
    assert_eq!(report.code, Some(1));
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["in"]["found"], Value::Null);
    assert_eq!(report["in"]["compared"], 3);
    let nearest = &report["in"]["nearest"];
    assert_eq!(nearest["step"], 3);
    let tensors = nearest["tensors"].as_array().unwrap();
    let of = |path: &str| {
        tensors
            .iter()
            .find(|tensor| tensor["path"] == path)
            .unwrap()
    };
    assert_eq!(of("conv.bias")["equal_at_step"], 0);
    assert_eq!(of("embedding.weight")["standing"], "equal");
    assert_eq!(of("embedding.weight")["equal_at_step"], Value::Null);
    // The chain file alone has no tensors to compare.
    let chain = text(&fixture.run.chain());
    let alone = pow(&["fingerprint", &file, "--in", &chain]);
    alone.expect(1, &["NOT FOUND", "0 files of parameters were compared"]);
}

/// Each F32 of the model as bfloat16, rounded by cutting: the values are made so that this
/// is exact.
#[test]
fn a_rounded_model_is_recognised() {
    let fixture = Fixture::default();
    let (place, run) = (Place::new(), text(fixture.run.path()));
    let mut rounded = model(6);
    for tensor in &mut rounded {
        if tensor.dtype == DType::F32 {
            let (elements, _) = tensor.data.as_chunks::<4>();
            let halves = elements.iter().flat_map(|element| {
                half::bf16::from_f32(f32::from_le_bytes(*element)).to_le_bytes()
            });
            tensor.data = halves.collect();
            tensor.dtype = DType::Bf16;
        }
    }
    let file = place.write("rounded.safetensors", &rounded);
    let words = [
        "nearest: step 6, in block 5 (",
        "of 6 tensors, 3 equal, 3 converted, 0 not",
        "conv.weight: converted from F32 to BF16\n",
    ];
    pow(&["fingerprint", &file, "--in", &run]).expect(1, &words);
    rounded[0].data[0] ^= 1;
    let file = place.write("changed.safetensors", &rounded);
    let words = ["conv.weight: BF16 in place of F32, and no conversion\n"];
    pow(&["fingerprint", &file, "--in", &run]).expect(1, &words);
}

/// What the trainer puts beside the chain counts only if the chain commits to it.
#[test]
fn a_checkpoint_that_the_chain_does_not_commit_to_is_not_compared() {
    let fixture = Fixture::default();
    let (place, run) = (Place::new(), text(fixture.run.path()));
    let mut forged = model(6);
    forged[0].data[0] ^= 1;
    let file = place.write("forged.safetensors", &forged);
    for entry in std::fs::read_dir(fixture.run.checkpoints()).unwrap() {
        let checkpoint = entry.unwrap().path().join("model.safetensors");
        std::fs::copy(&file, checkpoint).unwrap();
    }
    let found = pow(&["fingerprint", &file, "--in", &run]);
    let words = ["0 files of parameters were compared", "but the chain says"];
    found.expect(1, &words);
    assert!(!found.stdout.contains("nearest"), "{}", found.stdout);
}

/// A step of a chain that breaks later is named, and the chain does not hold.
#[test]
fn a_broken_chain_is_no_success() {
    let fixture = Fixture::default();
    let (place, run) = (Place::new(), text(fixture.run.path()));
    let file = place.write("m.safetensors", &model(2));
    let mut chain = fixture.file();
    chain.records[4].body[60] ^= 1;
    fixture.write(chain.to_bytes());
    let words = [
        "FOUND in ",
        "step 2, in block 2",
        "the chain DOES NOT HOLD: ",
    ];
    pow(&["fingerprint", &file, "--in", &run]).expect(1, &words);
}

fn one(shape: &str, offsets: &str) -> String {
    format!(r#"{{"a":{{"dtype":"U8","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

#[test]
fn each_malformed_file_has_its_error() {
    let place = Place::new();
    let two = |first: &str, second: &str| {
        let tensor = |offsets| format!(r#"{{"dtype":"U8","shape":[2],"data_offsets":{offsets}}}"#);
        format!(r#"{{"a":{},"b":{}}}"#, tensor(first), tensor(second))
    };
    let huge = [&100_000_001u64.to_le_bytes()[..], &[b' '; 100]].concat();
    let f4 = one("[3]", "[0,1]").replace("U8", "F4");
    let twice = two("[0,2]", "[2,4]").replace("\"b\"", "\"a\"");
    #[rustfmt::skip]
    let cases: [(&str, Vec<u8>, &str); 11] = [
        ("overlap", tensor_file(&two("[0,2]", "[1,3]"), &[0; 3]), "tensor b begins at byte 1 of the data, but the one before it ends at byte 2"),
        ("hole", tensor_file(&two("[0,2]", "[3,5]"), &[0; 5]), "tensor b begins at byte 3 of the data, but the one before it ends at byte 2"),
        ("duplicate", tensor_file(&twice, &[0; 4]), "two values have the name \"a\""),
        ("huge header", huge, "header of 100000001 bytes"),
        ("wrong length", tensor_file(&one("[3]", "[0,2]"), &[0; 2]), "bytes 0 to 2, but its shape and dtype need 3 bytes"),
        ("too short", tensor_file(&one("[3]", "[0,3]"), &[0; 2]), "byte 3, but there are 2 bytes of data"),
        ("too long", tensor_file(&one("[3]", "[0,3]"), &[0; 4]), "end at byte 3, but there are 4 bytes of data"),
        ("unknown type", tensor_file(&one("[3]", "[0,3]").replace("U8", "F2"), &[0; 3]), "element type \"F2\" has no commitment"),
        ("a part of a byte", tensor_file(&f4, &[0; 1]), "need 2^64 or more, or a part of a byte"),
        ("no header", vec![1, 2, 3], "too short to hold the length of its header"),
        ("not JSON", tensor_file("weights", &[]), "expected value"),
    ];
    for (case, bytes, words) in cases {
        let path = place.path("bad.safetensors");
        std::fs::write(&path, &bytes).unwrap();
        let outcome = pow(&["fingerprint", &text(&path)]);
        outcome.expect(1, &["pow: ", "bad.safetensors: ", words]);
        assert_eq!(outcome.stdout, "", "{case}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{case}");
        // Through a pipe, where the length of the file is not known.
        let piped = through_stdin(&bytes, &[]);
        let words = match case {
            "huge header" => "header of 100000001 bytes, but at most 100000000 are allowed",
            "too short" => "the file was cut within tensor a",
            "too long" => "bytes follow the last tensor",
            _ => words,
        };
        piped.expect(1, &["pow: stdin: ", words]);
        assert_eq!(piped.stdout, "", "{case}");
        pow(&["diff", &text(&path), &text(&path)]).expect(1, &["bad.safetensors: "]);
    }
}

/// The index of a good model, changed.
fn with_index(edit: impl Fn(&str) -> String) -> Outcome {
    let place = Place::new();
    let directory = place.shards(&model(2));
    pow(&["fingerprint", &directory]).expect(0, &[]);
    let index = place.path(INDEX_FILE);
    let good = std::fs::read_to_string(&index).unwrap();
    std::fs::write(&index, edit(&good)).unwrap();
    pow(&["fingerprint", &directory])
}

#[test]
fn each_malformed_index_has_its_error() {
    type Edit = fn(&str) -> String;
    let cases: [(Edit, &str); 7] = [
        (|_| "[]".into(), "not an index of tensor files"),
        (
            |good| good.replace("2.safetensors", "3.safetensors"),
            "it names 3.safetensors, which is not there",
        ),
        (
            |good| good.replace("2.safetensors", "../2.safetensors"),
            "\"../2.safetensors\", but only the plain name of a file",
        ),
        (
            |good| good.replace("2.safetensors", "/etc/hostname"),
            "\"/etc/hostname\", but only the plain name of a file",
        ),
        (
            |good| good.replace("\"unused\":", "\"used\":"),
            "2.safetensors has tensor unused, which it does not name",
        ),
        (
            |good| good.replace("\"unused\":", "\"more\":\"2.safetensors\",\"unused\":"),
            "it puts tensor more into 2.safetensors, which has no such tensor",
        ),
        (
            |good| good.replace("\"unused\":", "\"norm.mask\":"),
            "two values have the name \"norm.mask\"",
        ),
    ];
    for (edit, words) in cases {
        let outcome = with_index(edit);
        outcome.expect(1, &["pow: ", "model.safetensors.index.json: ", words]);
        assert_eq!(outcome.stdout, "");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_only_where_it_was_named() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let directory = place.shards(&model(2));
    let (shard, other) = (place.path("2.safetensors"), place.path("elsewhere"));
    std::fs::rename(&shard, &other).unwrap();
    symlink(&other, &shard).unwrap();
    let words = "2.safetensors: not a regular file: it is a symbolic link";
    pow(&["fingerprint", &directory]).expect(1, &[words]);
    // Whoever names the link itself wants what it points to.
    pow(&["fingerprint", &text(&shard)]).expect(0, &[]);
}

#[test]
fn what_is_not_there_is_exit_code_2() {
    let place = Place::new();
    let nothing = text(&place.path("nothing"));
    let empty = text(place.0.path());
    let file = place.write("m.safetensors", &model(0));
    for words in [
        &["fingerprint", &nothing][..],
        &["fingerprint", &empty],
        &["fingerprint", &file, "--in", &nothing],
        &["diff", &file, &nothing],
        &["diff", &empty, &file],
    ] {
        let outcome = pow(words);
        outcome.expect(2, &["pow: "]);
        assert_eq!(outcome.stdout, "", "{words:?}");
    }
    place.shards(&model(0));
    place.write("model.safetensors", &model(0));
    pow(&["fingerprint", &empty]).expect(2, &["name one of them"]);
}

#[test]
fn differences_are_named_with_their_size() {
    let place = Place::new();
    let float = |path: &str, values: [f32; 2]| OwnedTensor {
        path: path.into(),
        dtype: DType::F32,
        dims: vec![2],
        data: values.map(f32::to_le_bytes).as_flattened().to_vec(),
    };
    let [same, moved, old, new] = [
        float("same", [1.0, 2.0]),
        float("w", [3.0, 4.0]),
        float("old", [0.0, 0.0]),
        float("new", [0.0, 0.0]),
    ];
    let a = place.write("a.safetensors", &[same.clone(), moved, old]);
    let b = place.write("b.safetensors", &[same, float("w", [6.0, 8.0]), new]);
    pow(&["diff", &a, &a]).expect(0, &["EQUAL: 3 tensors"]);
    let words = [
        "DIFFERENT: 1 of 4 tensors are equal",
        "  new: only in B\n",
        "  old: only in A\n",
        "  w: F32 2 of 2 differ, by up to 4.000e0; distance 5.000e0, 1.000e0 of A's length\n",
    ];
    pow(&["diff", &a, &b]).expect(1, &words);
    let report = pow(&["diff", &a, &b, "--json"]);
    assert_eq!(report.code, Some(1));
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["schema"], "burn-pow/diff/v0");
    assert_eq!(report["equal"], 1);
    let w = report["different"].as_array().unwrap().last().unwrap();
    assert_eq!((&w["path"], &w["distance"]), (&"w".into(), &5.0.into()));
    // A directory of shards has the same tensors as one file.
    let shards = Place::new();
    let (directory, file) = (shards.shards(&model(3)), place.write("c", &model(3)));
    pow(&["diff", &directory, &file]).expect(0, &["EQUAL: 6 tensors"]);
}
