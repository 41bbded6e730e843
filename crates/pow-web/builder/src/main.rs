//! Builds `explorer.html`: compiles pow-web to WebAssembly, makes what JavaScript needs to call
//! it, and joins both with the files of the page into one.
//!
//! `cargo run --release --manifest-path crates/pow-web/builder/Cargo.toml` writes the page.
//! With `-- --check` it writes nothing, and fails if the page in the repository is another one.
//! Another compiler makes another program, so a page that another one built is not compared,
//! which is printed.

mod page;
mod program;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match &arguments[..] {
        [] => false,
        [only] if only == "--check" => true,
        _ => bail!("usage: pow-web-builder [--check]"),
    };
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crate_dir = crate_dir.canonicalize().context("crates/pow-web")?;
    let program = program::build(&crate_dir)?;
    println!("pow_web.wasm   {:>9} bytes", program.wasm.len());
    let page = page::join(&crate_dir.join("page"), &program)?;
    println!("explorer.html  {:>9} bytes", page.len());
    println!("built by       {}", program.compiler);
    println!("sha256         {}", hex(&Sha256::digest(&page)));
    let path = crate_dir.join("explorer.html");
    if !check {
        return fs::write(&path, page).with_context(|| path.display().to_string());
    }
    let committed = fs::read(&path).with_context(|| path.display().to_string())?;
    let text = String::from_utf8_lossy(&committed);
    let compiler = page::compiler_of(&text);
    if compiler != program.compiler {
        println!(
            "NOT COMPARED: {} was built by {compiler}, and this is another",
            path.display()
        );
    } else if committed != page.as_bytes() {
        bail!(
            "{} has sha256 {}, so it is not the page that this source makes. Build it again",
            path.display(),
            hex(&Sha256::digest(&committed)),
        );
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a text never fails.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
