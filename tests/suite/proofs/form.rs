//! The JSON of a proof has one form; everything else is refused, here and in
//! Python.

use super::cases::{Run, height, tensor};
use super::script::{Batch, check_proof};
use pow_audit::proof::{MAX_PROOF_LEN, ProofSubject, proof_from_json, proof_to_json};
use pow_core::proof::Proof;

tests! {
    one_spelling_only, too_long;
    Python: python_reads_the_same, python_on_missing_files
}

fn good() -> Proof {
    Run::new()
        .prove(6, tensor(3, "embedding.weight", Some(1)))
        .proof
}

fn good_text() -> String {
    proof_to_json(&good()).unwrap()
}

/// Other spellings, each with what is wrong.
fn other_spellings() -> Vec<(&'static str, Vec<u8>)> {
    let good = good_text();
    let compact: String = good.split_whitespace().collect();
    let bytes = compact.as_bytes();
    let huge = format!(r#""index":1{}"#, "0".repeat(5000));
    let deep = format!(r#""dims":{}"#, "[".repeat(100_000));
    let nested = format!(r#""inclusion":[["{}"],"#, "0".repeat(64));
    #[rustfmt::skip]
    let replaced: [(&str, &str, &str); 32] = [
        ("another schema", "proof/v1", "proof/v2"),
        ("no schema", r#""schema":"burn-pow/proof/v1","#, ""),
        ("an unknown field", r#"{"schema""#, r#"{"x":0,"schema""#),
        ("an unknown field inside", r#""dtype""#, r#""x":0,"dtype""#),
        ("a field twice", r#""dtype""#, r#""dtype":"F32","dtype""#),
        ("a field twice, spelled differently", r#""dtype""#, r#""\u0064type":"F32","dtype""#),
        ("an optional field twice", r#""entry":{"#, r#""block":null,"entry":{"#),
        ("null for a field", r#""index":1"#, r#""index":null"#),
        ("an object for an array", r#""dims":[33,40]"#, r#""dims":{"0":33,"1":40}"#),
        ("a text for a number", r#""index":1"#, r#""index":"1""#),
        ("a flag for a number", r#""index":1"#, r#""index":true"#),
        ("a number for a text", r#""dtype":"F32""#, r#""dtype":32"#),
        ("a fraction", r#""index":1"#, r#""index":1.0"#),
        ("an exponent", r#""index":1"#, r#""index":1e0"#),
        ("a sign", r#""index":0"#, r#""index":-0"#),
        ("a negative number", r#""index":1"#, r#""index":-1"#),
        ("a leading zero", r#""index":1"#, r#""index":01"#),
        ("2^64", r#""index":1"#, r#""index":18446744073709551616"#),
        ("a huge number", r#""index":1"#, &huge),
        ("NaN", r#""index":1"#, r#""index":NaN"#),
        ("upper-case hex", "00000020", "0000002A"),
        ("an odd number of digits", r#""00000020"#, r#""0000002"#),
        ("hex with a space", r#""00000020"#, r#""00 000020"#),
        ("digits of another script", r#""00000020"#, "\"\u{0660}\u{0660}000020"),
        ("a short digest", r#""inclusion":[""#, r#""inclusion":["00",""#),
        ("a nested path", r#""inclusion":["#, &nested),
        ("an unknown dtype", r#""F32""#, r#""f32""#),
        ("a lone surrogate", "embedding.weight", "\\ud800"),
        ("a raw control character", "embedding.weight", "\n"),
        ("a comment", r#"{"schema""#, r#"{/**/"schema""#),
        ("a trailing comma", r#""dims":[33,40]"#, r#""dims":[33,40,]"#),
        ("deep nesting", r#""dims":[33,40]"#, &deep),
    ];
    let replaced = replaced.map(|(what, from, to)| {
        assert!(compact.contains(from), "{from} is not in {compact}");
        (what, compact.replacen(from, to, 1).into_bytes())
    });
    let (before, after) = bytes.split_at(compact.find("embedding").unwrap());
    let others = [
        ("empty", vec![]),
        ("no JSON", b"proof".to_vec()),
        ("an array", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("cut", bytes[..bytes.len() - 1].to_vec()),
        ("two proofs", bytes.repeat(2)),
        ("a byte order mark", [b"\xef\xbb\xbf", bytes].concat()),
        (
            "UTF-16",
            compact.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        ("null for an optional field", null_for_optional()),
        ("an array for an object", array_for_object(&compact)),
        ("bytes that are no text", [before, b"\xff", after].concat()),
    ];
    replaced.into_iter().chain(others).collect()
}

/// A proof of the head alone, which is good without the last field.
fn null_for_optional() -> Vec<u8> {
    let proof = Run::new().prove(6, ProofSubject::Block(height(6))).proof;
    let text = proof_to_json(&proof).unwrap();
    let (text, end) = text.split_at(text.rfind('}').unwrap());
    format!("{text}, \"entry\": null {end}").into_bytes()
}

/// `{"block": …, "fixed": …, "entries": …}` without the names, which code
/// derived by serde alone would read.
fn array_for_object(compact: &str) -> Vec<u8> {
    let (before, rest) = compact.split_once("\"head\":{").unwrap();
    let (head, after) = rest.split_once('}').unwrap();
    let values: Vec<&str> = head
        .split(',')
        .map(|field| field.split_once(':').unwrap().1)
        .collect();
    format!("{before}\"head\":[{}]{after}", values.join(",")).into_bytes()
}

/// What JSON leaves free is free: blanks, the order of fields, escapes.
fn same_spellings() -> Vec<Vec<u8>> {
    let good = good_text();
    let compact: String = good.split_whitespace().collect();
    let value: serde_json::Value = serde_json::from_str(&good).unwrap();
    vec![
        good.clone().into_bytes(),
        compact.clone().into_bytes(),
        serde_json::to_vec(&value).unwrap(),
        good.replace('\n', "\r\n\t").into_bytes(),
        compact
            .replace("embedding", "\\u0065mbedding")
            .replace("\"head\"", "\"h\\u0065ad\"")
            .into_bytes(),
    ]
}

fn one_spelling_only() {
    for text in same_spellings() {
        assert_eq!(proof_from_json(&text).unwrap(), good());
    }
    for (what, text) in other_spellings() {
        let error = proof_from_json(&text).expect_err(what);
        assert!(
            error.to_string().starts_with("malformed proof: "),
            "{what}: {error}"
        );
        if what == "an array for an object" {
            assert!(error.to_string().contains("expected an object"), "{error}");
        }
    }
}

fn padded(len: usize) -> Vec<u8> {
    let mut text = good_text().into_bytes();
    text.resize(len, b' ');
    text
}

fn too_long() {
    assert!(proof_from_json(&padded(MAX_PROOF_LEN)).is_ok());
    let error = proof_from_json(&padded(MAX_PROOF_LEN + 1)).unwrap_err();
    assert!(error.to_string().contains("1048576 are allowed"), "{error}");
    // Whatever is written can be read again.
    let written = |len: usize| {
        let mut proof = good();
        let tensor = proof.entry.as_mut().unwrap().tensor.as_mut().unwrap();
        tensor.path = "x".repeat(len);
        proof_to_json(&proof)
    };
    let most = MAX_PROOF_LEN - written(0).unwrap().len();
    assert!(proof_from_json(written(most).unwrap().as_bytes()).is_ok());
    assert!(written(most + 1).is_err());
}

fn python_reads_the_same() {
    let mut batch = Batch::new();
    for text in same_spellings() {
        batch.add(&text);
    }
    batch.add(&padded(MAX_PROOF_LEN));
    assert!(
        batch
            .verdicts(&[])
            .iter()
            .all(|verdict| verdict == "SHOWN, UNANCHORED")
    );

    let mut batch = Batch::new();
    let others = other_spellings();
    for (_, text) in &others {
        batch.add(text);
    }
    for ((what, _), verdict) in others.iter().zip(batch.verdicts(&[])) {
        let refused = verdict.starts_with("DOES NOT HOLD: malformed proof: ");
        assert!(refused, "{what}: {verdict}");
    }
    let mut batch = Batch::new();
    batch.add(&padded(MAX_PROOF_LEN + 1));
    assert_eq!(
        batch.verdicts(&[]),
        ["DOES NOT HOLD: more than 1048576 bytes"]
    );
}

fn python_on_missing_files() {
    for arguments in [&["no/such/file"][..], &[], &["x", "--head", "12"]] {
        let output = check_proof(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("Traceback"), "{stderr}");
        assert!(output.stdout.is_empty());
    }
}
