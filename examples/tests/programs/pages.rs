//! The commands and options that the pages show exist.

use crate::commands::{Shown, shown};
use crate::program::{command, start};
use std::collections::BTreeSet;
use std::path::Path;

tests! { each_example_in_the_pages_has_its_options, the_readme_lists_all_options }

fn help(name: &str, subcommand: Option<&str>) -> String {
    let mut command = command(name);
    command.args(subcommand).arg("--help");
    start(command).ended(0).stdout
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
        let entry = format!("[[example]]\nname = \"{name}\"\n");
        assert!(manifest.contains(&entry), "{}: {name}", call.page);
        if let Some(feature) = value(&call, "--features") {
            let entry = format!("\n{feature} = [");
            assert!(manifest.contains(&entry), "{}: {feature}", call.page);
        }
        // The options after `--` are the program's, those before it are cargo's.
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
    // Every example is shown on some page.
    let entries = manifest.split("[[example]]\nname = \"").skip(1);
    let names = entries.map(|entry| entry.split('"').next().unwrap().to_string());
    assert_eq!(named, names.collect());
}

/// The tables "Options of …" of the examples' README. A row whose third of four
/// cells names programs belongs to those only.
fn the_readme_lists_all_options() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut tables = BTreeSet::new();
    for table in page.split("# Options of ").skip(1) {
        let (programs, table) = table.split_once('\n').unwrap();
        let rows = table.lines().skip_while(|line| !line.starts_with("| `--"));
        let rows = rows.map_while(|line| line.strip_prefix("| `--"));
        // A row ends with a `|`, behind which there is one more, empty cell.
        let rows: Vec<Vec<&str>> = rows
            .map(|row| row.split('|').map(str::trim).collect())
            .collect();
        for program in programs.split('`').skip(1).step_by(2) {
            let is_its = |row: &&Vec<&str>| {
                let only = row.get(2).filter(|only| row.len() == 5 && !only.is_empty());
                only.is_none_or(|only| only.contains(&format!("`{program}`")))
            };
            let names = rows.iter().filter(is_its).map(|row| row[0]);
            let named = names.filter_map(|name| name.split(['`', ' ']).next());
            let help = match program {
                "replay" => help("digits", Some("replay")),
                _ => help(program, None),
            };
            let lines = help.lines().map(str::trim_start);
            let there = lines.filter_map(|line| line.strip_prefix("--"));
            let there = there.filter_map(|line| line.split_whitespace().next());
            let [named, there] = [named.collect::<BTreeSet<_>>(), there.collect()];
            assert_eq!(named, there, "{program}");
            tables.insert(program);
        }
    }
    let expected = [
        "digits",
        "gan",
        "handwritten",
        "lstm",
        "mnist",
        "paper",
        "replay",
        "transformer",
    ];
    assert_eq!(tables, expected.into());
}
