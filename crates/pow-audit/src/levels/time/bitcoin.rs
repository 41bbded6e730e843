//! What Bitcoin's chain says about time: the lower bound that genesis names, and where an
//! OpenTimestamps proof leads.

use super::Found;
use crate::anchor::{
    BitcoinHeaders, MAINNET_LIMIT, OtsAttestation, OtsPath, OtsProof, SuppliedHeader,
    is_hard_enough, meets,
};
use crate::display::utc_seconds as date;
use crate::report::time::{AnchorState, LowerBound};
use pow_core::extension::BitcoinBlock;
use pow_core::hash::TxRoot;
use pow_core::header::HeaderTime;

/// How far the time in a Bitcoin header may be off, in seconds. Bitcoin's rules allow two
/// hours ahead of the network's clock. How far behind is not bounded as firmly: the time is
/// above the median of the eleven headers before.
const MARGIN: i64 = 2 * 60 * 60;

/// What a proof says. One path that counts is enough, but none may be forged.
pub(super) fn judge_proof(proof: &OtsProof, headers: Option<&BitcoinHeaders>) -> Option<Found> {
    let paths = proof.paths.iter().map(|path| judge_path(path, headers));
    let mut found: Vec<Found> = paths.collect();
    // The sort keeps the order of the file.
    found.sort_by_key(|found| match found.state {
        state if state.is_fault() => (0, None),
        AnchorState::Counts => (1, found.time),
        AnchorState::HeaderNotSupplied => (2, None),
        _ => (3, None),
    });
    found.into_iter().next()
}

fn judge_path(path: &OtsPath, headers: Option<&BitcoinHeaders>) -> Found {
    let found = |state, words: String| Found {
        state,
        time: None,
        words,
        tsa: None,
    };
    let height = match &path.attestation {
        OtsAttestation::Bitcoin(height) => *height,
        OtsAttestation::Pending(calendar) => {
            let words = format!(
                "PENDING: the calendar {calendar:?} has promised it; complete the proof with `ots upgrade`"
            );
            return found(AnchorState::Pending, words);
        }
        OtsAttestation::Unknown(tag) => {
            let tag = crate::hex::to_hex(tag);
            let words = format!("not checked: an attestation of the unknown kind {tag}");
            return found(AnchorState::Unknown, words);
        }
    };
    let Ok(root) = <[u8; 32]>::try_from(&path.message[..]) else {
        let words = format!(
            "FORGED: it leads to {} bytes, and a transaction root has 32",
            path.message.len()
        );
        return found(AnchorState::Forged, words);
    };
    let Some(headers) = headers else {
        let words = format!(
            "not checked: it leads to Bitcoin block {height}, whose header was not supplied (--bitcoin-headers)"
        );
        return found(AnchorState::HeaderNotSupplied, words);
    };
    match (headers.with_root(TxRoot(root)), headers.at_height(height)) {
        (Some(header), _) if header.height.is_some_and(|at| at != height) => found(
            AnchorState::Forged,
            format!(
                "FORGED: it says Bitcoin block {height}, but its root is that of block {}",
                header.height.unwrap_or_default()
            ),
        ),
        (Some(header), _) => Found {
            state: AnchorState::Counts,
            time: Some(seconds(header.time) + MARGIN),
            words: format!(
                "not after {}: Bitcoin block {height}, {}",
                date(seconds(header.time) + MARGIN),
                standing(&header)
            ),
            tsa: None,
        },
        (None, Some(_)) => found(
            AnchorState::Forged,
            format!(
                "FORGED: the supplied header of Bitcoin block {height} has another transaction root"
            ),
        ),
        (None, None) => found(
            AnchorState::HeaderNotSupplied,
            format!(
                "not checked: the header of Bitcoin block {height} is not among those supplied"
            ),
        ),
    }
}

/// The lower bound, and its time in seconds since 1970 if it counts.
pub(super) fn lower_bound(
    named: &BitcoinBlock,
    headers: Option<&BitcoinHeaders>,
) -> (LowerBound, Option<i64>) {
    let limit = headers.map_or(MAINNET_LIMIT, BitcoinHeaders::limit);
    let (height, hash) = (named.height, named.header.hash());
    let (state, line, time) = if !is_hard_enough(named.header.bits, limit) {
        let line = format!(
            "TOO LITTLE WORK: genesis names a header with target {:08x}, and Bitcoin's are no easier than {:08x}",
            named.header.bits.0, limit.0
        );
        (AnchorState::TooLittleWork, line, None)
    } else if !meets(named.header.bits, hash) {
        let line = "FORGED: genesis names a Bitcoin header whose hash does not meet its target";
        (AnchorState::Forged, line.into(), None)
    } else {
        match headers.map(|headers| headers.with_hash(hash)) {
            None => {
                let line = format!(
                    "not checked: genesis names Bitcoin block {height}, whose header was not supplied (--bitcoin-headers)"
                );
                (AnchorState::HeaderNotSupplied, line, None)
            }
            Some(None) => {
                let line = format!(
                    "not checked: genesis names Bitcoin block {height}, whose header {} is not among those supplied",
                    named.header.hash()
                );
                (AnchorState::HeaderNotSupplied, line, None)
            }
            Some(Some(header)) if header.height.is_some_and(|at| at != height) => {
                let at = header.height.unwrap_or_default();
                let line = format!(
                    "FORGED: genesis says Bitcoin block {height}, but its header is that of block {at}"
                );
                (AnchorState::Forged, line, None)
            }
            Some(Some(header)) => {
                let time = seconds(header.time) - MARGIN;
                let line = format!(
                    "not before {}: genesis names Bitcoin block {height}, {}",
                    date(time),
                    standing(&header)
                );
                (AnchorState::Counts, line, Some(time))
            }
        }
    };
    (LowerBound { state, line }, time)
}

/// How well a supplied header stands.
fn standing(header: &SuppliedHeader) -> String {
    match (header.stretch, header.on_top) {
        (1, _) => "a header supplied alone, worth the verifier's word".into(),
        (stretch, on_top) => {
            format!("in a stretch of {stretch} linked headers, {on_top} of them on top")
        }
    }
}

fn seconds(time: HeaderTime) -> i64 {
    i64::from(time.0)
}
