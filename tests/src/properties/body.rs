//! Bodies: one byte string each, and the commitment from the bytes alone.

use super::memory::metered;
use crate::oracle::{tagged, tree_root};
use pow_core::body::{Body, BodyKind, Genesis};
use pow_core::codec::DecodeErrorKind;
use pow_core::extension::ReadExtension;

/// A body.
pub fn body(data: &[u8]) {
    let body = match metered(data.len(), || Body::from_bytes(data)) {
        Ok(body) => body,
        Err(error) => {
            assert!(error.offset <= data.len(), "{error}");
            return;
        }
    };
    assert_eq!(body.to_bytes(), data);
    assert_eq!(body.commitment().0, commitment(&body, data));
    if let BodyKind::Genesis(genesis) = &body.kind {
        extensions(genesis);
    }

    let cut = Body::from_bytes(&data[..data.len() - 1]).unwrap_err();
    assert!(matches!(cut.kind, DecodeErrorKind::Truncated { .. }));
    let longer = Body::from_bytes(&[data, &[0]].concat()).unwrap_err();
    assert_eq!(longer.kind, DecodeErrorKind::Trailing(1));
    assert_eq!(longer.offset, data.len());
}

/// Any data of an extension are read, and what is known has one byte string.
fn extensions(genesis: &Genesis) {
    let read = genesis.read_extensions();
    assert_eq!(read.len(), genesis.extensions.len());
    for (extension, read) in genesis.extensions.iter().zip(read) {
        if let ReadExtension::Known(known) = read {
            assert_eq!(known.to_extension(), *extension);
        }
    }
}

/// The commitment by `docs/format.md`. Only how many entries there are is taken
/// from the decoded body; where they lie is read off the bytes.
pub(super) fn commitment(body: &Body, data: &[u8]) -> [u8; 32] {
    let (fixed_len, entries) = match &body.kind {
        BodyKind::Genesis(genesis) => {
            let lens = genesis.extensions.iter().map(|entry| 8 + entry.data.len());
            let lens: Vec<usize> = lens.collect();
            let fixed_len = data.len() - lens.iter().sum::<usize>();
            (fixed_len, cut(&data[fixed_len..], &lens))
        }
        BodyKind::Steps(entries) => {
            let fixed_len = 2 + 1 + 4 + 8 + 8 + 32 + 4;
            let mut rest = &data[fixed_len..];
            let entries: Vec<&[u8]> = entries.iter().map(|_| entry(&mut rest)).collect();
            assert!(rest.is_empty());
            (fixed_len, entries)
        }
        BodyKind::Final(_) => (data.len(), Vec::new()),
    };
    let leaves: Vec<[u8; 32]> = entries.iter().map(|entry| tagged("entry", entry)).collect();
    tagged("body", &[&data[..fixed_len], &tree_root(&leaves)].concat())
}

fn cut<'a>(mut bytes: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    lens.iter()
        .map(|len| {
            let (entry, rest) = bytes.split_at(*len);
            bytes = rest;
            entry
        })
        .collect()
}

/// A step's entry: step, root, then four values that may be absent.
fn entry<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let mut len = 8 + 32;
    for present in [32, 8, 8, 32] {
        len += if rest[len] == 1 { 1 + present } else { 1 };
    }
    let (entry, after) = rest.split_at(len);
    *rest = after;
    entry
}
