//! Joins the files of the page into one.

use crate::program::Program;
use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The style, in the order in which it is joined.
const STYLES: [&str; 4] = ["base.css", "verdict.css", "chain.css", "block.css"];

/// The scripts of the page, in the order in which they are joined. A file uses only files
/// before it.
const SCRIPTS: [&str; 14] = [
    "dom.js",
    "files.js",
    "client.js",
    "state.js",
    "report.js",
    "document.js",
    "chart.js",
    "charts.js",
    "strip.js",
    "block.js",
    "search.js",
    "knowledge.js",
    "intake.js",
    "main.js",
];

/// What stands before the compiler's version in the page.
const BUILT_BY: &str = "<meta name=\"built-by\" content=\"";

/// The page, with the program inside.
pub fn join(directory: &Path, program: &Program) -> Result<String> {
    let read = |name: &str| {
        let path = directory.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let all = |names: &[&str]| -> Result<String> { names.iter().map(|name| read(name)).collect() };
    let style = all(&STYLES)?;
    let script = format!("'use strict';\n(() => {{\n{}}})();\n", all(&SCRIPTS)?);
    let worker = format!("'use strict';\n{}\n{}", program.glue, read("worker.js")?);
    for text in [&style, &script, &worker] {
        let lower = text.to_lowercase();
        let ends = ["</script", "</style", "<!--"];
        let ends = ends.into_iter().find(|end| lower.contains(end));
        ensure!(
            ends.is_none(),
            "a file holds {ends:?}, which would end it in the page"
        );
    }
    let policy = format!(
        "default-src 'none'; script-src '{}' 'wasm-unsafe-eval'; style-src '{}'; worker-src blob:; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types explorer",
        hash(&script),
        hash(&style)
    );
    let mut page = read("index.html")?;
    for (place, text) in [
        ("policy", policy.as_str()),
        ("compiler", &program.compiler),
        ("style", &style),
        ("script", &script),
        ("worker", &worker),
        ("program", &compressed(&program.wasm)?),
    ] {
        let mark = format!("{{{{{place}}}}}");
        ensure!(
            page.matches(&mark).count() == 1,
            "index.html needs one {mark}"
        );
        page = page.replacen(&mark, text, 1);
    }
    Ok(page)
}

/// The compiler that a page says it was built by.
pub fn compiler_of(page: &str) -> &str {
    let after = page.split_once(BUILT_BY).map(|(_, after)| after);
    let name = after.and_then(|after| after.split_once('"'));
    name.map_or("unknown", |(name, _)| name)
}

/// The source of a script or style, as a policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", Base64::encode_string(&Sha256::digest(text)))
}

fn compressed(bytes: &[u8]) -> Result<String> {
    // Without a time or a file name, so that it is always the same.
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    Ok(Base64::encode_string(&gzip.finish()?))
}
