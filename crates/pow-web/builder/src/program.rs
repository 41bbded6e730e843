//! The verifier as a WebAssembly program, and the script that calls it.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";

/// The verifier.
pub struct Program {
    /// The program.
    pub wasm: Vec<u8>,
    /// The script that calls it.
    pub glue: String,
    /// The compiler's version.
    pub compiler: String,
}

/// Compiles the crate in this directory.
pub fn build(crate_dir: &Path) -> Result<Program> {
    let workspace = crate_dir.join("../..").canonicalize()?;
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => env::current_dir()?.join(directory),
        None => workspace.join("target"),
    };
    cargo(
        &workspace,
        &target,
        &["fetch", "--locked", "--target", TARGET],
        "",
    )?;
    // As a library of one kind, because cargo links no program across crates that is also
    // a library of Rust.
    let rustc = [
        "rustc",
        "--locked",
        "--package",
        "pow-web",
        "--lib",
        "--crate-type",
        "cdylib",
    ];
    let rustc = [&rustc[..], &["--profile", "web", "--target", TARGET]].concat();
    cargo(&workspace, &target, &rustc, &remapped(&workspace)?)?;
    let compiled = target.join(TARGET).join("web/pow_web.wasm");
    let out = target.join("explorer");
    Bindgen::new()
        .input_path(compiled)
        .no_modules(true)?
        .no_modules_global("verifier")?
        .omit_default_module_path(true)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&out)?;
    let read = |name: &str| {
        let path = out.join(name);
        fs::read(&path).with_context(|| path.display().to_string())
    };
    Ok(Program {
        wasm: read("pow_web_bg.wasm")?,
        glue: String::from_utf8(read("pow_web.js")?)?,
        compiler: compiler()?,
    })
}

/// Runs cargo with these flags for the compiler, and no others.
fn cargo(workspace: &Path, target: &Path, arguments: &[&str], flags: &str) -> Result<()> {
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env_remove("RUSTFLAGS")
        .status()
        .context("cargo")?;
    if !status.success() {
        bail!("cargo {}: {status}", arguments.join(" "));
    }
    Ok(())
}

/// Flags that take this machine's paths out of the program, so that others get the same one.
fn remapped(workspace: &Path) -> Result<String> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir().context("no home directory")?.join(".cargo"),
    };
    let mut flags = vec![remap(workspace, "/pow")];
    let sources = home.join("registry/src");
    for registry in fs::read_dir(&sources).with_context(|| sources.display().to_string())? {
        flags.push(remap(&registry?.path(), "/cargo"));
    }
    flags.sort();
    let flags: Option<Vec<&str>> = flags.iter().map(|flag| flag.to_str()).collect();
    Ok(flags.context("a path is not UTF-8")?.join("\x1f"))
}

fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

fn compiler() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
