//! Drives a browser through `tests/browser/run.mjs`.

use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the page shows in the end.
#[derive(Debug, Deserialize)]
pub struct Shown {
    pub state: String,
    pub status: String,
    pub headline: String,
    pub raw: String,
    pub levels: Vec<ShownLevel>,
    pub not_shown: Vec<String>,
    /// The sizes of text and headline, of the verdict and of NOT SHOWN.
    pub sizes: [[String; 2]; 2],
    pub hidden: Vec<String>,
    pub found: Vec<String>,
    pub cells: Vec<String>,
    pub current: Vec<String>,
    pub block: Vec<Vec<String>>,
    pub charts: Vec<String>,
    pub outputs: Vec<String>,
    pub scripts: u64,
    /// Of the page's content, and of the window.
    pub width: [u64; 2],
    /// The addresses that the page asked for, without its own.
    pub requests: Vec<String>,
    pub errors: Vec<String>,
    /// What axe-core found: rule, impact, element.
    pub problems: Option<Vec<[String; 3]>>,
}

#[derive(Debug, Deserialize)]
pub struct ShownLevel {
    pub level: String,
    pub verdict: String,
    pub lines: Vec<String>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

/// Why there is no browser that can be driven.
pub fn missing() -> Result<(), String> {
    if !directory().join("node_modules/playwright-core").is_dir() {
        return Err("npm ci --prefix tests/browser".into());
    }
    let chromium = std::env::var_os("POW_CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    let version = Command::new(&chromium).arg("--version").output();
    match version {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("chromium: {}", output.status)),
        Err(error) => Err(format!("chromium: {error}")),
    }
}

/// The page as it is committed.
pub fn page() -> PathBuf {
    let page = directory().join("../../crates/pow-web/explorer.html");
    page.canonicalize().unwrap()
}

/// What the page shows after each of these jobs. It asks for nothing, and has no error.
pub fn browse(jobs: &[Value]) -> Vec<Shown> {
    let shown = drive(&page(), jobs);
    for shown in &shown {
        // Blobs lie in the page itself.
        let sent = shown.requests.iter();
        let sent: Vec<_> = sent.filter(|url| !url.starts_with("blob:")).collect();
        assert!(sent.is_empty(), "{sent:?}");
        assert!(shown.errors.is_empty(), "{:?}", shown.errors);
    }
    shown
}

/// What a page shows after each of these jobs.
pub fn drive(page: &Path, jobs: &[Value]) -> Vec<Shown> {
    let mut node = Command::new("node")
        .arg(directory().join("run.mjs"))
        .arg(page)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let jobs = serde_json::to_vec(jobs).unwrap();
    node.stdin.take().unwrap().write_all(&jobs).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Gives the page the folder of a run.
pub fn folder(run: &Path) -> Value {
    give("folder", run)
}

/// Gives one of the page's inputs a file or a folder.
pub fn give(input: &str, path: &Path) -> Value {
    json!({"give": {"input": input, "paths": path}})
}
