//! A file that speaks for itself: a receipt, a proof, or a replay report.

use crate::replayed::counts;
use crate::request::{RequestError, parsed};
use pow_audit::display::{counted, printable, printable_json};
use pow_audit::proof::{CheckOptions, MAX_PROOF_LEN, check_proof};
use pow_audit::receipt::{ReceiptOptions, check_receipt};
use pow_audit::replay::{ReplayReport, ReportError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A chain file.
    Chain,
    /// A receipt, as `pow receipt` writes it.
    Receipt,
    /// A proof, as `pow prove` writes it.
    Proof,
    /// A replay report.
    ReplayReport,
    /// Something else.
    Other,
}

/// What a file is, by its first bytes, or by its schema if it is JSON. Give all bytes of a
/// file that is not too long to be a receipt or a report.
pub fn kind_of(bytes: &[u8]) -> FileKind {
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    if bytes.starts_with(b"POWCHAIN") {
        return FileKind::Chain;
    }
    if bytes.starts_with(b"POWRECPT") {
        return FileKind::Receipt;
    }
    match serde_json::from_slice::<Schema>(bytes) {
        Ok(found) if found.schema.starts_with("burn-pow/proof/") => FileKind::Proof,
        Ok(found) if found.schema.starts_with("burn-pow/replay-report/") => FileKind::ReplayReport,
        _ => FileKind::Other,
    }
}

/// The verdict on a receipt or a proof, as the program `pow` prints it with `--json`.
///
/// # Errors
///
/// [`RequestError`] if a hash that the verifier typed is none.
pub fn check(bytes: &[u8], genesis: &str, head: &str) -> Result<String, RequestError> {
    let head = parsed("head", head)?;
    if kind_of(bytes) == FileKind::Receipt {
        let options = ReceiptOptions {
            genesis: parsed("genesis", genesis)?,
            head,
            ..ReceiptOptions::default()
        };
        return Ok(pretty(&check_receipt(bytes, &options)));
    }
    let options = CheckOptions {
        head,
        ..CheckOptions::default()
    };
    Ok(pretty(&check_proof(
        &bytes[..bytes.len().min(MAX_PROOF_LEN + 1)],
        &options,
    )))
}

/// What a replay report says, before it is compared with a run.
#[derive(Clone, Debug, Serialize)]
pub struct ReportSummary {
    /// The hash of the replayed chain's genesis block.
    pub genesis: String,
    /// The hash of its last block.
    pub head: String,
    /// The height of that block.
    pub height: u32,
    /// Its results in words, one line each.
    pub lines: Vec<String>,
}

/// What a replay report says.
///
/// # Errors
///
/// [`ReportError`] if the bytes are no replay report.
pub fn summarize(bytes: &[u8]) -> Result<ReportSummary, ReportError> {
    let report = ReplayReport::from_json(bytes)?;
    let chain = report.chain();
    let lines = counts(&report)
        .into_iter()
        .map(|(words, count)| format!("{}: {words}", counted(count, "segment", "segments")));
    Ok(ReportSummary {
        genesis: chain.genesis.to_string(),
        head: chain.head.to_string(),
        height: chain.height.get(),
        lines: lines.collect(),
    })
}

/// A JSON text as values, with every text in it escaped as the program `pow` prints it, so that
/// none can hide or turn the direction of what stands beside it.
pub fn shown(json: &str) -> Value {
    fn escape(value: &mut Value) {
        match value {
            Value::String(text) => *text = printable(text),
            Value::Array(values) => values.iter_mut().for_each(escape),
            Value::Object(fields) => fields.values_mut().for_each(escape),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut value = serde_json::from_str(json).unwrap_or_default();
    escape(&mut value);
    value
}

/// A value as the program `pow` prints it with `--json`.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(value);
    printable_json(&json.unwrap_or_default())
}
