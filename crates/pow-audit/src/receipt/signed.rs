//! Sections with a text and the signatures that belong to it.

use crate::declaration::{Declaration, MAX_DECLARATION};
use crate::replay::ReplayReport;
use crate::signature::{MAX_SIGNATURE, MAX_STATEMENT, Signature};
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use std::io::Read;

/// The longest replay report in a receipt, in bytes of its JSON (1 MiB).
pub const MAX_RECEIPT_REPORT: usize = 1 << 20;
/// The most signatures of one text.
pub(super) const MAX_OF_ONE: usize = 64;

/// A text, and the bytes of signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedText {
    /// The text: a statement, a declaration or a replay report.
    pub text: Vec<u8>,
    /// The signatures, as their tools write them.
    pub signatures: Vec<Vec<u8>>,
}

impl SignedText {
    /// The bytes of its section.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in std::iter::once(&self.text).chain(&self.signatures) {
            bytes.extend((part.len() as u32).to_le_bytes());
            bytes.extend(part);
        }
        bytes
    }

    /// The bytes of the section of a replay report, which is compressed.
    pub(super) fn to_report_bytes(&self) -> Vec<u8> {
        let mut compressed = Vec::new();
        // Reading and writing bytes in memory cannot fail.
        let _ = ZlibEncoder::new(&self.text[..], Compression::best()).read_to_end(&mut compressed);
        let compressed = SignedText {
            text: compressed,
            signatures: self.signatures.clone(),
        };
        compressed.to_bytes()
    }

    /// Reads a section with a text of at most `longest` bytes.
    pub(super) fn parse(bytes: &[u8], longest: usize) -> Result<Self, String> {
        let mut rest = bytes;
        let text = part(&mut rest, longest)?;
        let mut signatures = Vec::new();
        while !rest.is_empty() {
            if signatures.len() == MAX_OF_ONE {
                return Err(format!("more than {MAX_OF_ONE} signatures"));
            }
            signatures.push(part(&mut rest, MAX_SIGNATURE)?);
        }
        Ok(SignedText { text, signatures })
    }

    /// Its signatures. One that cannot be read makes the whole section malformed.
    fn read_signatures(&self) -> Result<Vec<Signature>, String> {
        let read = self.signatures.iter().enumerate().map(|(index, bytes)| {
            Signature::parse(bytes).map_err(|error| format!("signature {}: {error}", index + 1))
        });
        read.collect()
    }
}

fn part(rest: &mut &[u8], longest: usize) -> Result<Vec<u8>, String> {
    let len = rest.split_off(..4).and_then(|len| len.try_into().ok());
    let len = len.map(u32::from_le_bytes);
    let len = len.and_then(|len| usize::try_from(len).ok());
    match len {
        Some(len) if len > longest => Err(format!("a part of {len} bytes, at most {longest}")),
        Some(len) => match rest.split_off(..len) {
            Some(part) => Ok(part.to_vec()),
            None => Err("it ends inside a part".into()),
        },
        None => Err("it ends inside a part".into()),
    }
}

/// The statement and the signature of a section of kind 16.
pub(super) fn statement(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut section = SignedText::parse(bytes, MAX_STATEMENT)?;
    match (section.signatures.pop(), section.signatures.is_empty()) {
        (Some(signature), true) => Ok((section.text, signature)),
        _ => Err("expected one signature behind the statement".into()),
    }
}

/// The declaration and its signatures, of a section of kind 17.
pub(super) fn declaration(bytes: &[u8]) -> Result<(Declaration, Vec<Signature>), String> {
    let section = SignedText::parse(bytes, MAX_DECLARATION)?;
    let declaration = Declaration::parse(&section.text).map_err(|error| error.to_string())?;
    Ok((declaration, section.read_signatures()?))
}

/// The report and its signatures, of a section of kind 18.
pub(super) fn report(bytes: &[u8]) -> Result<(ReplayReport, Vec<Signature>), String> {
    let section = SignedText::parse(bytes, bytes.len())?;
    let text = decompressed(&section.text)?;
    let report = ReplayReport::from_json(&text).map_err(|error| error.to_string())?;
    Ok((report, section.read_signatures()?))
}

fn decompressed(stream: &[u8]) -> Result<Vec<u8>, String> {
    let limit = MAX_RECEIPT_REPORT as u64;
    let mut decoder = ZlibDecoder::new(stream);
    let mut text = Vec::new();
    let read = decoder.by_ref().take(limit + 1).read_to_end(&mut text);
    match read {
        Err(_) => Err("the report is not compressed by zlib".into()),
        Ok(_) if text.len() as u64 > limit => Err(format!("a report of more than {limit} bytes")),
        Ok(_) if decoder.total_in() != stream.len() as u64 => {
            Err("bytes follow the compressed report".into())
        }
        Ok(_) => Ok(text),
    }
}
