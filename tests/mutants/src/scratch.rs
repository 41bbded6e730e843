//! A copy of the repository in which every mutant can be switched on.

use crate::record::Mutant;
use crate::scan::{scan, test_modules};
use crate::site::{Site, mutant_at, rewrite};
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates that may have mutants. The switch is in the first, on which the others depend.
pub const CRATES: [&str; 3] = ["pow-core", "pow-audit", "pow-ledger"];

/// The copy.
pub struct Scratch {
    tree: PathBuf,
    /// Text and sites of each file that has mutants.
    sources: BTreeMap<String, (String, Vec<Site>)>,
    /// Mutants that cannot be switched, for each crate.
    pub skipped: BTreeMap<String, usize>,
    /// Mutants that do not compile.
    pub unbuildable: Vec<Mutant>,
}

impl Scratch {
    /// Copies a revision, or the working tree, and finds the mutants.
    pub fn new(root: &Path, dir: &Path, revision: Option<&str>) -> Result<Self> {
        // Only what differs is written to `tree`, so that cargo builds no more than that.
        let (fresh, tree) = (dir.join("fresh"), dir.join("tree"));
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh)?;
        }
        std::fs::create_dir(&fresh)?;
        copy(root, &fresh, revision)?;
        let mut scratch = Scratch {
            tree: fresh.clone(),
            sources: BTreeMap::new(),
            skipped: BTreeMap::new(),
            unbuildable: Vec::new(),
        };
        let mut next = 1;
        for name in CRATES {
            for file in rust_files(&fresh, Path::new(&format!("crates/{name}/src")))? {
                let source = std::fs::read_to_string(fresh.join(&file))?;
                let (mut sites, skipped) = scan(&file, &source)?;
                *scratch.skipped.entry(name.into()).or_default() += skipped;
                for mutant in sites.iter_mut().flat_map(|site| &mut site.mutants) {
                    mutant.id = next;
                    next += 1;
                }
                scratch.sources.insert(file, (source, sites));
            }
        }
        let core = fresh.join("crates/pow-core/src");
        let mut lib = std::fs::read_to_string(core.join("lib.rs"))?;
        let (_, sites) = scratch
            .sources
            .remove("crates/pow-core/src/lib.rs")
            .unwrap_or_default();
        ensure!(sites.is_empty(), "the lib.rs of pow-core has mutants");
        lib.push_str("\npub mod mutant;\n");
        std::fs::write(core.join("lib.rs"), lib)?;
        std::fs::write(core.join("mutant.rs"), include_str!("switch.rs"))?;
        for file in scratch.sources.keys() {
            std::fs::write(fresh.join(file), scratch.rewritten(file))?;
        }
        // Finds the mutants that do not compile.
        let check = ["check", "--release", "--target-dir"].map(OsString::from);
        let packages = CRATES
            .iter()
            .flat_map(|name| ["-p".into(), OsString::from(name)]);
        let check = check
            .into_iter()
            .chain([dir.join("check").into()])
            .chain(packages);
        scratch.cargo(&check.collect::<Vec<_>>())?;
        update(&fresh, &tree)?;
        scratch.tree = tree;
        Ok(scratch)
    }

    /// The mutants, by id.
    pub fn mutants(&self) -> Vec<&Mutant> {
        let sites = self.sources.values().flat_map(|(_, sites)| sites);
        let all = sites
            .flat_map(|site| &site.mutants)
            .filter(|mutant| mutant.id != 0);
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|mutant| mutant.id);
        all
    }

    fn rewritten(&self, file: &str) -> String {
        let (source, sites) = &self.sources[file];
        let of_core = file.starts_with("crates/pow-core/");
        let switch = if of_core {
            "crate::mutant::on"
        } else {
            "pow_core::mutant::on"
        };
        rewrite(source, sites, switch)
    }

    /// Runs `cargo` on the copy until no mutant is left that does not compile, and returns its
    /// messages.
    pub fn cargo(&mut self, arguments: &[OsString]) -> Result<Vec<serde_json::Value>> {
        for _ in 0..30 {
            let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .args(arguments)
                .arg("--message-format=json")
                .current_dir(&self.tree)
                // A mutant may be code that a lint forbids.
                .env("RUSTFLAGS", "--cap-lints allow")
                // Nothing mutated may come among the caller's own builds.
                .env_remove("CARGO_TARGET_DIR")
                .stderr(std::process::Stdio::inherit())
                .output()?;
            let lines = String::from_utf8(output.stdout)?;
            let messages = lines.lines().map(serde_json::from_str);
            let messages = messages.collect::<Result<Vec<serde_json::Value>, _>>()?;
            if output.status.success() {
                return Ok(messages);
            }
            self.drop_those_named(&messages)?;
        }
        bail!("there are always more mutants that do not compile");
    }

    /// Takes out the mutants that the compiler's errors lie in.
    fn drop_those_named(&mut self, messages: &[serde_json::Value]) -> Result<()> {
        let mut named = BTreeSet::new();
        for message in messages.iter().map(|message| &message["message"]) {
            if message["level"] != "error" {
                continue;
            }
            for span in message["spans"].as_array().into_iter().flatten() {
                let file = span["file_name"].as_str().unwrap_or_default();
                if span["is_primary"] == true && self.sources.contains_key(file) {
                    let at = span["byte_start"].as_u64().unwrap_or_default() as usize;
                    let id = mutant_at(&self.rewritten(file), at);
                    named.extend(id.map(|id| (file.to_owned(), id)));
                }
            }
        }
        if named.is_empty() {
            let errors = messages
                .iter()
                .filter_map(|m| m["message"]["rendered"].as_str());
            bail!("the copy does not build:\n{}", errors.collect::<String>());
        }
        for (file, id) in named {
            let (_, sites) = self.sources.get_mut(&file).context("a file of the copy")?;
            for mutant in sites.iter_mut().flat_map(|site| &mut site.mutants) {
                if mutant.id == id {
                    eprintln!("does not compile: {mutant}");
                    self.unbuildable.push(mutant.clone());
                    mutant.id = 0;
                }
            }
            std::fs::write(self.tree.join(&file), self.rewritten(&file))?;
        }
        Ok(())
    }
}

/// Copies the repository without what git ignores.
fn copy(root: &Path, to: &Path, revision: Option<&str>) -> Result<()> {
    let script = match revision {
        Some(_) => r#"git archive "$1" | tar -x -C "$0""#,
        None => {
            r#"git ls-files -z -c -o --exclude-standard --deduplicate | tar --null --ignore-failed-read -T - -c 2>/dev/null | tar -x -C "$0""#
        }
    };
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .arg(to)
        .args(revision)
        .current_dir(root);
    ensure!(
        command.status()?.success(),
        "the repository cannot be copied"
    );
    ensure!(to.join("Cargo.toml").is_file(), "there is no such revision");
    Ok(())
}

/// The files of a crate that are not tests, as paths from the root.
fn rust_files(root: &Path, dir: &Path) -> Result<Vec<String>> {
    let (mut found, mut tests) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(root.join(dir))? {
        let name = entry?.file_name();
        let path = dir.join(&name);
        if root.join(&path).is_dir() && name != "tests" {
            found.extend(rust_files(root, &path)?);
        } else if path.extension().is_some_and(|e| e == "rs") && name != "tests.rs" {
            let modules = test_modules(&std::fs::read_to_string(root.join(&path))?)?;
            let files = modules
                .iter()
                .map(|name| dir.join(name).with_extension("rs"));
            tests.extend(files.map(|path| path.to_string_lossy().into_owned()));
            found.push(path.to_string_lossy().into_owned());
        }
    }
    found.retain(|file| !tests.contains(file));
    found.sort();
    Ok(found)
}

/// Makes `to` equal to `from`, and leaves files alone that are equal already.
fn update(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(to)? {
        let entry = entry?;
        let is_kept = entry.file_name() == "target" || from.join(entry.file_name()).exists();
        match entry.file_type()?.is_dir() {
            _ if is_kept => {}
            true => std::fs::remove_dir_all(entry.path())?,
            false => std::fs::remove_file(entry.path())?,
        }
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            update(&entry.path(), &target)?;
        } else if std::fs::read(&target).ok() != Some(std::fs::read(entry.path())?) {
            // Not renamed: the copy must be newer than what was built from the old one.
            std::fs::write(&target, std::fs::read(entry.path())?)?;
        }
    }
    Ok(())
}
