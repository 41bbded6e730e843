//! The command lines that the pages show to a reader.

use std::path::{Path, PathBuf};

/// A command line, as words without quotes, redirections and what follows a `|`.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The page that shows it, within the repository.
    pub page: String,
    /// Its words, from the program's name on.
    pub words: Vec<String>,
}

/// The pages that tell how to use the programs.
fn pages() -> Vec<PathBuf> {
    // Used by packages that lie beside this one.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let others = ["README.md", "deploy/README.md", "examples/README.md"];
    let mut pages: Vec<PathBuf> = others.map(|page| root.join(page)).into();
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    pages
}

/// Every command line of the pages' code that begins with `start`, in a block or
/// within a sentence.
pub fn shown(start: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    for path in pages() {
        let page = path.file_name().unwrap().to_string_lossy().into_owned();
        for code in code(&std::fs::read_to_string(&path).unwrap()) {
            let Some(at) = code.find(start) else {
                continue;
            };
            // It may stand after a prompt's words, as in `verify with     cargo run`.
            if at > 0 && !code[..at].ends_with("  ") {
                continue;
            }
            found.push(Shown {
                page: page.clone(),
                words: words(&code[at..]),
            });
        }
    }
    found
}

/// The lines of the blocks, and the spans of the text between them, whose lines
/// are joined.
fn code(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, part) in page.split("```").enumerate() {
        if number % 2 == 1 {
            found.extend(part.lines().skip(1).map(String::from));
        } else {
            let text = part.replace('\n', " ");
            found.extend(text.split('`').skip(1).step_by(2).map(String::from));
        }
    }
    found
}

fn words(line: &str) -> Vec<String> {
    let (mut words, mut nested) = (Vec::new(), false);
    for word in line.split_whitespace() {
        if matches!(word, "|" | ">" | "#" | "&&") {
            break;
        }
        nested |= word.starts_with("$(");
        if !nested {
            words.push(word.trim_end_matches(['.', ',', ';']).into());
        }
        nested &= !word.ends_with(')');
    }
    words
}

impl Shown {
    /// Its options, from word `from` on: `--name` without `=value`.
    pub fn options(&self, from: usize) -> impl Iterator<Item = &str> {
        let rest = self.words.get(from..).unwrap_or_default();
        let options = rest.iter().filter(|word| word.starts_with("--"));
        options.filter_map(|word| word.split('=').next())
    }

    /// Panics unless `help`, what the program says of itself, has all options
    /// from word `from` on.
    #[track_caller]
    pub fn has_options(&self, from: usize, help: &str) {
        let known: Vec<&str> = help
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with('-'))
            .flat_map(str::split_whitespace)
            .map(|word| word.trim_end_matches(','))
            .filter(|word| word.starts_with("--"))
            .collect();
        for option in self.options(from) {
            assert!(
                known.contains(&option),
                "{}: {}: there is no {option}",
                self.page,
                self.words.join(" ")
            );
        }
    }
}
