//! What the pages refer to is there: files, headings and tests.

use crate::requirements::Test;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// `names` are those of all other tests of this program. Pages may name tests.
pub fn tests(mut names: Vec<String>) -> Vec<Test> {
    const OWN: [&str; 2] = ["docs/references", "docs/what_is_not_there_is_found"];
    names.extend(OWN.map(str::to_owned));
    let all_names = names.clone();
    vec![
        Test::new(OWN[0], move || {
            let found: Vec<_> = pages()
                .iter()
                .flat_map(|page| page.defects(&names))
                .collect();
            assert!(found.is_empty(), "\n{}", found.join("\n"));
        }),
        Test::new(OWN[1], move || what_is_not_there_is_found(&all_names)),
    ]
}

/// Prefixes of code spans that look like paths of this repository and are not:
/// names of formats and tags, and a directory of every run.
const NO_PATHS: [&str; 4] = ["burn-pow/", "checkpoints/", "anchors/", "own/"];

/// The pages that a reader is sent to.
fn pages() -> Vec<Page> {
    let in_docs = std::fs::read_dir(root().join("docs")).unwrap();
    let in_docs = in_docs.map(|entry| Path::new("docs").join(entry.unwrap().file_name()));
    let others = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "crates/burn-pow/README.md",
        "crates/pow-audit/README.md",
        "crates/pow-cli/README.md",
        "crates/pow-core/README.md",
        "crates/pow-cpu/README.md",
        "crates/pow-gpu/README.md",
        "crates/pow-ledger/README.md",
        "crates/pow-mine/README.md",
        "crates/pow-web/README.md",
        "shaders/README.md",
        "deploy/README.md",
        "examples/README.md",
        "tests/attacks/README.md",
        "tests/vectors/v1/README.md",
    ];
    let all = in_docs.chain(others.map(PathBuf::from));
    let mut all: Vec<_> = all
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    all.sort();
    all.into_iter().map(Page::read).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether programs write it, so that a fresh clone does not have it.
fn is_ignored(path: &Path) -> bool {
    let rules = std::fs::read_to_string(root().join(".gitignore")).unwrap();
    let mut rules = rules.lines().filter_map(|rule| rule.strip_prefix('/'));
    rules.any(|rule| path.starts_with(rule))
}

/// Whether a fresh clone has this path from the root.
fn is_there(path: &Path) -> bool {
    normal(path).is_some_and(|path| !is_ignored(&path) && root().join(path).exists())
}

/// The path without `.` and `..`; `None` if it leads out of the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}

/// A Markdown page. What refers to something has the number of its line.
struct Page {
    /// From the repository's root.
    path: PathBuf,
    /// Targets of links and images.
    links: Vec<(usize, String)>,
    /// Code spans, and the lines of shell blocks.
    code: Vec<(usize, String)>,
    /// What can follow a `#`: headings, and ids in HTML.
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        Self::new(path, &text)
    }

    fn new(path: PathBuf, text: &str) -> Self {
        let (mut links, mut code, mut anchors) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut heading = String::new();
        let mut same = BTreeMap::<String, usize>::new();
        let mut is_shell = false;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = 1 + text[..range.start].matches('\n').count();
            match event {
                Event::Start(Tag::Heading { .. }) => heading.clear(),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading);
                    let before = same.entry(slug.clone()).or_default();
                    anchors.insert(match *before {
                        0 => slug,
                        before => format!("{slug}-{before}"),
                    });
                    *before += 1;
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push((line, dest_url.into_string()));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    is_shell = &*language == "sh";
                }
                Event::End(TagEnd::CodeBlock) => is_shell = false,
                Event::Code(span) => {
                    heading.push_str(&span);
                    code.push((line, span.into_string()));
                }
                Event::Text(text) if is_shell => {
                    code.extend((line..).zip(text.lines().map(str::to_owned)));
                }
                Event::Text(text) => heading.push_str(&text),
                Event::Html(html) | Event::InlineHtml(html) => {
                    let id = html
                        .split_once(" id=\"")
                        .and_then(|(_, id)| id.split_once('"'));
                    anchors.extend(id.map(|(id, _)| id.to_owned()));
                }
                _ => {}
            }
        }
        Page {
            path,
            links,
            code,
            anchors,
        }
    }

    /// Everything on the page that refers to something that is not there.
    fn defects(&self, tests: &[String]) -> Vec<String> {
        let links = self.links.iter().filter_map(|(line, link)| {
            let reason = self.broken(link)?;
            Some(format!("{}:{line}: {link}: {reason}", self.path.display()))
        });
        let words = self.code.iter().flat_map(|(line, code)| {
            let words = code.split_whitespace().filter(|word| is_path(word));
            let is_command = code.contains(char::is_whitespace);
            let unknown = words.filter(move |word| !is_known(word, is_command, tests));
            unknown.map(move |word| (line, word))
        });
        let words = words.map(|(line, word)| {
            let at = self.path.display();
            format!("{at}:{line}: {word}: neither a file nor a test")
        });
        links.chain(words).collect()
    }

    /// Why a link leads nowhere.
    fn broken(&self, link: &str) -> Option<&'static str> {
        if link.contains("://") || link.starts_with("mailto:") {
            return None;
        }
        let (file, place) = link
            .split_once('#')
            .map_or((link, None), |(f, p)| (f, Some(p)));
        if file.is_empty() {
            return (!self.anchors.contains(place?)).then_some("no such heading");
        }
        let Some(path) = normal(&self.path.parent().unwrap().join(file)) else {
            return Some("leads out of the repository");
        };
        if !is_there(&path) {
            return Some("no such file");
        }
        let place = place?;
        if path.extension().is_none_or(|extension| extension != "md") {
            return Some("only places on pages can be checked");
        }
        (!Page::read(path).anchors.contains(place)).then_some("no such heading")
    }
}

/// The name that GitHub gives to a heading.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    let lower = heading.chars().filter(kept).flat_map(char::to_lowercase);
    lower.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Whether it is written as a path with a slash inside or at its end.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    word.contains('/') && !word.starts_with(['/', '-']) && word.chars().all(plain)
}

/// Whether a path in code names something. In a command only paths that begin
/// with a directory of the repository must be there; a path alone must be there
/// or name tests.
fn is_known(word: &str, is_command: bool, tests: &[String]) -> bool {
    let path = Path::new(word);
    if is_there(path) || is_ignored(path) {
        return true;
    }
    if is_command {
        return !root().join(path.components().next().unwrap()).is_dir();
    }
    NO_PATHS.iter().any(|prefix| word.starts_with(prefix))
        || tests.iter().any(|test| Path::new(test).starts_with(path))
}

/// The checks themselves, on a page with a defect of each kind.
fn what_is_not_there_is_found(tests: &[String]) {
    let text = "\
# One `code` & two

## One `code` & two

<a id=\"by-hand\"></a>[a](#one-code--two) [b](#one-code--two-1) [c](#by-hand) [d](#nowhere)
[e](../README.md#licence) [f](../README.md#licences) [g](../LICENSE-MIT) [h](LICENSE-MIT)
[i](../../beside) [j](../target/release) [k](https://example.org/missing) ![l](missing.svg)

| `tests/suite/docs.rs` | `tests/suite/none.rs` | `shaders/` | `docs/` |
|---|---|---|---|
| `simd/traced.rs` | `docs/references` | `engines/statistics` | `engines/stat` |

`python3 scripts/none.py 1/2` `runs/mine` `a/b` `1 / 2` `burn-pow/proof/v0`

```sh
cat docs/none.md runs/x   # scripts/param_root.py
```

```rust
let path = \"docs/none.rs\";
```
";
    let page = Page::new(PathBuf::from("docs/page.md"), text);
    let defects = page.defects(tests);
    // The text between the page's name and the reason.
    let what: Vec<&str> = defects
        .iter()
        .map(|line| line.split(": ").nth(1).unwrap())
        .collect();
    let links =
        "#nowhere ../README.md#licences LICENSE-MIT ../../beside ../target/release missing.svg";
    let code = "tests/suite/none.rs simd/traced.rs engines/stat scripts/none.py a/b docs/none.md";
    let expected = [links, code]
        .map(|words| words.split(' ').collect::<Vec<_>>())
        .concat();
    assert_eq!(what, expected);
    assert_eq!(defects[0], "docs/page.md:5: #nowhere: no such heading");
    let anchors = ["one-code--two", "one-code--two-1", "by-hand"];
    assert_eq!(page.anchors, BTreeSet::from(anchors.map(str::to_owned)));
}
