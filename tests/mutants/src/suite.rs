//! The tests, each in a process of its own.

use crate::scratch::Scratch;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What is built and run.
const PACKAGES: [&str; 5] = [
    "pow-core",
    "pow-ledger",
    "pow-audit",
    "pow-tests",
    "pow-cli",
];

/// Beginnings of names of tests that are left out: they measure, need a GPU, Node or Python
/// packages, test other crates, or build.
const LEFT_OUT: [&str; 9] = [
    "docs/",
    "engines/gpu",
    "engines/statistics",
    "outside/pypi",
    "requirements/",
    "shaders/",
    "wasm/",
    "bench::",
    "mine::",
];

/// The programs that tests may start. Without Python and Node, the suite need not try them
/// before each test.
const PROGRAMS: [&str; 3] = ["cp", "mkfifo", "sh"];

/// A test.
#[derive(Debug)]
pub struct Test {
    /// Package and name.
    pub name: String,
    package: PathBuf,
    program: PathBuf,
    filter: String,
    unmutated: Unmutated,
}

/// What a test does when no mutant is on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Unmutated {
    passes: bool,
    /// Computing time in seconds.
    time: f64,
    /// The mutants that it reaches.
    reached: BTreeSet<u32>,
}

/// What was measured before, by program, time of its making, and name of the test.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known(BTreeMap<String, Unmutated>);

/// How a process of tests ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The tests pass.
    Passed,
    /// One fails.
    Failed,
    /// It was stopped.
    Stopped,
}

/// All tests, the fastest first.
#[derive(Debug)]
pub struct Suite(Vec<Test>);

impl Suite {
    /// Builds the tests of the copy, and runs each one to see which mutants it reaches.
    ///
    /// `known` is a file with what was measured before.
    pub fn new(scratch: &mut Scratch, skip: &[String], known: &Path) -> Result<Self> {
        let build = [
            "test",
            "--release",
            "--no-run",
            "--lib",
            "--bins",
            "--tests",
        ];
        let packages = PACKAGES.iter().flat_map(|name| ["-p", *name]);
        let build = build.into_iter().chain(packages).map(Into::into);
        let messages = scratch.cargo(&build.collect::<Vec<_>>())?;
        let mut tests = Vec::new();
        for message in &messages {
            let Some(program) = message["executable"].as_str() else {
                continue;
            };
            if message["profile"]["test"] == true {
                let manifest = message["manifest_path"].as_str().context("manifest_path")?;
                let package = Path::new(manifest).parent().context("manifest_path")?;
                tests.extend(list(package, Path::new(program))?);
            }
        }
        ensure!(!tests.is_empty(), "there are no tests");
        tests.retain(|test| !skip.iter().any(|start| test.name.starts_with(start)));
        let mut before: Known = match std::fs::read(known) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(_) => Known::default(),
        };
        for test in &mut tests {
            let made = std::fs::metadata(&test.program)?.modified()?;
            let key = format!("{} {made:?} {}", test.program.display(), test.name);
            test.unmutated = match before.0.get(&key) {
                Some(unmutated) => unmutated.clone(),
                None => test.measure()?,
            };
            if !test.unmutated.passes {
                eprintln!(
                    "left out, because it does not pass without a mutant: {}",
                    test.name
                );
            }
            before.0.insert(key, test.unmutated.clone());
            std::fs::write(known, serde_json::to_string(&before)?)?;
        }
        tests.retain(|test| test.unmutated.passes);
        tests.sort_by(|a, b| a.unmutated.time.total_cmp(&b.unmutated.time));
        let seconds = tests.iter().map(|test| test.unmutated.time).sum::<f64>();
        eprintln!("{} tests take {seconds:.0} s", tests.len());
        Ok(Suite(tests))
    }

    /// Leaves out the tests that take more seconds than this.
    pub fn leave_out_above(&mut self, seconds: f64) {
        self.0.retain(|test| test.unmutated.time <= seconds);
    }

    /// The tests that reach a mutant, the fastest first.
    pub fn reaching(&self, id: u32) -> Vec<&Test> {
        self.0
            .iter()
            .filter(|test| test.unmutated.reached.contains(&id))
            .collect()
    }
}

/// The tests of a program.
fn list(package: &Path, program: &Path) -> Result<Vec<Test>> {
    let mut command = Command::new(program);
    command
        .args(["--list", "--format=terse"])
        .current_dir(package);
    let listed = String::from_utf8(command.output()?.stdout)?;
    let names = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    let names = names.filter(|name| !LEFT_OUT.iter().any(|start| name.starts_with(start)));
    let of = package
        .file_name()
        .context("package")?
        .to_string_lossy()
        .into_owned();
    let tests = names.map(|name| Test {
        name: format!("{of} {name}"),
        package: package.into(),
        program: program.into(),
        filter: name.into(),
        unmutated: Unmutated::default(),
    });
    Ok(tests.collect())
}

impl Test {
    fn measure(&mut self) -> Result<Unmutated> {
        let list = tempfile::NamedTempFile::new()?;
        self.unmutated.time = 60.0;
        let (end, time) = self.run("reach", Some(list.path()))?;
        let reached = std::fs::read_to_string(list.path())?;
        let reached = reached.lines().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Unmutated {
            passes: end == End::Passed,
            time,
            reached,
        })
    }

    /// Runs it with a mutant switched on.
    pub fn with(&self, id: u32) -> Result<End> {
        self.run(&id.to_string(), None).map(|(end, _)| end)
    }

    /// How it ends, and how much computing time it takes.
    fn run(&self, mutant: &str, reached: Option<&Path>) -> Result<(End, f64)> {
        let files = tempfile::tempdir()?;
        let (programs, nothing) = (files.path().join("programs"), files.path().join("nothing"));
        std::fs::create_dir(&programs)?;
        for name in PROGRAMS {
            symlink(Path::new("/usr/bin").join(name), programs.join(name))?;
        }
        // A mutant may allocate or compute without end. The limit is on computing time, because
        // the machine may be busy. The shell prints its own times, then those of the test.
        let seconds = 5 + (10.0 * self.unmutated.time) as u64;
        let script = format!(
            "ulimit -v 8000000; ulimit -t {seconds}; \"$0\" \"$@\" >/dev/null; end=$?; times; exit $end"
        );
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg(&self.program);
        command.args(["--exact", &self.filter, "--test-threads=1"]);
        command
            .current_dir(&self.package)
            .env("CARGO_MANIFEST_DIR", &self.package);
        command.env("TMPDIR", files.path()).env("MUTANT", mutant);
        command
            .env("PATH", &programs)
            .env("VK_DRIVER_FILES", &nothing);
        command.envs(reached.map(|path| ("MUTANT_REACHED", path)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.process_group(0).spawn()?;
        // A test that waits takes no computing time.
        let status = wait(&mut child, Duration::from_secs(60 + 10 * seconds))?;
        let mut times = String::new();
        child
            .stdout
            .take()
            .context("a pipe")?
            .read_to_string(&mut times)?;
        Ok((
            match status.and_then(|status| status.code()) {
                Some(0) => End::Passed,
                // By SIGKILL or SIGXCPU, at the limit of computing time.
                Some(137 | 152) | None => End::Stopped,
                Some(_) => End::Failed,
            },
            computing_time(&times),
        ))
    }
}

/// Waits for a group of processes. After `limit` it is killed.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > limit {
            break;
        }
        std::thread::sleep(pause);
        pause = (pause * 5 / 4).min(Duration::from_millis(50));
    }
    let group = format!("-{}", child.id());
    Command::new("kill")
        .args(["-KILL", "--", &group])
        .stderr(Stdio::null())
        .status()?;
    child.wait()?;
    Ok(None)
}

/// The sum of the last line that the shell's `times` prints, such as `0m0.010s 0m1.000s`.
fn computing_time(times: &str) -> f64 {
    let one = |time: &str| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    };
    let words = times.lines().last().unwrap_or_default().split_whitespace();
    words.filter_map(one).sum()
}
