//! Signatures with one defect each. Each is refused in its own words, and the level fails
//! even beside a signature that counts.

use super::{HEAD, add, check_by, head, key, run, sign, states};
use pow_audit::{Level, SignatureState, Verdict};
use pow_ledger::{RunFile, SignatureFile, SignatureKind};
use pow_tests::audits::expect;
use pow_tests::fixture::Fixture;
use pow_tests::signatures::{minisign_sign, ssh_sign};
use std::fs;

tests! {
    each_forged_signature_has_its_own_words, what_cannot_be_checked_is_no_fault,
        damage_is_named, too_many_signatures_are_said_to_be
}

const NAMESPACE: &str = "burn-pow/head/v1";

/// Name of the defect, the signature, its statement, the state, and the words.
type Case = (&'static str, String, String, SignatureState, &'static str);

fn cases(run: &Fixture) -> Vec<Case> {
    use SignatureState::{Foreign, Malformed, OtherChain, Wrong, WrongNamespace};
    let text = head(run, HEAD).to_string();
    let good = ssh_sign(1, NAMESPACE, &text);
    let minisign = minisign_sign(1, &text);
    let other = head(&Fixture::other(), HEAD).to_string();
    let rebuilt = head(run, 3).to_string().replace("block 3", "block 4");
    let earlier = head(run, 3).to_string();
    let lines: Vec<&str> = good.lines().collect();
    let cut = lines[..lines.len() - 1].join("\n");
    let short = [lines[0], lines[1], lines[lines.len() - 1]].join("\n");
    // Two characters in the middle of the base64 of the signature itself.
    let flipped = {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let at = lines.len() - 2;
        lines[at] = lines[at].chars().rev().collect::<String>().to_lowercase();
        lines.join("\n")
    };
    assert_ne!(flipped, good);
    vec![
        (
            "of_another_run",
            ssh_sign(1, NAMESPACE, &other),
            other.clone(),
            Foreign,
            "FOREIGN: over the run with the genesis block",
        ),
        (
            "of_another_chain",
            ssh_sign(1, NAMESPACE, &rebuilt),
            rebuilt,
            OtherChain,
            "ANOTHER CHAIN: over block 4",
        ),
        (
            "over_another_statement",
            good.clone(),
            earlier,
            Wrong,
            "WRONG: it is not a signature",
        ),
        (
            "over_another_run_passed_off",
            ssh_sign(1, NAMESPACE, &other),
            text.clone(),
            Wrong,
            "WRONG: it is not a signature",
        ),
        (
            "for_files",
            ssh_sign(1, "file", &text),
            text.clone(),
            WrongNamespace,
            "made for the namespace \"file\", not \"burn-pow/head/v1\"",
        ),
        (
            "for_reports",
            ssh_sign(1, "burn-pow/replay-report/v1", &text),
            text.clone(),
            WrongNamespace,
            "made for the namespace \"burn-pow/replay-report/v1\"",
        ),
        (
            "cut_off",
            cut,
            text.clone(),
            Malformed,
            "truncated: its last line is missing",
        ),
        ("shortened", short, text.clone(), Malformed, "malformed: "),
        (
            "garbled",
            flipped,
            text.clone(),
            Wrong,
            "WRONG: it is not a signature",
        ),
        (
            "words",
            "it is mine".into(),
            text.clone(),
            Malformed,
            "begins neither as an SSH signature nor as one of minisign",
        ),
        (
            "a_private_key",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n".into(),
            text.clone(),
            Malformed,
            "begins neither as an SSH signature nor as one of minisign",
        ),
        (
            "long",
            good.clone() + &"\n".repeat(1 << 14),
            text.clone(),
            Malformed,
            "longer than 16384 bytes",
        ),
        (
            "minisign_named_as_ssh",
            minisign.clone(),
            text.clone(),
            Malformed,
            "of another kind than its name says",
        ),
        (
            "statement_of_no_kind",
            good.clone(),
            text.replace("head", "tail"),
            Malformed,
            "its statement: not a statement of `pow sign`",
        ),
        (
            "statement_in_another_form",
            good,
            text.replace('\n', "\r\n"),
            Malformed,
            "its statement: not a statement of `pow sign`",
        ),
    ]
}

fn each_forged_signature_has_its_own_words() {
    let run = run();
    for (name, signature, statement, state, words) in cases(&run) {
        let run = self::run();
        add(&run, SignatureKind::Ssh, &signature, &statement);
        sign(&run, 2, &head(&run, HEAD));
        let report = check_by(&run, &[key(2)]);
        expect(&report, Level::Signature, Verdict::Fails, &[words]);
        assert!(states(&report).contains(&state), "{name}: {report}");
        assert!(states(&report).contains(&SignatureState::Counts), "{name}");
        assert_eq!(report.headline, "THE REQUIRED LEVELS HOLD, OTHERS FAIL");
    }
    // Those of minisign have a name of their own, and are checked by the key that is named.
    let text = head(&run, HEAD).to_string();
    let good = minisign_sign(1, &text);
    let lines: Vec<&str> = good.lines().collect();
    let other = minisign_sign(1, &head(&run, 3).to_string());
    for (signature, words) in [
        (
            lines[..3].join("\n"),
            "truncated: it has fewer than four lines",
        ),
        (
            good.clone() + "more\n",
            "malformed: it has more than four lines",
        ),
        (
            good.replace("1700000000", "1700000001"),
            "WRONG: it is not a signature",
        ),
        (other, "WRONG: it is not a signature"),
    ] {
        let run = self::run();
        add(&run, SignatureKind::Minisign, &signature, &text);
        let named = pow_tests::signatures::minisign_public(1).parse().unwrap();
        let report = check_by(&run, &[named]);
        expect(&report, Level::Signature, Verdict::Fails, &[words]);
    }
}

fn what_cannot_be_checked_is_no_fault() {
    // An RSA key of 1,024 bits and one of DSA, made and used by ssh-keygen.
    for (name, words) in [
        (
            "rsa-1024.sig",
            "not checked: its key: an RSA key of 1024 bits",
        ),
        (
            "dsa.sig",
            "not checked: its key: keys of ssh-dss are not supported",
        ),
    ] {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("vectors/signatures")
            .join(name);
        let run = run();
        let text = head(&run, HEAD).to_string();
        add(
            &run,
            SignatureKind::Ssh,
            &fs::read_to_string(file).unwrap(),
            &text,
        );
        sign(&run, 2, &head(&run, HEAD));
        let report = check_by(&run, &[key(2)]);
        expect(&report, Level::Signature, Verdict::Holds, &[words]);
        assert!(states(&report).contains(&SignatureState::Unsupported));
    }
}

fn damage_is_named() {
    let signed = || {
        let run = run();
        sign(&run, 1, &head(&run, HEAD));
        let file = *run.run.signatures().unwrap().iter().next().unwrap();
        (run, file)
    };
    let path = |run: &Fixture, file: RunFile| run.run.path().join(file.path());
    let (run, file) = signed();
    fs::remove_file(path(&run, RunFile::Statement(file))).unwrap();
    let report = check_by(&run, &[key(1)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Fails,
        &["DAMAGED", ".txt"],
    );
    assert_eq!(states(&report), [SignatureState::Damaged]);

    let (run, file) = signed();
    let place = path(&run, RunFile::Signature(file));
    let text = fs::read_to_string(&place).unwrap();
    fs::write(&place, text + "\n").unwrap();
    let report = check_by(&run, &[key(1)]);
    let words = ["DAMAGED: its bytes are not those that its name says"];
    expect(&report, Level::Signature, Verdict::Fails, &words);

    // A statement that was changed is one that was not signed.
    let (run, file) = signed();
    let place = path(&run, RunFile::Statement(file));
    fs::write(&place, head(&run, 3).to_string()).unwrap();
    let report = check_by(&run, &[key(1)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Fails,
        &["WRONG: it is not a signature"],
    );
}

fn too_many_signatures_are_said_to_be() {
    let run = run();
    let text = head(&run, HEAD).to_string();
    let good = ssh_sign(1, NAMESPACE, &text);
    for count in 0..257 {
        // Each has bytes of its own.
        add(
            &run,
            SignatureKind::Ssh,
            &(good.clone() + &"\n".repeat(count)),
            &text,
        );
    }
    let names = run.run.signatures().unwrap();
    assert_eq!(names.len(), 257);
    assert!(names.contains(&SignatureFile::of(SignatureKind::Ssh, good.as_bytes())));
    let report = check_by(&run, &[key(1)]);
    let words = ["1 signature was not read: at most 256 are"];
    expect(&report, Level::Signature, Verdict::Holds, &words);
}
