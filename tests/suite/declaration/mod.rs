//! The level `declared`: what was declared before a run, compared with what was done.

mod tools;

use pow_audit::declaration::{Declaration, Declared, GivenDeclaration};
use pow_audit::signature::{Signature, SignerKey};
use pow_audit::{AuditOptions, AuditReport, FieldState, Level, Verdict, audit};
use pow_core::body::{Ending, Genesis};
use pow_core::extension::Known;
use pow_core::hash::{DatasetRoot, FileDigest};
use pow_tests::audits::{expect, lines, report};
use pow_tests::fixture::{CONFIG, Fixture, Plan};
use pow_tests::lineage::BLOCKS;
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign};

tests! {
    mod tools;
    a_run_as_declared_holds, each_field_that_differs_is_named, what_the_run_does_not_say_is_not_held,
        without_the_text_nothing_is_compared, another_declaration_is_refused,
        a_declaration_that_genesis_does_not_name_is_refused, an_unusable_extension_claims_nothing,
        an_unfinished_run_is_compared_in_part, a_named_key_must_have_declared,
        a_signature_for_another_purpose_does_not_count, a_revoked_key_does_not_declare,
        the_line_on_other_runs_says_no_more_than_is_shown, nothing_is_said_where_nothing_was_declared
}

/// The one namespace of declarations, which must never change.
const NAMESPACE: &str = "burn-pow/declaration/v1";

/// The genesis of the usual run.
fn genesis() -> Genesis {
    let mut found = None;
    Fixture::record_with(
        &Plan::default(),
        |genesis| found = Some(genesis.clone()),
        |_| {},
    );
    found.unwrap()
}

/// What the usual run does.
fn declared() -> Declared {
    let genesis = genesis();
    Declared {
        data: genesis.dataset,
        config: Some(FileDigest::of(CONFIG)),
        executable: genesis.code.executable,
        lockfile: genesis.code.lockfile,
        revision: genesis.code.revision.map(|text| text.parse().unwrap()),
        seeds: vec![7, 8, 9],
        steps: Some(6),
        runs: 3.try_into().unwrap(),
        metric: "loss on the test set".parse().unwrap(),
        stopping: "after 6 steps".parse().unwrap(),
    }
}

fn declaration(declared: Declared) -> Declaration {
    Declaration::new(declared).unwrap()
}

/// The usual run, with a declaration named in genesis.
fn run_after(declaration: &Declaration) -> Fixture {
    run_with(vec![Known::Declaration(declaration.digest())])
}

fn run_with(known: Vec<Known>) -> Fixture {
    let names = |genesis: &mut Genesis| {
        genesis.extensions = known.iter().map(Known::to_extension).collect();
    };
    Fixture::record_with(&Plan::default(), names, |recorder| {
        recorder.finish_after(BLOCKS)
    })
}

fn given(declaration: &Declaration) -> GivenDeclaration {
    GivenDeclaration {
        declaration: declaration.clone(),
        signatures: Vec::new(),
        declared_by: Vec::new(),
    }
}

fn check(run: &Fixture, given: GivenDeclaration) -> AuditReport {
    check_without(run, given, Vec::new())
}

fn check_without(run: &Fixture, given: GivenDeclaration, revoked: Vec<SignerKey>) -> AuditReport {
    let options = AuditOptions {
        declaration: Some(given),
        revoked,
        ..AuditOptions::default()
    };
    audit(&run.run, &options, &mut |_| {}).unwrap()
}

fn key(seed: u8) -> SignerKey {
    ssh_public(seed).parse().unwrap()
}

fn signature(seed: u8, namespace: &str, text: &str) -> Signature {
    Signature::parse(ssh_sign(seed, namespace, text).as_bytes()).unwrap()
}

fn a_run_as_declared_holds() {
    let declaration = declaration(declared());
    let report = check(&run_after(&declaration), given(&declaration));
    let words = [
        "declared before genesis, and as declared in each field that a chain shows",
        "data: agrees: ",
        "config: agrees: ",
        "seeds: agrees: 7, of 7, 8, 9",
        "steps: agrees: 6",
        "runs: not checkable: 3 planned, and a chain shows one",
        "metric: not checkable: loss on the test set",
        "stopping: not checkable: after 6 steps",
        "who declared it is not checked (--declared-by)",
    ];
    expect(&report, Level::Declared, Verdict::Holds, &words);
    assert!(report.holds());
    let found = report.declared.as_ref().unwrap();
    assert_eq!(found.named, Some(declaration.digest().to_string()));
    assert_eq!(found.named, found.given);
    let agree = found
        .fields
        .iter()
        .filter(|field| field.state == FieldState::Agrees);
    let names: Vec<&str> = agree.map(|field| field.name).collect();
    let mut expected = vec!["data", "config"];
    let code = genesis().code;
    expected.extend(code.executable.map(|_| "executable"));
    expected.extend(code.lockfile.map(|_| "lockfile"));
    expected.extend(code.revision.map(|_| "revision"));
    expected.extend(["seeds", "steps"]);
    assert_eq!(names, expected);
    // What is not declared is not compared.
    let least = Declared {
        data: None,
        config: None,
        executable: None,
        lockfile: None,
        revision: None,
        seeds: Vec::new(),
        steps: None,
        ..self::declared()
    };
    let declaration = self::declaration(least);
    let report = check(&run_after(&declaration), given(&declaration));
    let words = ["nothing of it can be compared with this chain"];
    expect(&report, Level::Declared, Verdict::Partly, &words);
}

fn each_field_that_differs_is_named() {
    let other = Some(FileDigest([9; 32]));
    let base = || {
        let mut declared = declared();
        declared.executable = genesis().code.executable;
        declared
    };
    let forged = [
        (
            "data",
            Declared {
                data: Some(DatasetRoot([9; 32])),
                ..base()
            },
        ),
        (
            "config",
            Declared {
                config: other,
                ..base()
            },
        ),
        (
            "seeds",
            Declared {
                seeds: vec![6, 8, 9],
                ..base()
            },
        ),
        (
            "steps",
            Declared {
                steps: Some(7),
                ..base()
            },
        ),
    ];
    for (name, declared) in forged {
        let declaration = declaration(declared);
        let report = check(&run_after(&declaration), given(&declaration));
        let words = [format!("NOT AS DECLARED: {name}: DIFFERS: ")];
        expect(&report, Level::Declared, Verdict::Fails, &[&words[0]]);
        assert!(!lines(&report, Level::Declared).contains(&format!("{name}: agrees")));
        let fields = report.declared.unwrap().fields;
        let differing: Vec<_> = fields
            .iter()
            .filter(|field| field.state == FieldState::Differs)
            .map(|field| field.name)
            .collect();
        assert_eq!(differing, [name]);
    }
    // The digests of code are those of genesis, whatever they are.
    let mut code = genesis().code;
    code.executable = Some(FileDigest([1; 32]));
    code.lockfile = Some(FileDigest([2; 32]));
    code.revision = Some("main".into());
    for (name, executable, lockfile, revision) in [
        ("executable", 8, 2, "main"),
        ("lockfile", 1, 8, "main"),
        ("revision", 1, 2, "branch"),
    ] {
        let declaration = declaration(Declared {
            executable: Some(FileDigest([executable; 32])),
            lockfile: Some(FileDigest([lockfile; 32])),
            revision: Some(revision.parse().unwrap()),
            ..base()
        });
        let digest = declaration.digest();
        let code = code.clone();
        let edit = move |genesis: &mut Genesis| {
            genesis.code = code;
            genesis.extensions = vec![Known::Declaration(digest).to_extension()];
        };
        let run = Fixture::record_with(&Plan::default(), edit, |recorder| {
            recorder.finish_after(BLOCKS)
        });
        let report = check(&run, given(&declaration));
        let words = [format!("NOT AS DECLARED: {name}: DIFFERS: ")];
        expect(&report, Level::Declared, Verdict::Fails, &[&words[0]]);
    }
}

fn what_the_run_does_not_say_is_not_held() {
    let declaration = declaration(Declared {
        revision: Some("main".parse().unwrap()),
        ..declared()
    });
    let digest = declaration.digest();
    let edit = move |genesis: &mut Genesis| {
        genesis.code.revision = None;
        genesis.extensions = vec![Known::Declaration(digest).to_extension()];
    };
    let run = Fixture::record_with(&Plan::default(), edit, |recorder| {
        recorder.finish_after(BLOCKS)
    });
    let words = [
        "a part of what a chain could show is not there",
        "revision: not checkable: main was declared, genesis says nothing",
    ];
    let report = check(&run, given(&declaration));
    expect(&report, Level::Declared, Verdict::Partly, &words);
}

fn without_the_text_nothing_is_compared() {
    let declaration = declaration(declared());
    let found = report(&run_after(&declaration).run);
    let words = [format!(
        "genesis names the declaration {}, which was not given (--declaration)",
        declaration.digest()
    )];
    expect(&found, Level::Declared, Verdict::NotChecked, &[&words[0]]);
    assert!(found.holds() && found.declared.unwrap().fields.is_empty());
}

fn another_declaration_is_refused() {
    let declaration = declaration(declared());
    let run = run_after(&declaration);
    // The trainer shows a text that was written after the run.
    let younger = self::declaration(Declared {
        metric: "loss on the training set".parse().unwrap(),
        ..declared()
    });
    let report = check(&run, given(&younger));
    let words = [format!(
        "ANOTHER DECLARATION: genesis names {}",
        declaration.digest()
    )];
    expect(&report, Level::Declared, Verdict::Fails, &[&words[0]]);
    assert!(!lines(&report, Level::Declared).contains("agrees"));
}

fn a_declaration_that_genesis_does_not_name_is_refused() {
    let declaration = declaration(declared());
    let report = check(&Fixture::default(), given(&declaration));
    let words = ["NOT DECLARED: genesis names no declaration, so this one may be younger"];
    expect(&report, Level::Declared, Verdict::Fails, &words);
}

fn an_unusable_extension_claims_nothing() {
    let declaration = declaration(declared());
    let named = || Known::Declaration(declaration.digest());
    let report = check(&run_with(vec![named(), named()]), given(&declaration));
    let words = ["is unusable: genesis has 2 extensions of this type"];
    expect(&report, Level::Declared, Verdict::NotChecked, &words);
}

fn an_unfinished_run_is_compared_in_part() {
    let declared_steps = |steps, planned| {
        let declaration = declaration(Declared {
            steps,
            ..declared()
        });
        let known = Known::Declaration(declaration.digest());
        let plan = Plan {
            planned,
            ..Plan::default()
        };
        let edit = |genesis: &mut Genesis| genesis.extensions = vec![known.to_extension()];
        let run = Fixture::record_with(&plan, edit, |recorder| recorder.steps(&[0]));
        check(&run, given(&declaration))
    };
    let words = ["steps: not checkable: 6 were declared, and there is no final block"];
    expect(
        &declared_steps(Some(6), Some(6)),
        Level::Declared,
        Verdict::Partly,
        &words,
    );
    expect(
        &declared_steps(Some(6), None),
        Level::Declared,
        Verdict::Partly,
        &words,
    );
    let words = ["NOT AS DECLARED: steps: DIFFERS: 6 were declared, genesis plans 9"];
    expect(
        &declared_steps(Some(6), Some(9)),
        Level::Declared,
        Verdict::Fails,
        &words,
    );
}

fn a_named_key_must_have_declared() {
    let declaration = declaration(declared());
    let run = run_after(&declaration);
    let text = declaration.text();
    let by = |signatures: Vec<Signature>, declared_by: Vec<SignerKey>| {
        let declaration = declaration.clone();
        let given = GivenDeclaration {
            declaration,
            signatures,
            declared_by,
        };
        check(&run, given)
    };
    let report = by(vec![signature(1, NAMESPACE, text)], vec![key(1)]);
    let words = [
        format!("signed by {}", key(1)),
        "a signature has no date".into(),
    ];
    expect(
        &report,
        Level::Declared,
        Verdict::Holds,
        &[&words[0], &words[1]],
    );
    assert!(report.declared.unwrap().declared_by[0].signed);
    let minisign: SignerKey = minisign_public(3).parse().unwrap();
    let made = Signature::parse(minisign_sign(3, text).as_bytes()).unwrap();
    let report = by(vec![made], vec![minisign]);
    expect(
        &report,
        Level::Declared,
        Verdict::Holds,
        &["signed by minisign"],
    );
    // Nobody, somebody else, and one of two.
    let missing = format!("NOT SIGNED by {}", key(2));
    for (signatures, keys) in [
        (vec![], vec![key(2)]),
        (vec![signature(1, NAMESPACE, text)], vec![key(2)]),
        (vec![signature(1, NAMESPACE, text)], vec![key(1), key(2)]),
    ] {
        let report = by(signatures, keys);
        expect(&report, Level::Declared, Verdict::Fails, &[&missing]);
    }
    let report = by(vec![signature(1, NAMESPACE, text)], vec![]);
    expect(
        &report,
        Level::Declared,
        Verdict::Holds,
        &["you did not name it (--declared-by)"],
    );
}

fn a_signature_for_another_purpose_does_not_count() {
    let declaration = declaration(declared());
    let run = run_after(&declaration);
    let text = declaration.text();
    let other = text.replacen("runs 3", "runs 4", 1);
    for (made, words) in [
        (
            signature(1, "burn-pow/head/v1", text),
            "made for the namespace \"burn-pow/head/v1\", not \"burn-pow/declaration/v1\"",
        ),
        (
            signature(1, NAMESPACE, &other),
            "WRONG: it is not a signature of this key",
        ),
    ] {
        let given = GivenDeclaration {
            signatures: vec![made],
            declared_by: vec![key(1)],
            ..given(&declaration)
        };
        expect(
            &check(&run, given),
            Level::Declared,
            Verdict::Fails,
            &["NOT SIGNED by", words],
        );
    }
}

fn a_revoked_key_does_not_declare() {
    let declaration = declaration(declared());
    let given = GivenDeclaration {
        signatures: vec![signature(1, NAMESPACE, declaration.text())],
        declared_by: vec![key(1)],
        ..given(&declaration)
    };
    let report = check_without(&run_after(&declaration), given, vec![key(1)]);
    let words = ["NOT SIGNED by", "you call it revoked (--revoked)"];
    expect(&report, Level::Declared, Verdict::Fails, &words);
}

fn the_line_on_other_runs_says_no_more_than_is_shown() {
    let plain = "how many other runs were made and discarded";
    let said = |report: &AuditReport| {
        let lines = report.not_shown.iter();
        let found: Vec<&String> = lines.filter(|line| line.starts_with(plain)).collect();
        assert_eq!(found.len(), 1, "{report}");
        found[0].to_owned()
    };
    let three = declaration(declared());
    let run = run_after(&three);
    assert_eq!(said(&report(&run.run)), plain);
    assert_eq!(
        said(&check(&run, given(&three))),
        "how many other runs were made and discarded: 3 runs were declared before genesis, and this may be one; that there were no more, and no other declaration, is not shown"
    );
    let one = declaration(Declared {
        seeds: vec![7],
        runs: 1.try_into().unwrap(),
        ..declared()
    });
    let line = said(&check(&run_after(&one), given(&one)));
    assert!(
        line.contains(
            "1 run was declared before genesis, which may be this one; that there were no more"
        ),
        "{line}"
    );
    // What is not followed, not signed as asked, or not that of genesis changes nothing.
    let wrong = declaration(Declared {
        steps: Some(7),
        ..declared()
    });
    assert_eq!(said(&check(&run_after(&wrong), given(&wrong))), plain);
    assert_eq!(said(&check(&run, given(&one))), plain);
    let unsigned = GivenDeclaration {
        declared_by: vec![key(1)],
        ..given(&three)
    };
    assert_eq!(said(&check(&run, unsigned)), plain);
    let metric = "whether metric and stopping rule are those declared: a chain has neither";
    assert!(
        check(&run, given(&three))
            .not_shown
            .iter()
            .any(|line| line == metric)
    );
}

fn nothing_is_said_where_nothing_was_declared() {
    let run = Fixture::default();
    let found = report(&run.run);
    assert!(found.level(Level::Declared).is_none() && found.declared.is_none());
    let options = AuditOptions {
        require: [Level::Declared].into(),
        ..AuditOptions::default()
    };
    let found = audit(&run.run, &options, &mut |_| {}).unwrap();
    let words = ["genesis names no declaration, and none was given"];
    expect(&found, Level::Declared, Verdict::NotChecked, &words);
    assert!(!found.holds());
    // A run that stopped early is not as declared.
    let declaration = declaration(Declared {
        steps: Some(9),
        ..declared()
    });
    let known = Known::Declaration(declaration.digest());
    let plan = Plan {
        planned: Some(9),
        ..Plan::default()
    };
    let edit = |genesis: &mut Genesis| genesis.extensions = vec![known.to_extension()];
    let run = Fixture::record_with(&plan, edit, |recorder| {
        for steps in BLOCKS {
            recorder.steps(steps);
        }
        recorder.end(Ending::Stopped);
    });
    let words = ["DIFFERS: 9 were declared, the run stopped after 6"];
    expect(
        &check(&run, given(&declaration)),
        Level::Declared,
        Verdict::Fails,
        &words,
    );
}
