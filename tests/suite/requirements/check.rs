//! Whether a requirement is there.

use super::Requirement;
use crate::{engines, wasm};
use pow_cpu::Kernel;
use pow_gpu::{GpuEngine, GpuSettings};
use pow_tests::tmpfs::Tmpfs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Why the requirement is missing, if it is; found out once.
pub fn missing(requirement: Requirement) -> Option<String> {
    static GPU: OnceLock<Option<String>> = OnceLock::new();
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    static PYPI: OnceLock<Option<String>> = OnceLock::new();
    static NODE: OnceLock<Option<String>> = OnceLock::new();
    static TMPFS: OnceLock<Option<String>> = OnceLock::new();
    match requirement {
        Requirement::Gpu => GPU.get_or_init(missing_gpu),
        Requirement::Python => PYTHON.get_or_init(missing_python),
        Requirement::Pypi => PYPI.get_or_init(missing_pypi),
        Requirement::Node => NODE.get_or_init(missing_node),
        Requirement::Tmpfs => TMPFS.get_or_init(|| Tmpfs::mount("64k").err()),
        Requirement::Kernel(name) => {
            return Kernel::named(name).err().map(|error| error.to_string());
        }
    }
    .clone()
}

fn missing_gpu() -> Option<String> {
    GpuEngine::open(&engines::gpu_adapter(), GpuSettings::default())
        .err()
        .map(|error| error.to_string())
}

fn missing_python() -> Option<String> {
    printed(Command::new("python3").arg("--version")).err()
}

/// The interpreter that has the packages. No other variable of the caller's may
/// change what it prints or imports, and it leaves no compiled files behind.
pub fn pypi_python() -> Command {
    let interpreter = std::env::var_os("POW_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(interpreter);
    command.args(["-I", "-B", "-X", "utf8"]);
    command
}

fn missing_pypi() -> Option<String> {
    let import = "import bitcoin.core, opentimestamps.core.timestamp";
    printed(pypi_python().args(["-c", import])).err()
}

fn missing_node() -> Option<String> {
    // As the tests use it; versions before 18.17 lack the method.
    let wasi = "new (require('node:wasi').WASI)({ version: 'preview1' }).getImportObject()";
    let node = printed(wasm::node().args(["-e", wasi]));
    let libdir = ["--print", "target-libdir", "--target", wasm::TARGET];
    match node.and_then(|_| printed(Command::new("rustc").args(libdir))) {
        Ok(libdir) if Path::new(libdir.trim()).exists() => None,
        Ok(_) => Some(format!("rustup target add {}", wasm::TARGET)),
        Err(reason) => Some(reason),
    }
}

/// What a program prints, or why it does not.
fn printed(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let name = command.get_program().to_string_lossy();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let words = stderr.lines().last().unwrap_or_default();
            Err(format!("{name}: {} {words}", output.status))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}
