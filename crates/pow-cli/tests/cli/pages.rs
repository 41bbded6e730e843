//! The commands that the pages show exist.

use crate::program::pow;
use pow_tests::commands::{Shown, shown};
use std::collections::BTreeSet;

/// What the pages show of `pow`, by any of its names, from the subcommand on.
fn calls() -> Vec<Shown> {
    let mut calls = Vec::new();
    for start in ["pow ", "cargo run --release -p pow-cli -- "] {
        for mut call in shown(start) {
            call.words.drain(..start.split_whitespace().count());
            calls.push(call);
        }
    }
    calls
}

/// The subcommands, as `pow` lists them.
fn subcommands() -> BTreeSet<String> {
    let help = pow(&["--help"]).stdout;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(Into::into)
        .collect()
}

#[test]
fn each_call_of_pow_in_the_pages_has_its_options() {
    let subcommands = subcommands();
    let mut named = BTreeSet::new();
    for call in calls() {
        let name = &call.words[0];
        assert!(subcommands.contains(name), "{}: pow {name}", call.page);
        let help = pow(&[name, "--help"]);
        help.expect(0, &[]);
        call.has_options(1, &help.stdout);
        named.insert(name.clone());
    }
    // Each subcommand is on some page.
    assert_eq!(named, subcommands);
}
