//! The fields of a body: what genesis declares, and what a block commits to.

use super::fields::{Field, Fields, LayoutError, float};
use pow_audit::display::{counted, utc};
use pow_core::body::{Body, BodyKind, UnixMillis};
use pow_core::extension::ExtensionKind;
use pow_core::target::CompactTarget;

/// The fields of a body's bytes up to its entries, in order.
///
/// # Errors
///
/// [`LayoutError`] if the bytes are no body.
pub fn body_fields(bytes: &[u8]) -> Result<Vec<Field>, LayoutError> {
    let mut fields = Fields::new(bytes, 0)?;
    let millis = |millis| utc(UnixMillis(millis));
    fields.plain("format version", 2)?;
    let kind = fields.choice("kind", &["genesis", "steps", "final"])?;
    fields.plain("height", 4)?;
    fields.number("start", 8, millis)?;
    fields.number("parent found", 8, millis)?;
    fields.digest("root of the tree over all previous blocks")?;
    match kind {
        0 => genesis(&mut fields)?,
        2 => end(&mut fields)?,
        _ => {}
    }
    fields.plain("entry count", 4)?;
    Ok(fields.found)
}

/// The fields of the entries `from` to `to` (exclusive) of a body, in order.
///
/// # Errors
///
/// [`LayoutError`] if the bytes are no body.
pub fn entry_fields(
    bytes: &[u8],
    body: &Body,
    from: usize,
    to: usize,
) -> Result<Vec<Field>, LayoutError> {
    let fixed = body.fixed_part().to_bytes().len();
    match &body.kind {
        BodyKind::Genesis(genesis) => {
            let mut at = fixed;
            let mut found = Vec::new();
            for (index, extension) in genesis.extensions.iter().enumerate().take(to) {
                if index >= from {
                    let mut fields = Fields::new(bytes, at)?;
                    self::extension(&mut fields)?;
                    found.extend(fields.found);
                }
                at += 8 + extension.data.len();
            }
            Ok(found)
        }
        BodyKind::Steps(entries) => {
            let before = entries
                .iter()
                .take(from)
                .map(|entry| entry.to_bytes().len());
            let mut fields = Fields::new(bytes, fixed + before.sum::<usize>())?;
            for _ in from..to.min(entries.len()) {
                entry(&mut fields)?;
            }
            Ok(fields.found)
        }
        BodyKind::Final(_) => Ok(Vec::new()),
    }
}

fn genesis(fields: &mut Fields<'_>) -> Result<(), LayoutError> {
    fields.text("name of the run")?;
    fields.plain("seed", 8)?;
    fields.digest("initial state root")?;
    fields.flag("regenerable")?;
    fields.option("planned steps", |f| f.plain("planned steps", 8).map(drop))?;
    fields.plain("commit interval in steps", 8)?;
    fields.plain("checkpoint interval in steps", 8)?;
    fields.option("retention", |f| f.plain("retention", 4).map(drop))?;
    fields.choice("mode", &["pipelined", "gate"])?;
    let order = fields.choice("order rule", &["foreign", "seeded", "bound"])?;
    if order > 0 {
        fields.plain("samples in the dataset", 4)?;
        fields.plain("samples in a micro-batch", 4)?;
        fields.plain("micro-batches in a step", 4)?;
    }
    if order == 2 {
        fields.plain("lag in segments", 4)?;
    }
    fields.option("dataset root", |f| f.digest("dataset root"))?;
    fields.digest("digest of config.json")?;
    let executable = "digest of the running executable's bytes";
    fields.option(executable, |f| f.digest(executable))?;
    fields.option("digest of the lock file", |f| {
        f.digest("digest of the lock file")
    })?;
    fields.option("source revision", |f| f.text("source revision"))?;
    fields.text("Burn's version")?;
    fields.text("backend")?;
    fields.text("device")?;
    fields.text("CPU architecture and instruction sets")?;
    fields.plain("threads", 4)?;
    let bits = |bits| CompactTarget(bits as u32).to_string();
    let policy = fields.choice("difficulty policy", &["fixed", "ASERT"])?;
    fields.number("target of genesis", 4, bits)?;
    if policy == 1 {
        fields.number("spacing", 8, |ms| format!("{ms} ms"))?;
        fields.number("half-life", 8, |ms| format!("{ms} ms"))?;
    }
    fields.number("floor", 4, bits)?;
    fields.number("the easiest target of the final block", 4, bits)?;
    Ok(())
}

fn extension(fields: &mut Fields<'_>) -> Result<(), LayoutError> {
    fields.number("extension: type", 4, |number| {
        let known = u32::try_from(number).ok().and_then(ExtensionKind::of);
        match known {
            Some(kind) => format!("{number}: {}", kind.name()),
            None => format!("{number}: unknown to this page"),
        }
    })?;
    fields.sized("extension: data", |data| {
        counted(data.len() as u64, "byte", "bytes")
    })
}

fn entry(fields: &mut Fields<'_>) -> Result<(), LayoutError> {
    fields.plain("step", 8)?;
    fields.digest("parameter root")?;
    fields.option("batch digest", |f| f.digest("batch digest"))?;
    fields.option("loss", |f| f.number("loss", 8, float).map(drop))?;
    let rate = "base learning rate";
    fields.option(rate, |f| f.number(rate, 8, float).map(drop))?;
    fields.option("rest root", |f| f.digest("rest root"))
}

fn end(fields: &mut Fields<'_>) -> Result<(), LayoutError> {
    fields.plain("steps", 8)?;
    fields.choice("ending", &["completed", "stopped", "failed"])?;
    fields.option("state root", |f| f.digest("state root"))?;
    fields.digest("artifact root")
}
