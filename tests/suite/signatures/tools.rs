//! The programs with which people sign: what they write is taken in, and what lies in a run
//! they accept.

use super::{HEAD, check_by, genesis, head, run};
use pow_audit::signature::{SignerKey, Statement, accept_signature};
use pow_audit::{Level, Verdict};
use pow_ledger::{RunDir, RunFile, SignatureFile};
use pow_tests::audits::expect;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

tests! {
    SshKeygen: ssh_keygen_signs_and_checks, ssh_keygen_refuses_what_we_refuse,
        a_key_of_ssh_keygen_that_is_not_supported_is_named;
    Minisign: minisign_signs_and_checks
}

/// Whether `ssh-keygen` can sign. Versions before 8.1 cannot.
pub fn has_ssh_keygen() -> Result<(), String> {
    let dir = TempDir::new().map_err(|error| error.to_string())?;
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", "key"])
        .current_dir(dir.path())
        .output()
        .map_err(|error| format!("ssh-keygen: {error}"))?;
    fs::write(dir.path().join("text"), "text").map_err(|error| error.to_string())?;
    let signed = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-f", "key", "-n", "file", "text"])
        .current_dir(dir.path())
        .output()
        .map_err(|error| format!("ssh-keygen: {error}"))?;
    match made.status.success() && signed.status.success() {
        true => Ok(()),
        false => Err(format!(
            "ssh-keygen: {}",
            String::from_utf8_lossy(&signed.stderr).trim()
        )),
    }
}

/// Runs a program in a directory. Whether it succeeded.
fn try_tool(dir: &Path, program: &str, arguments: &[&str], stdin: &str) -> bool {
    fs::write(dir.join("stdin"), stdin).unwrap();
    let input = fs::File::open(dir.join("stdin")).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir);
    let output = command.stdin(Stdio::from(input)).output().unwrap();
    output.status.success()
}

#[track_caller]
fn tool(dir: &Path, program: &str, arguments: &[&str]) {
    assert!(
        try_tool(dir, program, arguments, ""),
        "{program} {arguments:?}"
    );
}

/// The one signature in the run, and its statement.
fn stored(run: &RunDir) -> (String, String) {
    let file: SignatureFile = *run.signatures().unwrap().iter().next().unwrap();
    let path = |file: RunFile| run.path().join(file.path()).to_str().unwrap().to_owned();
    (
        path(RunFile::Signature(file)),
        path(RunFile::Statement(file)),
    )
}

fn ssh_keygen_signs_and_checks() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (kind, bits) in [
        ("ed25519", "256"),
        ("rsa", "2048"),
        ("ecdsa", "256"),
        ("ecdsa", "384"),
    ] {
        let key = format!("{kind}-{bits}");
        let make = [
            "-q", "-t", kind, "-b", bits, "-N", "", "-C", "me", "-f", &key,
        ];
        tool(dir.path(), "ssh-keygen", &make);
        let public = fs::read_to_string(at(&format!("{key}.pub"))).unwrap();
        let run = run();
        for statement in [head(&run, HEAD), genesis(&run)] {
            let run = self::run();
            let namespace = statement.namespace();
            let text = statement.to_string();
            fs::write(at("statement"), &text).unwrap();
            let _ = fs::remove_file(at("statement.sig"));
            tool(
                dir.path(),
                "ssh-keygen",
                &["-Y", "sign", "-f", &key, "-n", namespace, "statement"],
            );
            let signature = fs::read(at("statement.sig")).unwrap();
            let taken = accept_signature(&run.run, text.as_bytes(), &signature, None).unwrap();
            let kind = taken.signature.kind();
            run.run
                .add_signature(kind, &signature, text.as_bytes())
                .unwrap();
            let named: SignerKey = public.parse().unwrap();
            let verdict = match statement {
                Statement::Genesis { .. } => Verdict::Partly,
                _ => Verdict::Holds,
            };
            expect(&check_by(&run, &[named]), Level::Signature, verdict, &[]);
            // What we print is what the user compares.
            let print = Command::new("ssh-keygen")
                .args(["-l", "-f", &format!("{key}.pub")])
                .current_dir(dir.path())
                .output()
                .unwrap();
            let print = String::from_utf8(print.stdout).unwrap();
            let fingerprint = taken.key.to_string();
            let fingerprint = fingerprint.split(' ').nth(1).unwrap();
            assert!(print.contains(fingerprint), "{print} {fingerprint}");

            let allowed = format!("me namespaces=\"burn-pow/*\" {public}");
            fs::write(at("allowed"), &allowed).unwrap();
            let (signature, statement) = stored(&run.run);
            let text = fs::read_to_string(statement).unwrap();
            let check = [
                "-Y", "verify", "-f", "allowed", "-I", "me", "-n", namespace, "-s", &signature,
            ];
            assert!(try_tool(dir.path(), "ssh-keygen", &check, &text));
            // The same line names the key for us.
            let named: SignerKey = allowed.parse().unwrap();
            expect(&check_by(&run, &[named]), Level::Signature, verdict, &[]);
        }
    }
}

fn ssh_keygen_refuses_what_we_refuse() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let run = run();
    let (text, other) = (head(&run, HEAD).to_string(), head(&run, 3).to_string());
    let signature = pow_tests::signatures::ssh_sign(1, "burn-pow/head/v1", &text);
    fs::write(at("signature"), signature).unwrap();
    fs::write(
        at("allowed"),
        format!("me {}\n", pow_tests::signatures::ssh_public(1)),
    )
    .unwrap();
    let verify = |namespace: &str, text: &str| {
        let check = [
            "-Y",
            "verify",
            "-f",
            "allowed",
            "-I",
            "me",
            "-n",
            namespace,
            "-s",
            "signature",
        ];
        try_tool(dir.path(), "ssh-keygen", &check, text)
    };
    // What these tests sign without ssh-keygen is what ssh-keygen would sign.
    assert!(verify("burn-pow/head/v1", &text));
    assert!(!verify("burn-pow/genesis/v1", &text));
    assert!(!verify("burn-pow/head/v1", &other));
}

fn minisign_signs_and_checks() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    tool(
        dir.path(),
        "minisign",
        &["-G", "-W", "-p", "key.pub", "-s", "key"],
    );
    let public = fs::read_to_string(at("key.pub")).unwrap();
    let named: SignerKey = public.parse().unwrap();
    for legacy in [false, true] {
        let run = run();
        let text = head(&run, HEAD).to_string();
        fs::write(at("statement"), &text).unwrap();
        let mut sign = vec!["-S", "-s", "key", "-m", "statement"];
        sign.extend(legacy.then_some("-l"));
        tool(dir.path(), "minisign", &sign);
        let signature = fs::read(at("statement.minisig")).unwrap();
        let taken = accept_signature(&run.run, text.as_bytes(), &signature, Some(&named)).unwrap();
        let kind = taken.signature.kind();
        run.run
            .add_signature(kind, &signature, text.as_bytes())
            .unwrap();
        let report = check_by(&run, std::slice::from_ref(&named));
        expect(
            &report,
            Level::Signature,
            Verdict::Holds,
            &[&named.to_string()],
        );
        // It calls its keys what we call them, but for zeros in front, which it leaves out.
        let number = named.to_string();
        let number = number.split(' ').nth(1).unwrap().trim_start_matches('0');
        assert!(public.contains(number), "{public} {number}");

        let (signature, statement) = stored(&run.run);
        let check = ["-V", "-p", "key.pub", "-x", &signature, "-m", &statement];
        tool(dir.path(), "minisign", &check);
    }
    // And it accepts what these tests sign without it.
    let text = head(&run(), HEAD).to_string();
    fs::write(at("statement"), &text).unwrap();
    let signature = pow_tests::signatures::minisign_sign(1, &text);
    fs::write(at("statement.minisig"), signature).unwrap();
    let public = pow_tests::signatures::minisign_public(1);
    tool(
        dir.path(),
        "minisign",
        &["-V", "-P", &public, "-m", "statement"],
    );
}

fn a_key_of_ssh_keygen_that_is_not_supported_is_named() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let make = ["-q", "-t", "ecdsa", "-b", "521", "-N", "", "-f", "key"];
    tool(dir.path(), "ssh-keygen", &make);
    let run = run();
    let text = head(&run, HEAD).to_string();
    fs::write(at("statement"), &text).unwrap();
    let sign = [
        "-Y",
        "sign",
        "-f",
        "key",
        "-n",
        "burn-pow/head/v1",
        "statement",
    ];
    tool(dir.path(), "ssh-keygen", &sign);
    let signature = fs::read(at("statement.sig")).unwrap();
    let refused = accept_signature(&run.run, text.as_bytes(), &signature, None).unwrap_err();
    let words = "keys of ecdsa-sha2-nistp521 are not supported";
    assert!(refused.to_string().contains(words), "{refused}");
    let public = fs::read_to_string(at("key.pub")).unwrap();
    let refused = public.parse::<SignerKey>().unwrap_err();
    assert_eq!(refused.to_string(), words);
}
