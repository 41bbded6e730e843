//! The tools of others: OpenSSL signs, and securesystemslib, in-toto-attestation and
//! model_signing accept what we write. What model_signing writes, we accept.

use crate::requirements::pypi_python;
use pow_audit::envelope::{EnvelopeKey, Form, Payload, SignedStatement, training_payload};
use pow_audit::oms::{ModelOptions, check_model, model_payload};
use pow_core::hash::PlainSha2;
use pow_tests::fixture::Fixture;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

tests! {
    Openssl: openssl_signs_with_each_kind_of_key;
    Openssl + ModelSigning: other_tools_accept_our_envelope, model_signing_accepts_our_bundle,
        we_accept_what_model_signing_writes
}

/// The packages that judge, with what model_signing 1.1.1 forgets to ask for.
pub fn has_model_signing() -> Result<(), String> {
    let import = "import OpenSSL, model_signing, in_toto_attestation, securesystemslib.dsse";
    let output = pypi_python().args(["-c", import]).output();
    let output = output.map_err(|error| error.to_string())?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(stderr.lines().last().unwrap_or_default().to_owned()),
    }
}

/// A directory with keys, and what is made with them.
struct Desk(TempDir);

/// Kinds of keys, and the digest with which each signs.
const CURVES: [(&str, &str); 3] = [
    ("P-256", "-sha256"),
    ("P-384", "-sha384"),
    ("P-521", "-sha512"),
];

impl Desk {
    fn new() -> Self {
        Desk(TempDir::new().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn openssl(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        let output = command
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
    }

    /// Makes a key on this curve, or of Ed25519: key.pem, and pub.pem, which is read.
    fn key(&self, curve: &str) -> EnvelopeKey {
        let curve = format!("ec_paramgen_curve:{curve}");
        match curve.ends_with(":ed25519") {
            true => self.openssl(&["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]),
            false => self.openssl(&[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                &curve,
                "-out",
                "key.pem",
            ]),
        }
        self.openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "pub.pem"]);
        EnvelopeKey::from_pem(&fs::read_to_string(self.at("pub.pem")).unwrap()).unwrap()
    }

    /// Signs with key.pem.
    fn sign(&self, payload: &Payload, digest: Option<&str>) -> Vec<u8> {
        fs::write(self.at("signed"), payload.to_sign()).unwrap();
        match digest {
            Some(digest) => self.openssl(&[
                "dgst",
                digest,
                "-sign",
                "key.pem",
                "-out",
                "signature",
                "signed",
            ]),
            None => self.openssl(&[
                "pkeyutl",
                "-sign",
                "-inkey",
                "key.pem",
                "-rawin",
                "-in",
                "signed",
                "-out",
                "signature",
            ]),
        }
        fs::read(self.at("signature")).unwrap()
    }

    /// Runs Python in the directory: whether it succeeded, and what it printed.
    fn python(&self, arguments: &[&str]) -> (bool, String) {
        let output = pypi_python()
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap();
        let both = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&both).into_owned(),
        )
    }
}

fn of_run() -> Payload {
    training_payload(&Fixture::default().run, &PlainSha2, &mut |_| {}).unwrap()
}

/// A model, and the list of its files.
fn model(at: &Path) -> Payload {
    fs::create_dir_all(at.join("sub")).unwrap();
    for (name, text) in [
        ("weights.bin", "weights"),
        ("sub/é config.json", "{}"),
        ("empty", ""),
    ] {
        fs::write(at.join(name), text).unwrap();
    }
    model_payload(at, &ModelOptions::default(), &mut |_| {}).unwrap()
}

fn openssl_signs_with_each_kind_of_key() {
    let payload = of_run();
    let other = Desk::new();
    let curves = CURVES.map(|(curve, digest)| (curve, Some(digest)));
    for (curve, digest) in curves.into_iter().chain([("ed25519", None)]) {
        let desk = Desk::new();
        let key = desk.key(curve);
        let signature = desk.sign(&payload, digest);
        let text = SignedStatement::join(&payload, &signature, &key, Form::Envelope).unwrap();
        let read = SignedStatement::from_json(text.as_bytes()).unwrap();
        assert_eq!(read.signed_by(&key).unwrap(), &payload);
        // By a key of the same kind, and by one of another.
        for wrong in [curve, if curve == "P-256" { "P-384" } else { "P-256" }] {
            let wrong = other.key(wrong);
            SignedStatement::join(&payload, &signature, &wrong, Form::Envelope).unwrap_err();
            read.signed_by(&wrong).unwrap_err();
        }
        if digest.is_some_and(|digest| digest != "-sha256") {
            let weaker = desk.sign(&payload, Some("-sha256"));
            SignedStatement::join(&payload, &weaker, &key, Form::Envelope).unwrap_err();
        }
    }
}

/// Checks an envelope with a key, prints type and digest, and then refuses it with each bit of
/// its payload's first byte turned, and by another key.
const JUDGE: &str = r#"
import copy, json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.v1 import statement
import in_toto_attestation.v1.statement_pb2 as pb
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
read = json.load(open("envelope.json"))
keyid = read["signatures"][0]["keyid"]
public = load_pem_public_key(open("pub.pem", "rb").read())
key = SSlibKey.from_crypto(public, keyid=keyid)
envelope = Envelope.from_dict(copy.deepcopy(read))
envelope.verify([key], 1)
parsed = json_format.Parse(envelope.payload, pb.Statement())
found = statement.Statement.copy_from_pb(parsed)
found.validate()
print(parsed.predicate_type, parsed.subject[0].name, parsed.subject[0].digest["sha256"])
def refuses(envelope, key):
    try:
        envelope.verify([key], 1)
    except VerificationError:
        return
    sys.exit("accepted")
other = Ed25519PrivateKey.generate().public_key()
refuses(envelope, SSlibKey.from_crypto(other, keyid=keyid))
for bit in range(8):
    payload = bytearray(envelope.payload)
    payload[0] ^= 1 << bit
    refuses(Envelope(bytes(payload), envelope.payload_type, envelope.signatures), key)
"#;

fn other_tools_accept_our_envelope() {
    let payload = of_run();
    let digest = &payload.subjects()[0].digest["sha256"];
    let expected = format!("https://burn-pow/training/v1 model.safetensors {digest}\n");
    for (curve, by) in [
        ("ed25519", None),
        ("P-256", Some("-sha256")),
        ("P-384", Some("-sha384")),
    ] {
        let desk = Desk::new();
        let key = desk.key(curve);
        let signature = desk.sign(&payload, by);
        let text = SignedStatement::join(&payload, &signature, &key, Form::Envelope).unwrap();
        fs::write(desk.at("envelope.json"), text).unwrap();
        assert_eq!(
            desk.python(&["-c", JUDGE]),
            (true, expected.clone()),
            "{curve}"
        );
    }
}

fn verify(desk: &Desk, model: &str, more: &[&str]) -> (bool, String) {
    let command = [
        "-m",
        "model_signing",
        "verify",
        "key",
        "--public_key",
        "pub.pem",
    ];
    desk.python(&[&command[..], &["--signature", "model.sig", model], more].concat())
}

/// Whether this file's hash is said to be another one. Python escapes quotes as it sees fit.
fn is_mismatch(said: &str, name: &str) -> bool {
    said.contains("Hash mismatch for") && said.contains(name)
}

fn model_signing_accepts_our_bundle() {
    for (curve, digest) in CURVES {
        let desk = Desk::new();
        let key = desk.key(curve);
        let payload = model(&desk.at("model"));
        let signature = desk.sign(&payload, Some(digest));
        let text = SignedStatement::join(&payload, &signature, &key, Form::Bundle).unwrap();
        fs::write(desk.at("model.sig"), &text).unwrap();
        let (accepted, said) = verify(&desk, "model", &[]);
        assert!(accepted, "{curve}: {said}");
        fs::write(desk.at("model/weights.bin"), "Weights").unwrap();
        let (accepted, said) = verify(&desk, "model", &[]);
        assert!(!accepted && is_mismatch(&said, "weights.bin"), "{said}");
        model(&desk.at("model"));
        desk.key(curve);
        let (accepted, said) = verify(&desk, "model", &[]);
        assert!(!accepted && said.contains("Key mismatch"), "{said}");
    }
    // The model of a run alone: in its directory, beside files that were not signed.
    let (desk, run) = (Desk::new(), Fixture::default());
    let key = desk.key("P-256");
    let payload =
        model_payload(&run.run.artifact(), &ModelOptions::default(), &mut |_| {}).unwrap();
    let signature = desk.sign(&payload, Some("-sha256"));
    let text = SignedStatement::join(&payload, &signature, &key, Form::Bundle).unwrap();
    fs::write(desk.at("model.sig"), text).unwrap();
    let directory = run.run.path().to_str().unwrap();
    let (accepted, said) = verify(&desk, directory, &["--ignore_unsigned_files"]);
    assert!(accepted, "{said}");
    fs::copy(Fixture::other().run.artifact(), run.run.artifact()).unwrap();
    let (accepted, said) = verify(&desk, directory, &["--ignore_unsigned_files"]);
    assert!(
        !accepted && is_mismatch(&said, "model.safetensors"),
        "{said}"
    );
}

/// Signs `model` in pieces of 3 bytes, which its command line does not offer.
const IN_PIECES: &str = r#"
from model_signing import hashing, signing
how = hashing.Config().use_shard_serialization(shard_size=3)
signer = signing.Config().use_elliptic_key_signer(private_key="key.pem")
signer.set_hashing_config(how).sign("model", "model.sig")
"#;

fn we_accept_what_model_signing_writes() {
    for (curve, _) in CURVES {
        let desk = Desk::new();
        let key = desk.key(curve);
        model(&desk.at("model"));
        let command = [
            "-m",
            "model_signing",
            "sign",
            "key",
            "--private_key",
            "key.pem",
        ];
        let of = |model| [&command[..], &["--signature", "model.sig", model]].concat();
        for (arguments, path, count) in [
            (of("model"), "model", 3),
            (of("model/weights.bin"), "model/weights.bin", 1),
            (vec!["-c", IN_PIECES], "model", 4),
        ] {
            let (signed, said) = desk.python(&arguments);
            assert!(signed, "{curve}, {arguments:?}: {said}");
            let text = fs::read(desk.at("model.sig")).unwrap();
            let read = SignedStatement::from_json(&text).unwrap();
            assert_eq!(read.form(), Form::Bundle);
            let payload = read.signed_by(&key).unwrap();
            let check = || {
                let options = ModelOptions::default();
                check_model(&desk.at(path), payload, &options, &mut |_| {}).unwrap()
            };
            assert!(check().holds(), "{curve}, {arguments:?}: {:?}", check());
            assert_eq!(check().same, count);
            fs::write(desk.at("model/weights.bin"), "Weights").unwrap();
            assert!(
                !check().holds() && check().changed.len() == 1,
                "{:?}",
                check()
            );
            model(&desk.at("model"));
            read.signed_by(&Desk::new().key(curve)).unwrap_err();
        }
    }
}
