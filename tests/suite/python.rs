//! Running the scripts that share no code with ours.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// Runs one of `scripts/` on these arguments.
pub fn script<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> Output {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    // No variable of the caller's may change what Python prints or imports.
    Command::new("python3")
        .args(["-I", "-X", "utf8"])
        .arg(scripts.join(name))
        .args(arguments)
        .output()
        .unwrap()
}
