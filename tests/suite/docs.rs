//! What the pages refer to is there: files, headings and tests.

mod page;
mod repository;

use crate::requirements::Test;
use page::Page;
use repository::Repository;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// `names` are those of all other tests of this program: the pages may name
/// tests.
pub fn tests(mut names: Vec<String>) -> Vec<Test> {
    const OWN: [&str; 3] = [
        "docs/links",
        "docs/paths",
        "docs/what_is_not_there_is_found",
    ];
    names.extend(OWN.map(str::to_owned));
    let all_names = names.clone();
    vec![
        Test::new(OWN[0], || none(links)),
        Test::new(OWN[1], move || {
            none(|page, repository| paths(page, repository, &names));
        }),
        Test::new(OWN[2], move || what_is_not_there_is_found(&all_names)),
    ]
}

/// Prefixes of code spans that look like paths and are none of this repository:
/// names of formats and tags, and a directory of every run.
const NO_PATHS: [&str; 2] = ["burn-pow/", "checkpoints/"];

/// The pages that a reader is sent to: those of the root, those beside what they
/// describe, and all of docs/.
fn pages(repository: &Repository) -> Vec<Page> {
    let docs = repository.entries(Path::new("docs"));
    let docs = docs
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let others = [
        "README.md",
        "ARCHITECTURE.md",
        "deploy/README.md",
        "tests/attacks/README.md",
        "tests/vectors/v1/README.md",
    ];
    others
        .into_iter()
        .map(PathBuf::from)
        .chain(docs)
        .map(|path| repository.page(&path))
        .collect()
}

/// Fails with everything that `check` finds on any page.
fn none(check: impl Fn(&Page, &Repository) -> Vec<String>) {
    let repository = Repository::this();
    let pages = pages(&repository);
    let found: Vec<_> = pages
        .iter()
        .flat_map(|page| check(page, &repository))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Relative links that lead nowhere, to a file or to a place on a page.
fn links(page: &Page, repository: &Repository) -> Vec<String> {
    let relative = page
        .links
        .iter()
        .filter(|(_, link)| !link.contains("://") && !link.starts_with("mailto:"));
    relative
        .filter_map(|(line, link)| {
            let reason = broken(page, link, repository)?;
            Some(format!("{}:{line}: {link}: {reason}", page.path.display()))
        })
        .collect()
}

/// Why a link leads nowhere.
fn broken(page: &Page, link: &str, repository: &Repository) -> Option<&'static str> {
    let (file, place) = match link.split_once('#') {
        Some((file, place)) => (file, Some(place)),
        None => (link, None),
    };
    if file.is_empty() {
        return missing(page, place?);
    }
    let Some(path) = repository::normal(&page.folder().join(file)) else {
        return Some("leads out of the repository");
    };
    if !repository.has(&path) {
        return Some("no such file");
    }
    let place = place?;
    if path.extension().is_some_and(|extension| extension == "md") {
        missing(&repository.page(&path), place)
    } else {
        Some("only places on pages can be checked")
    }
}

fn missing(page: &Page, place: &str) -> Option<&'static str> {
    (!page.anchors.contains(place)).then_some("no such heading")
}

/// Code that names a file, a directory or a test that is not there.
fn paths(page: &Page, repository: &Repository, tests: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (line, code) in &page.code {
        // A command has its paths among other words; a lone path is all of it.
        let is_command = code.contains(char::is_whitespace);
        for word in code.split_whitespace().filter(|word| is_path(word)) {
            let known = if is_command {
                !repository.is_source(word) || repository.has(Path::new(word))
            } else {
                repository.has(Path::new(word))
                    || repository.is_ignored(Path::new(word))
                    || NO_PATHS.iter().any(|prefix| word.starts_with(prefix))
                    || tests.iter().any(|test| Path::new(test).starts_with(word))
            };
            if !known {
                let at = page.path.display();
                found.push(format!("{at}:{line}: {word}: neither a file nor a test"));
            }
        }
    }
    found
}

/// Whether it is written as a path with a slash inside or at its end.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    word.contains('/') && !word.starts_with(['/', '-']) && word.chars().all(plain)
}

/// The checks themselves, on a page with a defect of each kind.
fn what_is_not_there_is_found(tests: &[String]) {
    let repository = Repository::this();
    let text = "\
# One `code` & two

## One `code` & two

<a id=\"by-hand\"></a>[a](#one-code--two) [b](#one-code--two-1) [c](#by-hand) [d](#nowhere)
[e](../README.md#licence) [f](../README.md#licences) [g](../LICENSE-MIT) [h](LICENSE-MIT)
[i](../../beside) [j](../target/release) [k](https://example.org/missing) ![l](missing.svg)

| `tests/suite/docs.rs` | `tests/suite/none.rs` | `shaders/` | `docs/` |
|---|---|---|---|
| `simd/traced.rs` | `docs/links` | `engines/statistics` | `engines/stat` |

`python3 scripts/none.py 1/2` `runs/mine` `a/b` `1 / 2` `burn-pow/proof/v0`

```sh
cat docs/none.md runs/x   # scripts/param_root.py
```

```rust
let path = \"docs/none.rs\";
```
";
    let page = Page::new(PathBuf::from("docs/page.md"), text);
    // What stands between the page's name and the reason.
    let what = |found: Vec<String>| -> Vec<String> {
        let what = found.iter().map(|line| line.split(": ").nth(1).unwrap());
        what.map(str::to_owned).collect()
    };
    assert_eq!(
        what(links(&page, &repository)),
        [
            "#nowhere",
            "../README.md#licences",
            "LICENSE-MIT",
            "../../beside",
            "../target/release",
            "missing.svg"
        ]
    );
    assert_eq!(
        what(paths(&page, &repository, tests)),
        [
            "tests/suite/none.rs",
            "simd/traced.rs",
            "engines/stat",
            "scripts/none.py",
            "a/b",
            "docs/none.md"
        ]
    );
    let first = &links(&page, &repository)[0];
    assert_eq!(first, "docs/page.md:5: #nowhere: no such heading");
    let anchors = ["one-code--two", "one-code--two-1", "by-hand"];
    assert_eq!(page.anchors, BTreeSet::from(anchors.map(str::to_owned)));
}
