use super::*;

fn text(text: &str) -> DeclaredText {
    text.parse().unwrap()
}

fn full() -> Declared {
    Declared {
        data: Some(DatasetRoot([1; 32])),
        config: Some(FileDigest([2; 32])),
        executable: Some(FileDigest([3; 32])),
        lockfile: Some(FileDigest([4; 32])),
        revision: Some(text("v1 of the code")),
        seeds: vec![1, 22, 333],
        steps: Some(6),
        runs: 3.try_into().unwrap(),
        metric: text("accuracy, größer ist besser"),
        stopping: text("after 6 steps"),
    }
}

fn least() -> Declared {
    Declared {
        data: None,
        config: None,
        executable: None,
        lockfile: None,
        revision: None,
        seeds: vec![],
        steps: None,
        runs: 1.try_into().unwrap(),
        metric: text("m"),
        stopping: text("s"),
    }
}

#[test]
fn a_declaration_has_one_form() {
    let least = Declaration::new(least()).unwrap();
    assert_eq!(
        least.text(),
        "burn-pow/declaration/v1\nruns 1\nmetric m\nstopping s\n"
    );
    let full = Declaration::new(full()).unwrap();
    for declaration in [least, full] {
        let text = declaration.text();
        assert_eq!(Declaration::parse(text.as_bytes()).unwrap(), declaration);
        // No declaration begins another one.
        for end in 0..text.len() {
            Declaration::parse(&text.as_bytes()[..end]).unwrap_err();
        }
        Declaration::parse(format!("{text}\n").as_bytes()).unwrap_err();
    }
}

#[test]
fn the_longest_declaration_is_allowed() {
    let long = || Some(text(&"x".repeat(MAX_DECLARED_TEXT)));
    let longest = Declared {
        revision: long(),
        seeds: (0..MAX_SEEDS as u64).map(|n| u64::MAX - 63 + n).collect(),
        steps: Some(u64::MAX),
        runs: 64.try_into().unwrap(),
        metric: long().unwrap(),
        stopping: long().unwrap(),
        ..full()
    };
    Declaration::new(longest).unwrap();
}

#[test]
fn other_spellings_are_refused_at_their_line() {
    let good = Declaration::new(full()).unwrap();
    let changed = |from: &str, to: &str| {
        let other = good.text().replacen(from, to, 1);
        assert_ne!(other, good.text());
        Declaration::parse(other.as_bytes()).unwrap_err()
    };
    let line = |error: DeclarationError| match error {
        DeclarationError::Form { line, .. } => line,
        error => panic!("{error}"),
    };
    assert_eq!(changed("/v1\n", "/v2\n"), DeclarationError::Kind);
    assert_eq!(changed("/v1\n", "/v1\r\n"), DeclarationError::Kind);
    assert_eq!(line(changed("data 01", "data 0")), 2);
    assert_eq!(line(changed("data 0101", "data 01 1")), 2);
    assert_eq!(line(changed("revision v1", "revision  v1")), 6);
    assert_eq!(line(changed("code\n", "code \n")), 6);
    assert_eq!(line(changed("revision v1", "revision v\t1")), 6);
    assert_eq!(line(changed("seeds 1 ", "seeds 01 ")), 7);
    assert_eq!(line(changed("seeds 1 ", "seeds 1  ")), 7);
    assert_eq!(line(changed("seeds 1", "seeds -1")), 7);
    assert_eq!(line(changed("steps 6", "steps +6")), 8);
    assert_eq!(line(changed("runs 3", "runs 0")), 9);
    assert_eq!(line(changed("runs 3\n", "")), 9);
    assert_eq!(line(changed("metric ", "Metric ")), 10);
    // Out of order, or twice.
    assert_eq!(
        line(changed(
            "seeds 1 22 333\nsteps 6\n",
            "steps 6\nseeds 1 22 333\n"
        )),
        8
    );
    assert_eq!(line(changed("steps 6\n", "steps 6\nsteps 6\n")), 9);
    assert_eq!(line(changed("steps 6\n", "note mine\n")), 8);
    let long = "x".repeat(MAX_DECLARATION);
    assert_eq!(
        changed("metric ", &format!("metric {long}")),
        DeclarationError::TooLong
    );
}

#[test]
fn seeds_are_those_of_the_runs() {
    let with = |seeds: Vec<u64>, runs: u32| {
        let runs = runs.try_into().unwrap();
        Declaration::new(Declared {
            seeds,
            runs,
            ..least()
        })
    };
    assert!(with(vec![5, 9], 2).is_ok());
    let seeds = |seeds, runs| Err(DeclarationError::Seeds { seeds, runs });
    assert_eq!(with(vec![5, 9], 3), seeds(2, 3));
    assert_eq!(with(vec![5], 2), seeds(1, 2));
    let order = |a, b| Err(DeclarationError::SeedOrder(a, b));
    assert_eq!(with(vec![9, 5], 2), order(9, 5));
    assert_eq!(with(vec![5, 5], 2), order(5, 5));
    let many = (0..65).collect();
    assert_eq!(with(many, 65), Err(DeclarationError::TooManySeeds(65)));
}

#[test]
fn a_text_is_one_line() {
    let refused = |text: &str| text.parse::<DeclaredText>().unwrap_err();
    assert_eq!(refused(""), DeclaredTextError::Length(0));
    assert_eq!(refused(&"ä".repeat(257)), DeclaredTextError::Length(514));
    assert_eq!(refused("a\nb"), DeclaredTextError::Control(2));
    assert_eq!(refused("ab\u{85}"), DeclaredTextError::Control(3));
    assert_eq!(refused(" a"), DeclaredTextError::Space);
    assert_eq!(refused("a "), DeclaredTextError::Space);
}
