//! An attack on a run, as a file of `tests/attacks/`: what a verifier is given,
//! and what it must say. `tests/attacks/README.md` describes the form.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What the runs of the corpus are verified with. Where a parent is given, `origin` comes to it.
pub const REQUIRE: &str = "chain,finished,state,artifact";

/// Bytes in a line of hex.
const LINE: usize = 32;

/// An attack with its verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attack {
    /// What was done, in a sentence.
    pub attack: String,
    /// Why it is found, or why not.
    pub why: String,
    /// Genesis hash that the verifier insists on, as hex.
    pub pin: Option<String>,
    /// Where in the run's directory the runs are that the verifier gives as its parents.
    pub parents: Vec<String>,
    /// How the report's first line must call it.
    pub headline: String,
    /// The block that breaks a rule, and the rule's number in `docs/format.md`.
    pub breaks: Option<(u32, u8)>,
    /// The levels that fail; all others must not.
    pub fails: Vec<String>,
    /// Words that the report must contain.
    pub says: Vec<String>,
    /// The run directory's files by their paths within it, `/` between names.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Attack {
    /// Whether the run passes.
    pub fn passes(&self) -> bool {
        self.fails.is_empty()
    }

    /// The levels that are required of it, separated by commas.
    pub fn require(&self) -> String {
        match self.parents.is_empty() {
            true => REQUIRE.into(),
            false => format!("{REQUIRE},origin"),
        }
    }

    /// The file.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut field = |name: &str, value: &str| {
            let _ = writeln!(out, "{name}: {value}");
        };
        field("attack", &self.attack);
        let verdict = if self.passes() { "passes" } else { "refused" };
        field("verdict", verdict);
        field("why", &self.why);
        if let Some(pin) = &self.pin {
            field("pin", pin);
        }
        for parent in &self.parents {
            field("parent", parent);
        }
        field("headline", &self.headline);
        if let Some((block, rule)) = self.breaks {
            field("breaks", &format!("block {block}, rule {rule}"));
        }
        for level in &self.fails {
            field("fails", level);
        }
        for words in &self.says {
            field("says", words);
        }
        for (path, bytes) in &self.files {
            let _ = writeln!(out, "\nfile: {path}");
            for line in bytes.chunks(LINE) {
                for byte in line {
                    let _ = write!(out, "{byte:02x}");
                }
                out.push('\n');
            }
        }
        out
    }

    /// Reads a file.
    ///
    /// # Panics
    ///
    /// If the text is not of the form.
    pub fn parse(text: &str) -> Self {
        let mut attack = Attack::default();
        let mut passes = None;
        let mut file: Option<&mut Vec<u8>> = None;
        for line in text.lines().filter(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(": ") else {
                let bytes = file.as_mut().expect("hex before any file");
                bytes.extend((0..line.len() / 2).map(|at| {
                    u8::from_str_radix(&line[2 * at..2 * at + 2], 16).expect("hex digits")
                }));
                continue;
            };
            let value = value.to_owned();
            match name {
                "attack" => attack.attack = value,
                "why" => attack.why = value,
                "verdict" => passes = Some(value == "passes"),
                "pin" => attack.pin = Some(value),
                "parent" => attack.parents.push(value),
                "headline" => attack.headline = value,
                "breaks" => attack.breaks = Some(block_and_rule(&value)),
                "fails" => attack.fails.push(value),
                "says" => attack.says.push(value),
                "file" => file = Some(attack.files.entry(value).or_default()),
                _ => panic!("unknown field {name:?}"),
            }
        }
        assert_eq!(passes, Some(attack.passes()), "verdict and failing levels");
        attack
    }

    /// Makes the run directory.
    pub fn write(&self, run: &Path) {
        for (path, bytes) in &self.files {
            let path = run.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

fn block_and_rule(text: &str) -> (u32, u8) {
    let (block, rule) = text.split_once(", ").unwrap();
    let number = |text: &str, word| text.strip_prefix(word).unwrap().parse::<u32>().unwrap();
    (number(block, "block "), number(rule, "rule ") as u8)
}

/// Where the corpus lies.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks")
}

/// The corpus: names without `.attack`, in their order, and contents.
pub fn committed() -> BTreeMap<String, String> {
    let mut attacks = BTreeMap::new();
    for entry in std::fs::read_dir(corpus()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "attack")
        {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            attacks.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
    attacks
}
