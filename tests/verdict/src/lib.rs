//! What the verifier says of a chain file, in one line, so that the verdicts of
//! two machines can be compared.

use pow_core::chain::{ChainVerifier, VerifiedChain};
use pow_ledger::ChainReader;
use std::io::{Read, Result, Write};

/// The verdict on a chain file's bytes: `holds` with what was found, or `fails`
/// with the reason.
pub fn verdict(file: &[u8]) -> String {
    let mut verifier = ChainVerifier::new(None);
    let end = match check(file, &mut verifier) {
        Ok(end) => end,
        Err(reason) => return format!("fails: {reason}"),
    };
    match verifier.chain() {
        Some(chain) => format!("holds: {}{end}", found(chain)),
        None => format!("fails: no genesis block{end}"),
    }
}

/// Takes in all records; how the file ends.
fn check(file: &[u8], verifier: &mut ChainVerifier) -> core::result::Result<String, String> {
    let mut reader = ChainReader::new(file).map_err(|error| error.to_string())?;
    for record in reader.by_ref() {
        let record = record.map_err(|error| error.to_string())?;
        verifier
            .push(&record.block, &record.body)
            .map_err(|error| format!("byte {}: {error}", record.offset))?;
    }
    Ok(match reader.torn() {
        Some(torn) => format!(", torn at byte {} ({} bytes)", torn.offset, torn.len),
        None => String::new(),
    })
}

fn found(chain: &VerifiedChain) -> String {
    format!(
        "head {} at height {}, bits {}, work {}, {}",
        chain.head_hash(),
        chain.height(),
        chain.head().bits,
        chain.work().saturating_u128(),
        match chain.end() {
            Some(_) => "finished",
            None => "unfinished",
        }
    )
}

/// Reads chain files, each after its length as a little-endian `u32`, and
/// writes a line for each. Before them comes a line that names the machine.
///
/// # Errors
///
/// What `input` or `out` answers, the end of the input inside a file included.
pub fn verdicts(input: &mut impl Read, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{} {}", std::env::consts::ARCH, usize::BITS)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let mut rest = &bytes[..];
    while let Some((len, after)) = rest.split_first_chunk() {
        let len = u32::from_le_bytes(*len) as usize;
        let (file, after) = after
            .split_at_checked(len)
            .ok_or(std::io::ErrorKind::UnexpectedEof)?;
        writeln!(out, "{}", verdict(file))?;
        rest = after;
    }
    out.flush()
}
