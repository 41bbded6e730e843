//! `scripts/declaration.py` says of each declaration what the library says, and `ssh-keygen`
//! and `minisign` sign one.

use super::{NAMESPACE, check, declaration, declared, given, run_after};
use crate::python::script;
use pow_audit::declaration::{Declaration, Declared, GivenDeclaration};
use pow_audit::signature::{Signature, SignerKey};
use pow_audit::{Level, Verdict};
use pow_tests::audits::expect;
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

tests! {
    Python: the_script_compares_alike, the_script_reads_the_same_form;
    SshKeygen: a_declaration_is_signed_by_ssh_keygen;
    Python + SshKeygen: the_script_checks_who_declared;
    Python + Minisign: the_script_checks_minisign
}

/// The exit code and the output of the script.
fn asked(dir: &Path, text: &[u8], chain: &Path, more: &[&Path]) -> (i32, String) {
    let file = dir.join("plan.txt");
    fs::write(&file, text).unwrap();
    let arguments = [&[&file as &Path, chain], more].concat();
    let output = script("declaration.py", &arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout) + &text(output.stderr),
    )
}

fn the_script_compares_alike() {
    let dir = TempDir::new().unwrap();
    let changed = |change: fn(&mut Declared)| {
        let mut all = declared();
        change(&mut all);
        declaration(all)
    };
    let all = [
        declaration(declared()),
        changed(|all| all.data = None),
        changed(|all| all.seeds = vec![1, 2, 3]),
        changed(|all| all.seeds.clear()),
        changed(|all| all.steps = Some(9)),
        changed(|all| all.revision = Some("an older one".parse().unwrap())),
        changed(|all| all.lockfile = all.config),
        changed(|all| all.config = all.executable),
    ];
    for declaration in all {
        let run = run_after(&declaration);
        let report = check(&run, given(&declaration));
        let (code, said) = asked(
            dir.path(),
            declaration.text().as_bytes(),
            &run.run.chain(),
            &[],
        );
        let fails = report.level(Level::Declared).unwrap().verdict == Verdict::Fails;
        assert_eq!(code, i32::from(fails), "{said}");
        let ours = report.declared.unwrap().fields.into_iter().map(|field| {
            let word = field.line.split(": ").next().unwrap().to_lowercase();
            format!("{} {word}\n", field.name)
        });
        assert_eq!(said, ours.collect::<String>());
        // Another run does not name it.
        let other = pow_tests::fixture::Fixture::default();
        let (code, said) = asked(
            dir.path(),
            declaration.text().as_bytes(),
            &other.run.chain(),
            &[],
        );
        assert_eq!(
            (code, said.as_str()),
            (1, "does not hold: genesis names no declaration\n")
        );
    }
}

fn the_script_reads_the_same_form() {
    let dir = TempDir::new().unwrap();
    let good = declaration(declared());
    let run = run_after(&good);
    let (mut form, mut digest) = (0, 0);
    for at in 0..good.text().len() {
        for flip in [1, 0x20] {
            let mut bad = good.text().as_bytes().to_vec();
            bad[at] ^= flip;
            // One script a byte is slow, so only some of the words are tried.
            if at % 7 != 0 {
                continue;
            }
            let ours = Declaration::parse(&bad);
            let (code, said) = asked(dir.path(), &bad, &run.run.chain(), &[]);
            assert_eq!(code, 1, "byte {at}: {said}");
            // The script reads the form first.
            let other = said.contains("genesis names another declaration");
            assert_eq!(other, ours.is_ok(), "byte {at}: {said} {ours:?}");
            match other {
                true => digest += 1,
                false => form += 1,
            }
        }
    }
    assert!(form > 20 && digest > 20, "{form} {digest}");
}

fn a_declaration_is_signed_by_ssh_keygen() {
    let dir = TempDir::new().unwrap();
    let declaration = declaration(declared());
    fs::write(dir.path().join("plan.txt"), declaration.text()).unwrap();
    for arguments in [
        &["-q", "-t", "ed25519", "-N", "", "-f", "key"][..],
        &["-Y", "sign", "-f", "key", "-n", NAMESPACE, "plan.txt"],
    ] {
        let done = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(dir.path())
            .output();
        assert!(done.unwrap().status.success());
    }
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let key: SignerKey = read("key.pub").parse().unwrap();
    let given = GivenDeclaration {
        signatures: vec![Signature::parse(read("plan.txt.sig").as_bytes()).unwrap()],
        declared_by: vec![key.clone()],
        ..given(&declaration)
    };
    let words = [format!("signed by {key}")];
    let report = check(&run_after(&declaration), given);
    expect(&report, Level::Declared, Verdict::Holds, &[&words[0]]);
}

/// Asks the script whether the key signed the declaration.
fn who(public: &str, signature: &str) -> (i32, String) {
    let dir = TempDir::new().unwrap();
    let declaration = declaration(declared());
    let run = run_after(&declaration);
    let path = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name)
    };
    let (key, signed) = (path("key.pub", public), path("signature", signature));
    let text = declaration.text().as_bytes();
    asked(dir.path(), text, &run.run.chain(), &[&key, &signed])
}

fn the_script_checks_who_declared() {
    let declaration = declaration(declared());
    let text = declaration.text();
    let (code, said) = who(&ssh_public(1), &ssh_sign(1, NAMESPACE, text));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("signed by ssh-ed25519 "), "{said}");
    for (seed, signature, words) in [
        (2, ssh_sign(1, NAMESPACE, text), "made by another key"),
        (
            1,
            ssh_sign(1, "burn-pow/head/v1", text),
            "ssh-keygen refuses it",
        ),
        (
            1,
            ssh_sign(1, NAMESPACE, "another"),
            "ssh-keygen refuses it",
        ),
        (
            1,
            "nothing".into(),
            "neither a signature of SSH nor one of minisign",
        ),
        (
            1,
            ssh_sign(1, NAMESPACE, text).replacen("SIGNATURE-----\n", "SIGNATURE-----\n!", 1),
            "not base64",
        ),
    ] {
        let (code, said) = who(&ssh_public(seed), &signature);
        assert_eq!((code, said.contains(words)), (1, true), "{words}: {said}");
    }
}

fn the_script_checks_minisign() {
    let declaration = declaration(declared());
    let signature = minisign_sign(1, declaration.text());
    let (code, said) = who(&minisign_public(1), &signature);
    assert_eq!((code, said.contains("signed by RW")), (0, true), "{said}");
    let forged = minisign_sign(1, "another");
    let (code, said) = who(&minisign_public(1), &forged);
    assert_eq!(
        (code, said.contains("minisign refuses it")),
        (1, true),
        "{said}"
    );
}
