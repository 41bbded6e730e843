//! What the pages tell a reader to type is there to be typed.

use crate::commands::{Shown, shown};
use crate::program::{ended, program, started};
use crate::test;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::path::Path;

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "pages/each_example_in_the_pages_has_its_options",
            each_example_in_the_pages_has_its_options,
        ),
        test(
            "pages/the_options_of_digits_in_the_readme_are_all_of_them",
            the_options_of_digits_in_the_readme_are_all_of_them,
        ),
    ]
}

fn help(name: &str, subcommand: Option<&str>) -> String {
    let mut command = program(name);
    command.args(subcommand).arg("--help");
    let (code, stdout, stderr) = ended(started(command));
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

/// The word after `option`.
fn value<'a>(call: &'a Shown, option: &str) -> Option<&'a str> {
    let at = call.words.iter().position(|word| word == option)?;
    call.words.get(at + 1).map(String::as_str)
}

fn each_example_in_the_pages_has_its_options() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut named = BTreeSet::new();
    for call in shown("cargo run ") {
        let Some(name) = value(&call, "--example") else {
            continue;
        };
        if value(&call, "-p") == Some("burn-pow") {
            let file = format!("../crates/burn-pow/examples/{name}.rs");
            assert!(root.join(&file).exists(), "{}: {file}", call.page);
            continue;
        }
        let entry = format!("[[example]]\nname = \"{name}\"\n");
        assert!(manifest.contains(&entry), "{}: {name}", call.page);
        if let Some(feature) = value(&call, "--features") {
            let entry = format!("\n{feature} = [");
            assert!(manifest.contains(&entry), "{}: {feature}", call.page);
        }
        // What stands after `--` is the program's; before it, cargo's.
        let own = call.words.iter().position(|word| word == "--");
        if let Some(own) = own {
            let first = call.words.get(own + 1).map(String::as_str);
            let subcommand = first.filter(|word| !word.starts_with("--"));
            assert!(matches!(subcommand, None | Some("replay")), "{call:?}");
            let help = help(name, subcommand);
            call.has_options(own + 1, &help);
        }
        named.insert(name.to_string());
    }
    let expected = ["digits", "handwritten", "mnist", "paper", "transformer"];
    assert_eq!(named, expected.map(String::from).into());
}

fn the_options_of_digits_in_the_readme_are_all_of_them() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, paragraph) = readme.split_once("\nOptions of `digits` ").unwrap();
    let (paragraph, _) = paragraph.split_once("\n\n").unwrap();
    let spans = paragraph.split('`').skip(1).step_by(2);
    let told: BTreeSet<&str> = spans
        .filter(|span| span.starts_with("--") && !span.starts_with("-- "))
        .filter_map(|span| span.split_whitespace().next())
        .collect();
    let help = help("digits", None);
    let lines = help.lines().map(str::trim_start);
    let there: BTreeSet<&str> = lines
        .filter(|line| line.starts_with("--"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(told, there);
}
