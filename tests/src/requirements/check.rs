//! Whether a requirement is there.

use super::{Requirement, Tmpfs};
use crate::engines;
use pow_cpu::Kernel;
use pow_gpu::{GpuEngine, GpuSettings};
use std::process::Command;
use std::sync::OnceLock;

/// Why the requirement is missing, if it is; found out once.
pub fn missing(requirement: Requirement) -> Option<String> {
    static GPU: OnceLock<Option<String>> = OnceLock::new();
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    static TMPFS: OnceLock<Option<String>> = OnceLock::new();
    match requirement {
        Requirement::Gpu => GPU.get_or_init(missing_gpu),
        Requirement::Python => PYTHON.get_or_init(missing_python),
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
    match Command::new("python3").arg("--version").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("python3 --version: {}", output.status)),
        Err(error) => Some(format!("python3: {error}")),
    }
}
