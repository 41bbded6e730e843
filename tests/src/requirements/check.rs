//! Whether a requirement is there.

use super::{Requirement, Tmpfs};
use pow_cpu::Kernel;
use pow_gpu::{AdapterChoice, GpuEngine};
use std::process::Command;
use std::sync::OnceLock;

/// Why the requirement is missing, if it is; found out once.
pub fn missing(requirement: Requirement) -> Option<String> {
    static GPU: OnceLock<Option<String>> = OnceLock::new();
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    static PYPI: OnceLock<Option<String>> = OnceLock::new();
    static TMPFS: OnceLock<Option<String>> = OnceLock::new();
    match requirement {
        Requirement::Gpu => GPU.get_or_init(missing_gpu),
        Requirement::Python => PYTHON.get_or_init(missing_python),
        Requirement::Pypi => PYPI.get_or_init(missing_pypi),
        Requirement::Tmpfs => TMPFS.get_or_init(|| Tmpfs::mount("64k").err()),
        Requirement::Kernel(name) => {
            return Kernel::named(name).err().map(|error| error.to_string());
        }
    }
    .clone()
}

fn missing_gpu() -> Option<String> {
    GpuEngine::open(&AdapterChoice::AllowSoftware)
        .err()
        .map(|error| error.to_string())
}

fn missing_python() -> Option<String> {
    match Command::new("python3").arg("--version").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("python3 --version: {}", output.status)),
        Err(error) => Some(format!("python3: {error}")),
    }
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
    let mut python = pypi_python();
    let output = python.args(["-c", import]).output();
    let name = python.get_program().to_string_lossy();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let reason = stderr.lines().last().unwrap_or_default();
            Some(format!("{name}: {} {reason}", output.status))
        }
        Err(error) => Some(format!("{name}: {error}")),
    }
}
