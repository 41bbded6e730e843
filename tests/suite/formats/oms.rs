//! Lists of a model's files in the format of OMS: what is listed, and what differs later.

use pow_audit::envelope::Payload;
use pow_audit::oms::{ModelOptions, ModelReport, OMS, OmsError, check_model, model_payload};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

tests! {
    the_list_is_what_the_specification_says, one_file_is_a_model_too, each_difference_is_named,
        what_is_left_out_is_named, the_signature_may_lie_in_the_model, what_is_no_model_is_refused,
        paths_out_of_the_model_are_refused, malformed_lists_are_refused, pieces_are_checked
}

/// A model of three files.
fn model() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    for (name, text) in [
        ("b.bin", "weights"),
        ("a.json", "{}"),
        ("sub/é.bin", "more"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn list(model: &Path, options: &ModelOptions) -> Result<Payload, OmsError> {
    model_payload(model, options, &mut |_| {})
}

fn check(model: &Path, statement: &Payload, options: &ModelOptions) -> ModelReport {
    check_model(model, statement, options, &mut |_| {}).unwrap()
}

fn plain() -> ModelOptions {
    ModelOptions::default()
}

fn ignoring(paths: &[&str]) -> ModelOptions {
    ModelOptions {
        ignore: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..plain()
    }
}

fn value(statement: &Payload) -> Value {
    serde_json::from_slice(statement.bytes()).unwrap()
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn the_list_is_what_the_specification_says() {
    let model = model();
    for ignored in [".git/HEAD", ".gitignore", "cache/x"] {
        let path = model.path().join(ignored);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "not signed").unwrap();
    }
    let statement = list(model.path(), &ignoring(&["cache/"])).unwrap();
    let value = value(&statement);
    let digests = ["{}", "weights", "more"].map(Sha256::digest);
    let names = ["a.json", "b.bin", "sub/é.bin"];
    let resources: Vec<Value> = names
        .iter()
        .zip(&digests)
        .map(|(name, digest)| json!({"name": name, "digest": hex(digest), "algorithm": "sha256"}))
        .collect();
    let expected = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{
            "name": model.path().file_name().unwrap().to_str(),
            "digest": {"sha256": hex(Sha256::digest(digests.concat()))},
        }],
        "predicateType": OMS,
        "predicate": {
            "resources": resources,
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": false,
                "ignore_paths": ["cache", ".git", ".gitattributes", ".github", ".gitignore"],
            },
        },
    });
    assert_eq!(value, expected);
    // Only at the top.
    fs::write(model.path().join("sub/.gitignore"), "signed").unwrap();
    let statement = list(model.path(), &ignoring(&["cache"])).unwrap();
    assert!(String::from_utf8_lossy(statement.bytes()).contains("sub/.gitignore"));
}

fn one_file_is_a_model_too() {
    let model = model();
    let file = model.path().join("b.bin");
    let statement = list(&file, &plain()).unwrap();
    let mut value = value(&statement);
    assert_eq!(value["subject"][0]["name"], "b.bin");
    assert_eq!(value["predicate"]["resources"][0]["name"], "b.bin");
    assert!(check(&file, &statement, &plain()).holds());
    // The reference implementation calls it so.
    value["predicate"]["resources"][0]["name"] = ".".into();
    let theirs = Payload::parse(value.to_string().as_bytes()).unwrap();
    assert!(check(&file, &theirs, &plain()).holds());
    // In a directory, `.` is no file.
    let report = check(model.path(), &theirs, &plain());
    assert_eq!(
        (report.missing, report.unsigned.len()),
        (vec![".".into()], 3)
    );
    // Another name is another file.
    let other = model.path().join("a.json");
    let report = check(&other, &statement, &plain());
    assert_eq!(
        (report.missing, report.unsigned),
        (vec!["b.bin".into()], vec!["a.json".into()])
    );
}

fn each_difference_is_named() {
    let model = model();
    let statement = list(model.path(), &plain()).unwrap();
    let whole = check(model.path(), &statement, &plain());
    assert!(whole.holds() && whole.unsigned.is_empty());
    assert_eq!(whole.same, 3);

    fs::write(model.path().join("sub/new"), "").unwrap();
    let report = check(model.path(), &statement, &plain());
    assert_eq!(report.unsigned, ["sub/new"]);
    assert!(!report.holds() && report.same == 3);
    let allowing = ModelOptions {
        allow_unsigned: true,
        ..plain()
    };
    let report = check(model.path(), &statement, &allowing);
    assert_eq!(report.unsigned, ["sub/new"]);
    assert!(report.holds());

    fs::write(model.path().join("a.json"), "[]").unwrap();
    fs::remove_file(model.path().join("b.bin")).unwrap();
    for options in [plain(), allowing] {
        let report = check(model.path(), &statement, &options);
        assert_eq!(
            (&report.changed[..], &report.missing[..]),
            (&["a.json".into()][..], &["b.bin".into()][..])
        );
        assert!(!report.holds());
    }
}

fn what_is_left_out_is_named() {
    let model = model();
    fs::create_dir(model.path().join("cache")).unwrap();
    fs::write(model.path().join("cache/x"), "anything").unwrap();
    let statement = list(model.path(), &ignoring(&["cache", "gone"])).unwrap();
    let report = check(model.path(), &statement, &plain());
    assert!(report.holds());
    assert_eq!(report.ignored, ["cache"]);
    // Whoever names it knows.
    let report = check(model.path(), &statement, &ignoring(&["cache"]));
    assert!(report.holds() && report.ignored.is_empty());
    // What the verifier leaves out is missing if it was signed.
    let statement = list(model.path(), &plain()).unwrap();
    let report = check(model.path(), &statement, &ignoring(&["cache"]));
    assert_eq!(report.missing, ["cache/x"]);
    // The signer cannot leave out what is not in the model, nor the model.
    for path in ["../x", "/", "", ".", "sub/../b.bin"] {
        let mut value = value(&statement);
        value["predicate"]["serialization"]["ignore_paths"] = json!([path]);
        let other = Payload::parse(value.to_string().as_bytes()).unwrap();
        let report = check(model.path(), &other, &plain());
        assert!(report.holds() && report.same == 4, "{path}: {report:?}");
    }
}

fn the_signature_may_lie_in_the_model() {
    let model = model();
    let statement = list(model.path(), &plain()).unwrap();
    let signature = model.path().join("model.sig");
    fs::write(&signature, "a bundle").unwrap();
    assert_eq!(
        check(model.path(), &statement, &plain()).unsigned,
        ["model.sig"]
    );
    let options = ModelOptions {
        signature: Some(signature),
        ..plain()
    };
    let report = check(model.path(), &statement, &options);
    assert!(report.holds() && report.unsigned.is_empty());
}

fn what_is_no_model_is_refused() {
    let empty = TempDir::new().unwrap();
    let refused = list(empty.path(), &plain()).unwrap_err();
    assert!(matches!(refused, OmsError::NoFiles) && refused.is_verdict());
    let refused = list(&empty.path().join("none"), &plain()).unwrap_err();
    assert!(matches!(refused, OmsError::Ledger(_)) && !refused.is_verdict());
    #[cfg(unix)]
    {
        use std::os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener};
        let model = model();
        let statement = list(model.path(), &plain()).unwrap();
        let link = model.path().join("link");
        for target in ["b.bin", "/etc/passwd", ".", "gone"] {
            symlink(target, &link).unwrap();
            let listed = list(model.path(), &plain()).unwrap_err();
            assert!(matches!(listed, OmsError::Link(_)), "{target}: {listed}");
            let checked = check_model(model.path(), &statement, &plain(), &mut |_| {});
            assert!(
                matches!(checked.unwrap_err(), OmsError::Link(_)),
                "{target}"
            );
            assert!(list(model.path(), &ignoring(&["link"])).is_ok());
            fs::remove_file(&link).unwrap();
        }
        let socket = UnixListener::bind(&link).unwrap();
        let refused = list(model.path(), &plain()).unwrap_err();
        assert!(matches!(refused, OmsError::Special(_)), "{refused}");
        drop(socket);
        fs::remove_file(&link).unwrap();
        let name = std::ffi::OsStr::from_bytes(b"\xff");
        if fs::write(model.path().join(name), "").is_ok() {
            let refused = list(model.path(), &plain()).unwrap_err();
            assert!(matches!(refused, OmsError::Name(_)), "{refused}");
        }
    }
}

fn paths_out_of_the_model_are_refused() {
    let model = model();
    for path in [
        "",
        "/",
        "/b.bin",
        "..",
        "../b.bin",
        "sub/../b.bin",
        "*.bin",
        "a?",
        "[a]",
    ] {
        let refused = list(model.path(), &ignoring(&[path])).unwrap_err();
        assert!(
            matches!(&refused, OmsError::Ignored(found) if found == path),
            "{path}: {refused}"
        );
        assert!(!refused.is_verdict());
    }
}

fn malformed_lists_are_refused() {
    let model = model();
    let right = value(&list(model.path(), &plain()).unwrap());
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 14] = [
        (
            |v| v["predicate"]["resources"] = json!([]),
            "the statement names no file",
        ),
        (
            |v| {
                let list = v["predicate"]["resources"].as_array_mut().unwrap();
                list.push(list[0].clone());
            },
            "the statement names \"a.json\" twice",
        ),
        (
            |v| v["predicate"]["resources"][0]["digest"] = "ab".into(),
            "a digest is none of SHA-256",
        ),
        (
            |v| v["predicate"]["resources"][0]["algorithm"] = "blake3".into(),
            "hashed by \"blake3\"; only SHA-256 is supported",
        ),
        (
            |v| v["predicate"]["serialization"]["hash_type"] = "blake2b".into(),
            "hashed by \"blake2b\"",
        ),
        (
            |v| v["predicate"]["serialization"]["method"] = "tensors".into(),
            "hashed by \"tensors\"",
        ),
        (
            |v| v["predicate"]["serialization"]["shard_size"] = 7.into(),
            "contradicts itself: the method and the shard size",
        ),
        (
            |v| v["predicate"]["serialization"]["method"] = "shards".into(),
            "contradicts itself: the method and the shard size",
        ),
        (
            |v| v["predicate"]["serialization"]["shard_size"] = json!(7.5),
            "expected a positive whole number of bytes",
        ),
        (
            |v| v["predicate"]["serialization"]["shard_size"] = 0.into(),
            "expected a positive whole number of bytes",
        ),
        (|v| drop(v["predicate"].take()), "expected an object"),
        (
            |v| v["predicateType"] = "https://model_signing/Digests/v0.1".into(),
            "a statement of the kind \"https://model_signing/Digests/v0.1\"",
        ),
        (
            |v| v["subject"][0]["digest"]["sha256"] = "ab".into(),
            "the digest of its subject is not that of its files",
        ),
        (
            |v| {
                let list = v["subject"].as_array_mut().unwrap();
                list.push(list[0].clone());
            },
            "a model is one subject",
        ),
    ];
    for (edit, words) in edits {
        let mut edited = right.clone();
        edit(&mut edited);
        let payload = Payload::parse(edited.to_string().as_bytes()).unwrap();
        let refused = check_model(model.path(), &payload, &plain(), &mut |_| {}).unwrap_err();
        assert!(refused.is_verdict());
        let said = refused.to_string();
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
}

/// A list with a digest for each piece, as others write it.
fn pieces(model: &Path, names: &[&str], len: u64) -> Payload {
    let mut resources = Vec::new();
    let mut all = Vec::new();
    for name in names {
        let bytes = fs::read(model.join(name)).unwrap();
        for (n, piece) in bytes.chunks(len as usize).enumerate() {
            let start = n as u64 * len;
            let digest = Sha256::digest(piece);
            all.extend(digest);
            let name = format!("{name}:{start}:{}", start + piece.len() as u64);
            resources.push(json!({"name": name, "digest": hex(digest), "algorithm": "sha256"}));
        }
    }
    let text = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": hex(Sha256::digest(all))}}],
        "predicateType": OMS,
        "predicate": {
            "resources": resources,
            // A double, as the reference implementation writes it.
            "serialization": {
                "method": "shards", "hash_type": "sha256", "allow_symlinks": false,
                "shard_size": len as f64,
            },
        },
    });
    Payload::parse(text.to_string().as_bytes()).unwrap()
}

fn pieces_are_checked() {
    let model = model();
    fs::rename(model.path().join("a.json"), model.path().join("a:1:2")).unwrap();
    fs::write(model.path().join("empty"), "").unwrap();
    let names = ["a:1:2", "b.bin", "sub/é.bin"];
    for len in 1..9 {
        let statement = pieces(model.path(), &names, len);
        let report = check(model.path(), &statement, &plain());
        assert!(report.holds(), "{len}: {report:?}");
        // Such a list has no empty files, so nothing is known of them.
        assert_eq!(report.ignored, ["empty"]);
    }
    let statement = pieces(model.path(), &names, 7);
    let allowing = ModelOptions {
        allow_unsigned: true,
        ..plain()
    };
    for (text, changed, missing) in [
        // Longer by a piece, so that each signed piece is as it was.
        ("weights!", &["b.bin:7:8"][..], &[][..]),
        ("weight", &["b.bin:0:6"][..], &["b.bin:0:7"][..]),
        ("Weights", &["b.bin:0:7"][..], &[][..]),
        ("", &[][..], &["b.bin:0:7"][..]),
    ] {
        fs::write(model.path().join("b.bin"), text).unwrap();
        let report = check(model.path(), &statement, &allowing);
        assert_eq!(
            (&report.changed[..], &report.missing[..]),
            (&to_strings(changed)[..], &to_strings(missing)[..])
        );
        assert!(!report.holds(), "{text}");
    }
    // A file of very many pieces is not cut up.
    let file = fs::File::create(model.path().join("b.bin")).unwrap();
    file.set_len((1 << 20) + 1).unwrap();
    let statement = {
        fs::write(model.path().join("c"), "c").unwrap();
        let mut value = value(&pieces(model.path(), &["c"], 1));
        value["predicate"]["resources"][0]["name"] = "b.bin:0:1".into();
        Payload::parse(value.to_string().as_bytes()).unwrap()
    };
    let refused = check_model(model.path(), &statement, &plain(), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, OmsError::ManyFiles), "{refused}");
}

fn to_strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
