//! Files that are pipes, devices, endless or links. No command waits for ever, and none
//! reads without end.

use crate::program::Outcome;
use pow_tests::fixture::Fixture;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that a command may take, a slow machine included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `pow`; fails if it does not end.
#[track_caller]
fn pow<A: AsRef<OsStr>>(arguments: &[A]) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pow"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("pow does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Outcome::of(child.wait_with_output().unwrap())
}

fn pipe(path: &Path) {
    let _ = std::fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A pipe with these bytes in it, and then an end.
fn filled(path: &Path, bytes: Vec<u8>) -> JoinHandle<()> {
    pipe(path);
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut pipe = File::options().write(true).open(path).unwrap();
        // The reader may have had enough.
        let _ = pipe.write_all(&bytes);
    })
}

struct Bench {
    fixture: Fixture,
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        Bench {
            fixture: Fixture::default(),
            dir: TempDir::new().unwrap(),
        }
    }

    fn run(&self) -> String {
        self.fixture.run.path().to_str().unwrap().into()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A proof of a tensor, and the tensor's bytes.
    fn proof(&self) -> (PathBuf, PathBuf) {
        let (proof, value) = (self.path("proof.json"), self.path("value"));
        let outcome = pow(&[
            "prove",
            &self.run(),
            "--step",
            "3",
            "--tensor",
            "embedding.weight",
            "--value",
            value.to_str().unwrap(),
        ]);
        outcome.expect(0, &[]);
        std::fs::write(&proof, outcome.stdout).unwrap();
        (proof, value)
    }
}

#[test]
fn a_pipe_in_a_run_is_refused_at_once() {
    let bench = Bench::new();
    let run = bench.run();
    let words = "not a regular file: it is a named pipe";
    let config = std::fs::read(bench.fixture.run.config()).unwrap();
    pipe(&bench.fixture.run.config());
    pow(&["verify", &run, "--require", "state"]).expect(1, &["config.json", words]);
    std::fs::remove_file(bench.fixture.run.config()).unwrap();
    std::fs::write(bench.fixture.run.config(), config).unwrap();
    pipe(&bench.fixture.run.artifact());
    pow(&["verify", &run]).expect(1, &["model.safetensors", words]);
    pipe(&bench.fixture.run.chain());
    let out = bench.path("out");
    let export = [
        "export",
        &run,
        "--format",
        "blk",
        "--out",
        out.to_str().unwrap(),
    ];
    for command in [
        &["verify", &run][..],
        &["inspect", &run],
        &["challenge", &run],
        &["prove", &run, "--step", "0"],
        &export,
    ] {
        pow(command).expect(2, &["chain.pow", words]);
    }
}

#[test]
fn a_link_in_a_run_is_refused_and_the_run_may_be_one() {
    let bench = Bench::new();
    let link = bench.path("link");
    symlink(bench.run(), &link).unwrap();
    pow(&["verify", link.to_str().unwrap()]).expect(0, &[]);
    let (chain, moved) = (bench.fixture.run.chain(), bench.path("chain.pow"));
    std::fs::rename(&chain, &moved).unwrap();
    symlink(&moved, &chain).unwrap();
    let words = "not a regular file: it is a symbolic link";
    pow(&["verify", &bench.run()]).expect(2, &["chain.pow", words]);
    // Whoever names the link itself wants what it points to.
    pow(&["verify", chain.to_str().unwrap()]).expect(0, &[]);
}

#[test]
fn files_that_are_named_may_be_pipes() {
    let bench = Bench::new();
    let (proof, value) = bench.proof();
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    let (chain, pipe) = (bytes(&bench.fixture.run.chain()), bench.path("pipe"));
    let named = pipe.to_str().unwrap();

    let writer = filled(&pipe, bytes(&proof));
    pow(&["check-proof", named]).expect(0, &["SHOWN"]);
    writer.join().unwrap();
    let writer = filled(&pipe, bytes(&value));
    let proof = proof.to_str().unwrap();
    pow(&["check-proof", proof, "--value", named]).expect(0, &["the bytes given are those"]);
    writer.join().unwrap();
    for command in ["verify", "inspect", "challenge"] {
        let writer = filled(&pipe, chain.clone());
        pow(&[command, named]).expect(0, &[]);
        writer.join().unwrap();
    }
    // Not a report, but read to its end.
    let writer = filled(&pipe, b"{}".to_vec());
    let words = "malformed replay report";
    pow(&["verify", &bench.run(), "--replay-report", named]).expect(2, &[words]);
    writer.join().unwrap();
}

#[test]
fn endless_files_are_read_to_a_limit() {
    let bench = Bench::new();
    let (proof, _) = bench.proof();
    let proof = proof.to_str().unwrap();
    let zero = "/dev/zero";
    let words = "a proof of 1048577 bytes; at most 1048576 are allowed";
    pow(&["check-proof", zero]).expect(1, &[words]);
    let words = "more bytes than the 5280 of the proof";
    pow(&["check-proof", proof, "--value", zero]).expect(1, &[words]);
    let words = "longer than 268435456 bytes";
    pow(&["verify", &bench.run(), "--replay-report", zero]).expect(2, &[zero, words]);
    pow(&["verify", zero]).expect(1, &["byte 0: not a chain file"]);
    let merged = bench.path("merged.json");
    pow(&["merge", merged.to_str().unwrap(), zero]).expect(2, &[zero, words]);
    assert!(!merged.exists());
}

/// A pipe that nobody writes to is waited for, as `cat` does: its writer may still come.
#[test]
fn a_writer_may_come_late() {
    let bench = Bench::new();
    let (proof, _) = bench.proof();
    let path = bench.path("pipe");
    pipe(&path);
    let mut child = Command::new(env!("CARGO_BIN_EXE_pow"))
        .arg("check-proof")
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none());
    std::fs::copy(&proof, &path).unwrap();
    let mut text = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("SHOWN, UNANCHORED"), "{text}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// What the reader may not read is no finding: neither a verdict nor a failure.
#[test]
fn a_file_without_permission_is_exit_code_2() {
    let bench = Bench::new();
    let (run, artifact) = (bench.run(), bench.fixture.run.artifact());
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&artifact, 0);
    // The superuser reads everything, so the program then runs as somebody else.
    let is_superuser = File::open(&artifact).is_ok();
    mode(bench.fixture.run.path().parent().unwrap(), 0o755);
    let place = TempDir::new().unwrap();
    mode(place.path(), 0o755);
    let program = place.path().join("pow");
    std::fs::copy(env!("CARGO_BIN_EXE_pow"), &program).unwrap();
    let verify = |more: &[&str]| {
        let mut command = Command::new(&program);
        if is_superuser {
            command.uid(65_534);
        }
        command.args(["verify", &run]).args(more);
        Outcome::of(command.output().unwrap())
    };
    let words = [
        "COULD NOT CHECK (artifact)",
        "ARTIFACT   not checked    could not check: ",
        "model.safetensors: Permission denied",
        "pow: a file that a required level needs could not be read",
    ];
    verify(&[]).expect(2, &words);
    let headline = "\"headline\": \"COULD NOT CHECK (artifact)\"";
    verify(&["--json"]).expect(2, &[headline]);
    verify(&["--require", "chain,state"]).expect(0, &["could not check: "]);
    // The directory of the checkpoints, and config.json.
    mode(&bench.fixture.run.checkpoints(), 0);
    verify(&["--require", "state"]).expect(2, &["COULD NOT CHECK (state)"]);
    std::fs::write(bench.fixture.run.config(), "[]").unwrap();
    verify(&["--require", "state"]).expect(1, &["DOES NOT HOLD (state)"]);
    mode(&bench.fixture.run.checkpoints(), 0o755);
    // Without the chain there is no report.
    mode(&bench.fixture.run.chain(), 0);
    let refused = verify(&[]);
    refused.expect(2, &["chain.pow: Permission denied"]);
    assert_eq!(refused.stdout, "");
}
