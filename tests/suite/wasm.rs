//! The verifier built for wasm32 and run under Node: it must say of each file,
//! good or bad, what it says here.

use pow_core::body::Genesis;
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_tests::chain_file::{ChainFile, record_header};
use pow_tests::fixture::{Fixture, Plan, bits};
use pow_verdict::verdict;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Node can run programs of this target without further software.
pub const TARGET: &str = "wasm32-wasip1";

tests! {
    Node: good_chains, every_byte_flipped, every_byte_under_fitting_checksums, every_truncation,
        lying_lengths
}

/// The program, built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // Beside cargo's directory for the files of tests.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--release", "--locked", "--package", "pow-verdict"])
            .args(["--target", TARGET, "--target-dir"])
            .arg(target)
            .current_dir(workspace)
            // These are for the machine at hand.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        target.join(TARGET).join("release/pow-verdict.wasm")
    })
}

/// Node, as these tests run it.
pub fn node() -> Command {
    let mut node = Command::new("node");
    // V8 may collect garbage inside a fast call of WASI's, and Node then crashes
    // (nodejs/node#46777): from about 8 MB of input on it did each time. The
    // warning is that WASI is experimental.
    node.args(["--no-turbo-fast-api-calls", "--no-warnings"]);
    node
}

/// What the program says under Node, all files in one process.
fn under_node(files: &[Vec<u8>]) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let input = dir.path().join("input");
    let mut out = std::io::BufWriter::new(File::create(&input).unwrap());
    for file in files {
        out.write_all(&(file.len() as u32).to_le_bytes()).unwrap();
        out.write_all(file).unwrap();
    }
    drop(out.into_inner().unwrap());
    let output = node()
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("suite/wasm/run.mjs"))
        .arg(program())
        .stdin(File::open(&input).unwrap())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut lines = stdout.lines().map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some("wasm32 32"));
    lines.collect()
}

/// Compares the verdicts under Node with those here, and returns them.
fn agreed(files: &[Vec<u8>]) -> Vec<String> {
    let theirs = under_node(files);
    assert_eq!(theirs.len(), files.len());
    for (at, (file, theirs)) in files.iter().zip(&theirs).enumerate() {
        assert_eq!(*theirs, verdict(file), "file {at}");
    }
    theirs
}

fn chain_file() -> ChainFile {
    Fixture::default().file()
}

fn good_chains() {
    let fixed = chain_file();
    let asert = asert_chain();
    let said = agreed(&[fixed.to_bytes(), asert.to_bytes()]);
    for (file, said) in [&fixed, &asert].into_iter().zip(&said) {
        let height = file.records.len() - 1;
        assert!(said.starts_with("holds: head "), "{said}");
        assert!(said.contains(&format!(" at height {height}, ")), "{said}");
        assert!(said.ends_with(", finished"), "{said}");
    }
}

/// A chain whose targets take 128-bit arithmetic.
fn asert_chain() -> ChainFile {
    let adapt = |genesis: &mut Genesis| {
        genesis.difficulty = Difficulty {
            policy: Policy::Asert(Asert {
                reference: bits(8),
                spacing: Millis(500),
                half_life: Millis(900),
            }),
            floor: bits(2),
            final_bits: bits(16),
        };
    };
    let blocks: [&[u64]; 7] = [&[0], &[1], &[2], &[3], &[4], &[5], &[6]];
    Fixture::record_with(&Plan::default(), adapt, |recorder| {
        recorder.finish_after(blocks)
    })
    .file()
}

/// Each byte with one bit flipped; over eight bytes it is each bit in turn.
fn each_flip(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len()).map(|at| {
        let mut bad = bytes.to_vec();
        bad[at] ^= 1 << (at % 8);
        bad
    })
}

fn all_fail(files: &[Vec<u8>]) {
    for (at, said) in agreed(files).iter().enumerate() {
        assert!(said.starts_with("fails: "), "file {at}: {said}");
    }
}

fn every_byte_flipped() {
    for file in [chain_file(), asert_chain()] {
        all_fail(&each_flip(&file.to_bytes()).collect::<Vec<_>>());
    }
}

/// So that the flips reach the rules behind the checksums.
fn every_byte_under_fitting_checksums() {
    let file = chain_file();
    let mut files = Vec::new();
    for at in 0..file.records.len() {
        for block in each_flip(&file.records[at].block) {
            let mut bad = file.clone();
            bad.records[at].block = block;
            files.push(bad.to_bytes());
        }
        for body in each_flip(&file.records[at].body) {
            let mut bad = file.clone();
            bad.records[at].body = body;
            files.push(bad.to_bytes());
        }
    }
    all_fail(&files);
}

fn every_truncation() {
    let file = chain_file();
    let bytes = file.to_bytes();
    let boundaries = file.boundaries();
    let cuts: Vec<Vec<u8>> = (0..bytes.len()).map(|len| bytes[..len].to_vec()).collect();
    for (len, said) in agreed(&cuts).iter().enumerate() {
        let whole = boundaries.iter().filter(|end| **end <= len).count();
        let expected = match whole {
            0 | 1 => said.starts_with("fails: "),
            _ => {
                let place = format!(" at height {}, ", whole - 2);
                said.starts_with("holds: ")
                    && said.contains(&place)
                    && said.contains(", unfinished")
                    && said.contains(", torn") != boundaries.contains(&len)
            }
        };
        assert!(expected, "cut at {len}: {said}");
    }
}

/// Lengths near the top of 32 bits, where addresses end on that machine.
fn lying_lengths() {
    let file = chain_file();
    let at = file.boundaries()[3];
    let lengths = [
        [u32::MAX, u32::MAX],
        [u32::MAX, 0],
        [0, u32::MAX],
        [u32::MAX - 3, 0],
        [1 << 31, 1 << 31],
        [200, (16 << 20) + 1],
        [200, 16 << 20],
        [0, 0],
    ];
    let mut files: Vec<Vec<u8>> = lengths
        .iter()
        .map(|lengths| {
            let mut bad = file.to_bytes();
            bad[at..at + 16].copy_from_slice(&record_header(*lengths));
            bad
        })
        .collect();
    // The entry count of a steps body, and the length of the run's name.
    for (record, at) in [(2, 55), (0, 55)] {
        for count in [u32::MAX, u32::MAX - 3, 1 << 31, 65_537] {
            let mut bad = file.clone();
            bad.records[record].body[at..at + 4].copy_from_slice(&count.to_le_bytes());
            files.push(bad.to_bytes());
        }
    }
    all_fail(&files);
}
