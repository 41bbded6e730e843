//! Lists a model, and compares one with what was signed.

use super::error::OmsError;
use super::files::{ALWAYS_IGNORED, MAX_FILES, ModelFiles, ModelOptions, ignored, io};
use super::manifest::{Manifest, Method};
use crate::envelope::{Payload, file_sha256};
use crate::hex::to_hex;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

/// How a model stands to what was signed. Names are paths within the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelReport {
    /// Files, or shards of them, that are as they were signed.
    pub same: u64,
    /// Those that were signed and have other bytes.
    pub changed: Vec<String>,
    /// Those that were signed and are not there.
    pub missing: Vec<String>,
    /// Files that are there and were not signed.
    pub unsigned: Vec<String>,
    /// What the signer left out and the verifier did not name. Nothing is known of it.
    pub ignored: Vec<String>,
    /// Whether unsigned files speak against the model.
    allow_unsigned: bool,
}

impl ModelReport {
    /// Whether the model is what was signed.
    pub fn holds(&self) -> bool {
        let is_whole = self.changed.is_empty() && self.missing.is_empty();
        is_whole && (self.allow_unsigned || self.unsigned.is_empty())
    }
}

/// The statement about a model: one file, or all files in a directory. Calls `progress` with
/// the name of each file before it is hashed.
///
/// ```
/// use pow_audit::oms::{ModelOptions, check_model, model_payload};
/// let model = tempfile::tempdir()?;
/// std::fs::write(model.path().join("weights.bin"), b"weights")?;
/// let options = ModelOptions::default();
/// let statement = model_payload(model.path(), &options, &mut |_| {})?;
/// assert!(check_model(model.path(), &statement, &options, &mut |_| {})?.holds());
/// std::fs::write(model.path().join("weights.bin"), b"others")?;
/// let report = check_model(model.path(), &statement, &options, &mut |_| {})?;
/// assert_eq!(report.changed, ["weights.bin"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`OmsError`] if a file cannot be read, is a link or no file, or if there is none.
pub fn model_payload(
    model: &Path,
    options: &ModelOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Payload, OmsError> {
    let mut left_out = ignored(options)?;
    for always in ALWAYS_IGNORED.map(String::from) {
        if !left_out.contains(&always) {
            left_out.push(always);
        }
    }
    let files = ModelFiles::list(model, &left_out, options.signature.as_deref())?;
    let mut digests = BTreeMap::new();
    for name in files.names() {
        progress(name);
        digests.extend(hashed(&files, name, Method::Files)?);
    }
    if digests.is_empty() {
        return Err(OmsError::NoFiles);
    }
    let manifest = Manifest {
        name: files.name.clone(),
        digests,
        method: Method::Files,
        ignored: left_out,
    };
    manifest.to_payload()
}

/// Compares a model with a statement about it, whose signature was checked before. Files that
/// were not signed are not hashed.
///
/// # Errors
///
/// [`OmsError`] if the statement is malformed, or as [`model_payload`].
pub fn check_model(
    model: &Path,
    statement: &Payload,
    options: &ModelOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<ModelReport, OmsError> {
    let mut signed = Manifest::of_payload(statement)?;
    let own: BTreeSet<String> = ignored(options)?.into_iter().collect();
    let mut left_out: Vec<String> = own.iter().cloned().collect();
    left_out.extend(ALWAYS_IGNORED.map(String::from));
    left_out.append(&mut signed.ignored);
    let files = ModelFiles::list(model, &left_out, options.signature.as_deref())?;
    if files.is_file() && signed.digests.len() == 1 {
        // How the reference implementation calls the only file of a model.
        if let Some(digest) = signed.digests.remove(".") {
            signed.digests.insert(files.name.clone(), digest);
        }
    }
    let mut report = ModelReport {
        allow_unsigned: options.allow_unsigned,
        ignored: unnamed(model, &left_out, &own, files.is_file()),
        ..ModelReport::default()
    };
    let named: BTreeSet<String> = signed
        .digests
        .keys()
        .map(|name| file(name, signed.method))
        .collect();
    for name in files.names() {
        if !named.contains(name) {
            // A list of pieces has no empty files.
            let may_be_there = signed.method != Method::Files && is_empty(&files, name)?;
            let list = match may_be_there {
                true => &mut report.ignored,
                false => &mut report.unsigned,
            };
            list.push(name.clone());
            continue;
        }
        progress(name);
        for (piece, digest) in hashed(&files, name, signed.method)? {
            match signed.digests.remove(&piece) {
                Some(expected) if expected == digest => report.same += 1,
                Some(_) => report.changed.push(piece),
                // A file that is longer than it was, by a piece.
                None => report.changed.push(piece),
            }
        }
    }
    report.missing = signed.digests.into_keys().collect();
    Ok(report)
}

/// What is left out by the signer's word alone, and is there.
fn unnamed(
    model: &Path,
    left_out: &[String],
    own: &BTreeSet<String>,
    is_file: bool,
) -> Vec<String> {
    let by_signer = left_out.iter().filter(|path| {
        let is_inside = Path::new(path).is_relative() && !path.split('/').any(|part| part == "..");
        is_inside && !is_file && !own.contains(*path)
    });
    let there: BTreeSet<&String> = by_signer
        .filter(|path| model.join(path).symlink_metadata().is_ok())
        .collect();
    there.into_iter().cloned().collect()
}

/// The digests of a file, or of each piece of it, by their names.
fn hashed(
    files: &ModelFiles,
    name: &str,
    method: Method,
) -> Result<Vec<(String, String)>, OmsError> {
    let (mut bytes, path) = files.open(name)?;
    let shard = match method {
        Method::Files => {
            let digest = file_sha256(bytes).map_err(io(&path))?;
            return Ok(vec![(name.into(), to_hex(&digest))]);
        }
        Method::Shards(len) => len.get(),
    };
    let len = bytes.metadata().map_err(io(&path))?.len();
    if len.div_ceil(shard) > MAX_FILES as u64 {
        return Err(OmsError::ManyFiles);
    }
    let mut digests = Vec::new();
    let mut start = 0;
    while start < len {
        let end = len.min(start.saturating_add(shard));
        let piece = (&mut bytes).take(end - start);
        let digest = file_sha256(piece).map_err(io(&path))?;
        digests.push((format!("{name}:{start}:{end}"), to_hex(&digest)));
        start = end;
    }
    Ok(digests)
}

fn is_empty(files: &ModelFiles, name: &str) -> Result<bool, OmsError> {
    let (file, path) = files.open(name)?;
    Ok(file.metadata().map_err(io(&path))?.len() == 0)
}

/// The file to which a piece belongs.
fn file(piece: &str, method: Method) -> String {
    let mut parts = piece.rsplitn(3, ':');
    match (method, parts.next(), parts.next(), parts.next()) {
        (Method::Shards(_), Some(_), Some(_), Some(file)) => file.into(),
        _ => piece.into(),
    }
}
