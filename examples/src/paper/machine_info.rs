//! The machine on which the results were measured.

use serde::{Deserialize, Serialize};
use std::fs;
use std::process::Command;

/// A machine and the programs on it. Unknown texts are "unknown".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineInfo {
    /// The CPU's model name.
    pub cpu: String,
    /// Hardware threads that this process may use.
    pub cores: usize,
    /// Memory, in MiB.
    pub memory_mib: Option<u64>,
    /// The operating system.
    pub system: String,
    /// The version that `rustc` prints.
    pub rustc: String,
    /// Burn's version, from the lock file.
    pub burn: String,
    /// The git revision of the source, followed by `-dirty` if files were changed.
    pub revision: String,
}

impl MachineInfo {
    /// The machine that runs this program.
    pub fn this() -> Self {
        let host = pow_mine::bench::Host::this();
        MachineInfo {
            cpu: host.cpu.unwrap_or_else(unknown),
            cores: host.cores,
            memory_mib: memory(),
            system: system(),
            rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
            burn: burn().unwrap_or_else(unknown),
            revision: output("git", &["describe", "--always", "--dirty", "--abbrev=12"])
                .unwrap_or_else(unknown),
        }
    }
}

fn unknown() -> String {
    "unknown".into()
}

/// The value of a field in a file of Linux, such as `/proc/meminfo`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once([':', '='])?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn memory() -> Option<u64> {
    let total = field("/proc/meminfo", "MemTotal")?;
    let kib: u64 = total.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

fn system() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    match field("/etc/os-release", "PRETTY_NAME") {
        Some(name) => format!("{name}, {os} on {arch}"),
        None => format!("{os} on {arch}"),
    }
}

fn burn() -> Option<String> {
    let lock = include_str!("../../../Cargo.lock");
    let (_, package) = lock.split_once("name = \"burn\"\nversion = \"")?;
    Some(package.split_once('"')?.0.to_owned())
}

/// What a program prints when it runs in the source's directory.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
