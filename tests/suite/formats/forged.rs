//! Envelopes and bundles that are wrong in one way each, and what is said of them.

use base64ct::{Base64, Base64Url, Encoding};
use pow_audit::envelope::{
    EnvelopeKey, Form, JoinError, MAX_ENVELOPE, Payload, PayloadError, SignedStatement,
};
use pow_audit::hex::from_hex;
use pow_tests::envelopes::{key, pem, sign, signed};
use serde_json::{Value, json};

tests! {
    what_is_malformed_is_named, what_is_signed_is_all_of_it, keys_are_told_apart,
        one_right_signature_of_several_is_enough, both_alphabets_are_read,
        a_bundle_with_a_certificate_is_not_checked, the_bytes_to_sign_have_one_form,
        a_wrong_signature_is_not_joined, what_is_no_public_key_is_named
}

const STATEMENT: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"model","digest":{"sha256":"ab"}}],"predicateType":"https://example.org/v1","predicate":{"a":1}}"#;

fn payload() -> Payload {
    Payload::parse(STATEMENT.as_bytes()).unwrap()
}

fn value(form: Form) -> Value {
    serde_json::from_str(&signed(1, &payload(), form)).unwrap()
}

/// The envelope with this statement, which the key really signed.
fn around(statement: &str) -> String {
    let mut envelope = value(Form::Envelope);
    let before = format!(
        "DSSEv1 28 application/vnd.in-toto+json {} ",
        statement.len()
    );
    let signature = sign(1, format!("{before}{statement}").as_bytes());
    envelope["payload"] = Base64::encode_string(statement.as_bytes()).into();
    envelope["signatures"][0]["sig"] = Base64::encode_string(&signature).into();
    envelope.to_string()
}

/// What is said of these bytes, whose signature would have to be of key 1.
#[track_caller]
fn refused(bytes: &str) -> String {
    let read = SignedStatement::from_json(bytes.as_bytes());
    let checked = read.and_then(|read| read.signed_by(&key(1)).cloned());
    checked.unwrap_err().to_string()
}

fn what_is_malformed_is_named() {
    type Edit = fn(&mut Value);
    let edits: [(Form, Edit, &str); 17] = [
        (
            Form::Envelope,
            |e| e["payload"] = "e30".into(),
            "the payload is not in base64",
        ),
        (
            Form::Envelope,
            |e| e["payload"] = "e30=\n".into(),
            "the payload is not in base64",
        ),
        (
            Form::Envelope,
            |e| e["payload"] = 1.into(),
            "expected a string",
        ),
        (
            Form::Envelope,
            |e| e["signatures"][0]["sig"] = "?".into(),
            "signature 0 is not in base64",
        ),
        (
            Form::Envelope,
            |e| e["payloadType"] = "application/json".into(),
            "a payload of the type \"application/json\"",
        ),
        (
            Form::Envelope,
            |e| e["signatures"] = json!([]),
            "it has no signature",
        ),
        (
            Form::Envelope,
            |e| e["signatures"] = vec![e["signatures"][0].clone(); 33].into(),
            "it has 33 signatures; at most 32",
        ),
        (
            Form::Envelope,
            |e| e["signatures"] = json!([["", ""]]),
            "expected an object",
        ),
        (
            Form::Bundle,
            |b| {
                let list = &mut b["dsseEnvelope"]["signatures"];
                *list = vec![list[0].clone(); 2].into();
            },
            "a bundle has one signature, and this one 2",
        ),
        (
            Form::Bundle,
            |b| b["mediaType"] = "application/json".into(),
            "a bundle of the type",
        ),
        (
            Form::Bundle,
            |b| b["dsseEnvelope"] = Value::Null,
            "the bundle has no dsseEnvelope",
        ),
        (
            Form::Bundle,
            |b| b["verificationMaterial"] = Value::Null,
            "the bundle has no verificationMaterial",
        ),
        (
            Form::Bundle,
            |b| b["verificationMaterial"] = json!({}),
            "the bundle has no publicKey",
        ),
        (
            Form::Bundle,
            |b| b["verificationMaterial"] = json!([]),
            "expected an object",
        ),
        (
            Form::Envelope,
            |e| drop(e["payload"].take()),
            "neither a DSSE envelope",
        ),
        (
            Form::Envelope,
            |e| *e = json!({}),
            "neither a DSSE envelope",
        ),
        (Form::Envelope, |e| *e = json!([1]), "expected an object"),
    ];
    for (form, edit, words) in edits {
        let mut edited = value(form);
        edit(&mut edited);
        let said = refused(&edited.to_string());
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
    let twice = [
        (
            "{",
            "{\"payloadType\": \"application/vnd.in-toto+json\",",
            "duplicate key \"payloadType\"",
        ),
        (
            "\"keyid\"",
            "\"sig\": \"\", \"keyid\"",
            "duplicate key \"sig\"",
        ),
    ];
    for (from, to, words) in twice {
        let text = signed(1, &payload(), Form::Envelope).replacen(from, to, 1);
        assert!(refused(&text).contains(words), "{}", refused(&text));
    }
    let long = " ".repeat(MAX_ENVELOPE + 1);
    assert!(refused(&long).contains("16777217 bytes; at most 16777216"));
    assert!(refused("").contains("malformed envelope: EOF"));
    assert!(refused(&"[".repeat(100_000)).contains("recursion limit"));

    let statements = [
        ("Statement/v1", "Statement/v0.1", "a statement of the type"),
        (
            r#"[{"name":"model","digest":{"sha256":"ab"}}]"#,
            "[]",
            "the statement has no subject",
        ),
        (r#"{"sha256":"ab"}"#, "{}", "subject 0 has no digest"),
        (
            r#""ab""#,
            r#""aB""#,
            "the digest \"sha256\" is not of lower-case hex",
        ),
        (
            r#""ab""#,
            r#""""#,
            "the digest \"sha256\" is not of lower-case hex",
        ),
        (r#""a":1"#, r#""a":1,"a":2"#, "duplicate key \"a\""),
        (
            r#""predicateType""#,
            r#""type""#,
            "missing field `predicateType`",
        ),
    ];
    for (from, to, words) in statements {
        let statement = STATEMENT.replacen(from, to, 1);
        assert_ne!(statement, STATEMENT);
        let said = refused(&around(&statement));
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
    let one = r#"{"digest":{"a":"b"}}"#;
    let many = [one; 4097].join(",");
    let many = STATEMENT.replacen(r#"{"name":"model","digest":{"sha256":"ab"}}"#, &many, 1);
    assert!(refused(&around(&many)).contains("has 4097 subjects"));
}

fn what_is_signed_is_all_of_it() {
    for form in [Form::Envelope, Form::Bundle] {
        let text = signed(1, &payload(), form);
        let read = SignedStatement::from_json(text.as_bytes()).unwrap();
        assert_eq!(read.signed_by(&key(1)).unwrap(), &payload());
        assert!(!read.has_log_entries());
        let said = read.signed_by(&key(2)).unwrap_err().to_string();
        let named = format!("did not sign it; it names the key {:?}", key(1).hint());
        assert!(
            said.starts_with("WRONG: the key Ed25519") && said.ends_with(&named),
            "{said}"
        );
    }
    // Over the statement alone, as some first versions of tools did.
    let mut bare = value(Form::Envelope);
    let signature = sign(1, STATEMENT.as_bytes());
    bare["signatures"][0]["sig"] = Base64::encode_string(&signature).into();
    assert!(refused(&bare.to_string()).starts_with("WRONG: "));
    // Each bit of the signature counts, and each of the statement.
    let right = sign(1, &payload().to_sign());
    for bit in 0..8 * right.len() {
        let mut wrong = right.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let mut envelope = value(Form::Envelope);
        envelope["signatures"][0]["sig"] = Base64::encode_string(&wrong).into();
        assert!(
            refused(&envelope.to_string()).starts_with("WRONG: "),
            "{bit}"
        );
    }
    let mut other = value(Form::Envelope);
    let statement = STATEMENT.replacen("\"ab\"", "\"ac\"", 1);
    other["payload"] = Base64::encode_string(statement.as_bytes()).into();
    assert!(refused(&other.to_string()).starts_with("WRONG: "));
}

fn keys_are_told_apart() {
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(2));
    // As `sha256sum` of the PEM file prints it.
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(pem(1).as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(key(1).hint(), hex);
    assert_eq!(
        EnvelopeKey::from_pem(&format!("\n{}\n\n", pem(1).trim()))
            .unwrap()
            .hint(),
        hex
    );
}

fn one_right_signature_of_several_is_enough() {
    let mut envelope = value(Form::Envelope);
    let own = envelope["signatures"][0].clone();
    let foreign = json!({"sig": Base64::encode_string(&[7; 64]), "keyid": null});
    envelope["signatures"] = json!([foreign, own]);
    let read = SignedStatement::from_json(envelope.to_string().as_bytes()).unwrap();
    assert_eq!(read.signatures().len(), 2);
    read.signed_by(&key(1)).unwrap();
    envelope["signatures"] = json!([foreign, foreign]);
    assert!(refused(&envelope.to_string()).ends_with("did not sign it"));
}

fn both_alphabets_are_read() {
    let mut envelope = value(Form::Envelope);
    let signature = sign(1, &payload().to_sign());
    let other = Base64Url::encode_string(&signature);
    assert_ne!(other, Base64::encode_string(&signature));
    envelope["signatures"][0]["sig"] = other.into();
    // What is unknown is ignored.
    envelope["more"] = json!({"a": [1]});
    let read = SignedStatement::from_json(envelope.to_string().as_bytes()).unwrap();
    read.signed_by(&key(1)).unwrap();
}

fn a_bundle_with_a_certificate_is_not_checked() {
    for field in ["certificate", "x509CertificateChain"] {
        let mut bundle = value(Form::Bundle);
        bundle["verificationMaterial"] = json!({field: {"rawBytes": "AA=="}, "tlogEntries": [{}]});
        let said = refused(&bundle.to_string());
        assert!(
            said.contains("signed with a certificate, which is not checked here"),
            "{said}"
        );
    }
    // Entries of a log beside a key are not looked at, and that is said.
    let mut bundle = value(Form::Bundle);
    bundle["verificationMaterial"]["tlogEntries"] = json!([{}]);
    let read = SignedStatement::from_json(bundle.to_string().as_bytes()).unwrap();
    assert!(read.has_log_entries());
}

fn the_bytes_to_sign_have_one_form() {
    let right = payload().to_sign();
    assert_eq!(Payload::from_signed(&right).unwrap(), payload());
    let text = String::from_utf8(right).unwrap();
    for (from, to) in [
        ("DSSEv1", "DSSEv2"),
        (" 28 ", " 028 "),
        ("in-toto", "in_toto"),
        ("+json 1", "+json 01"),
        ("+json 1", "+json  1"),
        ("+json 1", "+json 2"),
        ("1}}", "1}} "),
        ("1}}", "1}"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text);
        let refused = Payload::from_signed(wrong.as_bytes()).unwrap_err();
        assert!(matches!(refused, PayloadError::Signed), "{from}: {refused}");
    }
    for end in 0..40 {
        Payload::from_signed(&text.as_bytes()[..end]).unwrap_err();
    }
}

fn a_wrong_signature_is_not_joined() {
    let join = |signature: &[u8]| {
        SignedStatement::join(&payload(), signature, &key(1), Form::Envelope).unwrap_err()
    };
    assert!(matches!(
        join(&sign(2, &payload().to_sign())),
        JoinError::Wrong(_)
    ));
    assert!(matches!(
        join(&sign(1, STATEMENT.as_bytes())),
        JoinError::Wrong(_)
    ));
    assert!(matches!(join(b""), JoinError::Wrong(_)));
    assert!(matches!(join(&[0; 1025]), JoinError::Length(1025)));
}

fn what_is_no_public_key_is_named() {
    const RSA: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL0+84d1TmMk0SIR4Be8L1iWtBht42cU\n\
        TZO0XrW2DErLJOKcxukwrQijCQpYe6sYmEdZXvFJEDFzuWJntGqY0LsCAwEAAQ==\n\
        -----END PUBLIC KEY-----\n";
    const SECP256K1: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEd87yoqKr939v+zq2nPBDjPAGPy+X4I2h\n\
        s03T6LcCV1dnwI54NRDfWqsnWB03xKWcmYyXC3159dixncUNUzcK0g==\n\
        -----END PUBLIC KEY-----\n";
    // A key on P-256 whose point is not on it.
    let before = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
    let der = [from_hex(before).unwrap(), vec![7; 64]].concat();
    let body = Base64::encode_string(&der);
    let (first, second) = body.split_at(64);
    let off_curve =
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
    let two = format!("{}{}", pem(1), pem(2));
    for (text, words) in [
        (
            &pem(1).replace("PUBLIC", "PRIVATE")[..],
            "it is a private key: keep it to yourself",
        ),
        (
            &pem(1).replace("PUBLIC", "EC PRIVATE")[..],
            "it is a private key: keep it to yourself",
        ),
        (
            &pem(1).replace("PUBLIC KEY", "CERTIFICATE")[..],
            "it is a certificate",
        ),
        (
            &pem(1).replace("PUBLIC KEY", "NOTHING")[..],
            "its label is \"NOTHING\"",
        ),
        (
            RSA,
            "keys of the algorithm 1.2.840.113549.1.1.1 are not supported",
        ),
        (
            SECP256K1,
            "keys of the curve 1.3.132.0.10 are not supported",
        ),
        (&off_curve[..], "it is no key of P-256"),
        (&two[..], "it is no PEM file of one public key"),
        ("", "it is no PEM file of one public key"),
        ("ssh-ed25519 AAAA", "it is no PEM file of one public key"),
    ] {
        let said = EnvelopeKey::from_pem(text).unwrap_err().to_string();
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
}
