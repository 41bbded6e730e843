//! Running Python, and the scripts that share no code with ours.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the scripts are.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts")
}

/// Runs one of `scripts/` on these arguments.
pub fn script<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> Output {
    python()
        .arg(scripts().join(name))
        .args(arguments)
        .output()
        .unwrap()
}

/// What one of `scripts/` prints. It must succeed.
pub fn printed_by<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> String {
    printed(script(name, arguments))
}

/// What these lines of Python print. They must succeed.
pub fn printed_by_code<A: AsRef<OsStr>>(code: &str, arguments: &[A]) -> String {
    printed(
        python()
            .args(["-c", code])
            .args(arguments)
            .output()
            .unwrap(),
    )
}

fn printed(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// No variable of the caller may change what Python prints or imports, and it
/// leaves no compiled files.
fn python() -> Command {
    let mut command = Command::new("python3");
    command.args(["-I", "-X", "utf8", "-B"]);
    command
}
