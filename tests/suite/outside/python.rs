//! Parameter roots recomputed by `scripts/param_root.py`.

use crate::python::{printed_by, printed_by_code, script, scripts};
use pow_core::chain::ChainVerifier;
use pow_core::tensor::DType;
use pow_ledger::{TensorFile, write_tensors};
use pow_tests::fixture::Fixture;
use pow_tests::model::{DTYPES, OwnedTensor, borrowed, mix, tensor_file};
use pow_tests::properties::{lay_out, root_of, seeds};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

tests! {
    Python: the_artifact_s_root_is_the_final_block_s, every_kind_of_tensor_has_our_root,
        the_order_in_the_file_does_not_count, a_dtype_may_be_an_object,
        a_malformed_file_is_refused,
        the_fuzzer_s_files_are_judged_alike, published_models_are_judged_alike
}

fn script_root(file: &Path) -> String {
    printed_by("param_root.py", &[file]).trim().to_owned()
}

fn our_root(file: &Path) -> String {
    TensorFile::open(file).unwrap().root().unwrap().to_string()
}

fn the_artifact_s_root_is_the_final_block_s() {
    let fixture = Fixture::default();
    let mut verifier = ChainVerifier::new(None);
    for record in fixture.file().records {
        verifier.push(&record.block, &record.body).unwrap();
    }
    let end = verifier.chain().unwrap().end().copied().unwrap();
    assert_eq!(
        script_root(&fixture.run.artifact()),
        end.artifact.to_string()
    );
}

fn tensor(path: &str, dtype: DType, dims: &[u64]) -> OwnedTensor {
    let len = dims.iter().product::<u64>() * dtype.size();
    OwnedTensor {
        path: path.into(),
        dtype,
        dims: dims.into(),
        data: (0..len).map(|i| (mix(i) >> 8) as u8 & 1).collect(),
    }
}

#[rustfmt::skip]
const PATHS: [&str; 10] =
    ["a", "Z", "a.b", "a-b", "é", "日本", "\u{ff5e}", "𝛼", "\"\\\n\u{1}", ""];

fn every_kind_of_tensor_has_our_root() {
    let dir = TempDir::new().unwrap();
    let of_dtype = DTYPES.map(|dtype| tensor(dtype.name(), dtype, &[3, 5]));
    let models: Vec<Vec<OwnedTensor>> = vec![
        vec![],
        of_dtype.to_vec(),
        vec![tensor("rank 0", DType::F32, &[])],
        vec![
            tensor("empty", DType::F64, &[0]),
            tensor("also", DType::U8, &[4, 0, 2]),
        ],
        // Just below, at and past one chunk; 3, 5 and 7 chunks.
        [4095, 4096, 4097, 12_288, 16_385, 28_672]
            .map(|len| tensor(&format!("{len}"), DType::U8, &[len]))
            .to_vec(),
        // Sorted by bytes: 'Z' before 'a' before two- to four-byte characters.
        PATHS.map(|path| tensor(path, DType::I16, &[2])).to_vec(),
    ];
    for (i, model) in models.iter().enumerate() {
        let file = dir.path().join(format!("{i}.safetensors"));
        write_tensors(&file, &borrowed(model)).unwrap();
        assert_eq!(script_root(&file), our_root(&file), "model {i}");
    }
}

fn the_order_in_the_file_does_not_count() {
    let dir = TempDir::new().unwrap();
    let write = |name, header, data| {
        let file = dir.path().join(name);
        std::fs::write(&file, tensor_file(header, data)).unwrap();
        assert_eq!(script_root(&file), our_root(&file));
        script_root(&file)
    };
    let in_order = r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}"#;
    let turned = r#"{"__metadata__":{"format":"pt"},"b":{"shape":[1],"dtype":"U8","data_offsets":[0,1]},  "a":{"dtype":"U8","data_offsets":[1,3],"shape":[2]}}    "#;
    let sorted = write("sorted", in_order, &[1, 2, 3]);
    let unsorted = write("unsorted", turned, &[3, 1, 2]);
    let other = write("other", in_order, &[3, 1, 2]);
    assert_eq!(sorted, unsorted);
    assert_ne!(sorted, other);
}

/// Version 1 is frozen with two forms of a dtype.
fn a_dtype_may_be_an_object() {
    let dir = TempDir::new().unwrap();
    let root = |dtype: &str| {
        let file = dir.path().join("model.safetensors");
        let header = format!(r#"{{"a":{{"dtype":{dtype},"shape":[2],"data_offsets":[0,2]}}}}"#);
        std::fs::write(&file, tensor_file(&header, &[1, 2])).unwrap();
        let ours = TensorFile::open(&file).and_then(|mut file| file.root());
        let script = script("param_root.py", &[&file]);
        let theirs = String::from_utf8(script.stdout).unwrap();
        match ours {
            Ok(root) => assert_eq!(theirs.trim(), root.to_string(), "{dtype}"),
            Err(_) => assert_eq!(
                (&theirs[..], script.status.code()),
                ("", Some(2)),
                "{dtype}"
            ),
        }
        theirs
    };
    assert_ne!(root(r#""U8""#), "");
    assert_eq!(root(r#"{"U8":null}"#), root(r#""U8""#));
    for bad in [
        r#"{"U8":0}"#,
        r#"{"U8":"U8"}"#,
        r#"{"u8":null}"#,
        r#"{}"#,
        r#"{"U8":null,"I8":null}"#,
        r#"{"U8":null,"U8":null}"#,
        r#"[null]"#,
        "null",
    ] {
        assert_eq!(root(bad), "", "{bad}");
    }
}

fn a_malformed_file_is_refused() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("bad.safetensors");
    let info = |shape, offsets| {
        format!(r#"{{"a":{{"dtype":"U8","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let good = info("[3]", "[0,3]");
    #[rustfmt::skip]
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "too short"),
        (vec![0; 7], "too short"),
        (u64::MAX.to_le_bytes().into(), "does not fit"),
        (tensor_file(&good, &[1, 2, 3])[..20].into(), "does not fit"),
        (tensor_file("{\"a\":", &[]), "not JSON"),
        (tensor_file("[]", &[]), "not a JSON object"),
        (tensor_file(&good, &[1, 2]), "end at byte 3"),
        (tensor_file(&good, &[1, 2, 3, 4]), "end at byte 3"),
        (
            tensor_file(&info("[2]", "[0,3]"), &[1, 2, 3]),
            "needs 2 bytes",
        ),
        (tensor_file(&info("[18446744073709551615,2,0]", "[0,0]"), &[]), "2^64 bytes or more"),
        (tensor_file(r#"{"__metadata__":{"a":1}}"#, &[]), "no object of texts"),
        (tensor_file(&info("[3]", "[1,4]"), &[1, 2, 3, 4]), "begins at byte 1"),
        (tensor_file(&info("[3]", "[3,0]"), &[1, 2, 3]), "needs 3 bytes"),
        (tensor_file(&info("[-3]", "[0,3]"), &[1, 2, 3]), "no list of counts"),
        (tensor_file(&info("[3]", "[-0,3]"), &[1, 2, 3]), "no list of counts"),
        (tensor_file(r#"{"__metadata__":[]}"#, &[]), "no object of texts"),
        (tensor_file(r#"{"__metadata__":{"a":"\udfff"}}"#, &[]), "no object of texts"),
        (tensor_file(r#"{"__metadata__":{"a":"","a":""}}"#, &[]), "two keys 'a'"),
        (tensor_file(&good.replace("U8", "F8"), &[1, 2, 3]), "no commitment"),
        (tensor_file(&duplicate(), &[1, 2, 3]), "two keys 'a'"),
        (tensor_file(&good.replace("\"a\"", r#""\ud800""#), &[1, 2, 3]), "not Unicode"),
    ];
    for (bytes, reason) in cases {
        std::fs::write(&file, &bytes).unwrap();
        let output = script("param_root.py", &[&file]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{reason}: {stderr}");
        assert!(stderr.contains(reason), "{reason}: {stderr}");
        assert!(stderr.contains("bad.safetensors"), "{stderr}");
        assert!(!stderr.contains("Traceback"), "{stderr}");
        assert!(output.stdout.is_empty());
        // We refuse what the script refuses.
        assert!(TensorFile::open(&file).is_err(), "{reason}");
    }
    let missing = script("param_root.py", &[dir.path().join("none.safetensors")]);
    assert_eq!(missing.status.code(), Some(2));
}

/// Every file of the fuzzer's corpus, in one process of Python's.
fn the_fuzzer_s_files_are_judged_alike() {
    const ROOTS: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import param_root
for path in sys.argv[2:]:
    try:
        with open(path, 'rb') as file:
            print(param_root.parameter_root(param_root.read_tensors(file.read())).hex())
    except param_root.Malformed:
        print('malformed')
";
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/tensors");
    let files = std::fs::read_dir(corpus).unwrap();
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    let mut arguments = vec![scripts()];
    arguments.extend(files.clone());
    let theirs = printed_by_code(ROOTS, &arguments);
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(theirs.len(), files.len());
    for (file, theirs) in files.iter().zip(theirs) {
        let ours = TensorFile::open(file).and_then(|mut file| file.root());
        let ours = ours.map_or("malformed".into(), |root| root.to_string());
        assert_eq!(ours, theirs, "{}", file.display());
    }
}

/// Every published model among the fuzzer's inputs and seeds, in one process of Python's.
fn published_models_are_judged_alike() {
    const ROOTS: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import param_root
for path in sys.argv[2:]:
    try:
        print(param_root.model_root(param_root.read_model(path)))
    except param_root.Malformed:
        print('malformed')
";
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/published");
    let corpus = std::fs::read_dir(corpus).unwrap();
    let mut inputs: Vec<Vec<u8>> = corpus
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    let seeds = seeds().into_iter();
    let own = seeds.filter(|seed| seed.property == "published");
    inputs.extend(own.map(|seed| seed.bytes));
    let dirs: Vec<TempDir> = inputs
        .iter()
        .map(|input| {
            let dir = TempDir::new().unwrap();
            lay_out(dir.path(), input);
            dir
        })
        .collect();
    let mut arguments = vec![scripts()];
    arguments.extend(dirs.iter().map(|dir| dir.path().to_owned()));
    let theirs = printed_by_code(ROOTS, &arguments);
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(theirs.len(), dirs.len());
    let mut kinds = [0; 3];
    for ((dir, theirs), input) in dirs.iter().zip(theirs).zip(&inputs) {
        let ours = root_of(dir.path()).map(|found| found.root.to_string());
        let ours = ours.unwrap_or_else(|_| "malformed".into());
        assert_eq!(ours, theirs, "{:?}", input.escape_ascii().to_string());
        kinds[match &ours[..] {
            "malformed" => 0,
            ours if ours.starts_with("v2-draft:") => 1,
            _ => 2,
        }] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

/// Two tensors of one name: readers differ on which of them they keep.
fn duplicate() -> String {
    let tensor = |dtype| format!(r#""a":{{"dtype":"{dtype}","shape":[3],"data_offsets":[0,3]}}"#);
    format!("{{{},{}}}", tensor("U8"), tensor("I8"))
}
