//! Whether a requirement is there.

use super::Requirement;
use crate::{engines, explorer, formats, signatures, wasm};
use pow_cpu::Kernel;
use pow_gpu::{GpuEngine, GpuSettings};
use pow_tests::tmpfs::Tmpfs;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// Why the requirement is missing, if it is. Looks once.
pub fn missing(requirement: Requirement) -> Option<String> {
    static FOUND: Mutex<BTreeMap<Requirement, Option<String>>> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap();
    let look = || {
        let answer = match requirement {
            Requirement::Gpu => GpuEngine::open(&engines::gpu_adapter(), GpuSettings::default())
                .map(drop)
                .map_err(|error| error.to_string()),
            Requirement::Python => printed(Command::new("python3").arg("--version")).map(drop),
            Requirement::Pypi => {
                let import = "import bitcoin.core, opentimestamps.core.timestamp";
                printed(pypi_python().args(["-c", import])).map(drop)
            }
            Requirement::Node => node_and_its_target(),
            Requirement::Openssl => openssl_3(),
            Requirement::Tmpfs => Tmpfs::mount("64k").map(drop),
            Requirement::SshKeygen => signatures::has_ssh_keygen(),
            Requirement::Minisign => printed(Command::new("minisign").arg("-v")).map(drop),
            Requirement::ModelSigning => formats::has_model_signing(),
            Requirement::Browser => explorer::missing(),
            Requirement::Kernel(name) => Kernel::named(name)
                .map(drop)
                .map_err(|error| error.to_string()),
        };
        answer.err()
    };
    found.entry(requirement).or_insert_with(look).clone()
}

/// The interpreter that has the packages. No other variable of the caller's may
/// change what it prints or imports, and it leaves no compiled files behind.
pub fn pypi_python() -> Command {
    let interpreter = std::env::var_os("POW_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(interpreter);
    command.args(["-I", "-B", "-X", "utf8"]);
    command
}

/// Other programs of this name lack options that the tests use.
fn openssl_3() -> Result<(), String> {
    let version = printed(Command::new("openssl").arg("version"))?;
    let number = version.strip_prefix("OpenSSL ");
    let major = number.and_then(|number| number.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(3..) => Ok(()),
        _ => Err(format!(
            "expected OpenSSL 3 or newer, found {}",
            version.trim()
        )),
    }
}

fn node_and_its_target() -> Result<(), String> {
    // As the tests use it; versions before 18.17 lack the method.
    let wasi = "new (require('node:wasi').WASI)({ version: 'preview1' }).getImportObject()";
    printed(wasm::node().args(["-e", wasi]))?;
    let libdir = ["--print", "target-libdir", "--target", wasm::TARGET];
    let libdir = printed(Command::new("rustc").args(libdir))?;
    if Path::new(libdir.trim()).exists() {
        Ok(())
    } else {
        Err(format!("rustup target add {}", wasm::TARGET))
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
