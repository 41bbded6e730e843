//! Headers of Bitcoin's chain, as a verifier supplies them.

use crate::hex::from_hex;
use pow_core::hash::{BlockHash, TxRoot};
use pow_core::header::{HEADER_LEN, Header, HeaderTime};
use pow_core::target::CompactTarget;
use std::collections::HashMap;

/// Bitcoin's easiest target (`nBits` of its first block). A header of Bitcoin's chain has
/// this one or a harder one.
pub const MAINNET_LIMIT: CompactTarget = CompactTarget(0x1d00_ffff);

/// Headers whose work and links were checked. That they are Bitcoin's is the verifier's
/// word: retargets are not checked, and a header alone is worth only its own work.
#[derive(Clone, Debug)]
pub struct BitcoinHeaders {
    headers: Vec<Listed>,
    by_hash: HashMap<BlockHash, usize>,
    by_root: HashMap<[u8; 32], usize>,
    by_height: HashMap<u32, usize>,
    limit: CompactTarget,
}

#[derive(Clone, Copy, Debug)]
struct Listed {
    time: HeaderTime,
    height: Option<u32>,
    /// Index of the first header of its stretch.
    first: usize,
    /// Index behind the last header of its stretch.
    end: usize,
}

/// A header that the verifier supplied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SuppliedHeader {
    pub(crate) time: HeaderTime,
    /// Absent if the verifier gave no heights.
    pub(crate) height: Option<u32>,
    /// The headers of its stretch.
    pub(crate) stretch: usize,
    /// The headers that were mined on top of it.
    pub(crate) on_top: usize,
}

/// Why something is not a list of headers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BitcoinHeadersError {
    /// There is no header.
    #[error("no header")]
    Empty,
    /// The length of raw headers.
    #[error("{0} bytes, expected a multiple of 80, or lines of 160 hex digits")]
    Length(usize),
    /// A line is no header.
    #[error("line {0}: expected 160 hex digits, with or without the block's height before them")]
    Line(usize),
    /// A header's target is easier than allowed.
    #[error(
        "header {at}: target {found:08x} is malformed or easier than {limit:08x}: too little work for Bitcoin"
    )]
    TooEasy {
        /// Its place, from 1 on.
        at: usize,
        /// Its target.
        found: u32,
        /// The easiest target allowed.
        limit: u32,
    },
    /// A header's hash does not meet its target.
    #[error("header {0}: its hash does not meet its target")]
    Work(usize),
    /// The height does not follow from the one before.
    #[error("header {at}: height {height} contradicts its link to the header before it")]
    Link {
        /// Its place, from 1 on.
        at: usize,
        /// Its height.
        height: u32,
    },
}

impl BitcoinHeaders {
    /// Reads raw headers of 80 bytes each, or a line of 160 hex digits for each, where the
    /// block's height and a space may stand before them. A header follows the one before it
    /// or begins a new stretch.
    ///
    /// `limit` is the easiest target that is allowed: [`MAINNET_LIMIT`] for Bitcoin.
    ///
    /// # Errors
    ///
    /// [`BitcoinHeadersError`] if the bytes are in neither form, a header lacks work, or
    /// heights contradict the links.
    pub fn parse(bytes: &[u8], limit: CompactTarget) -> Result<Self, BitcoinHeadersError> {
        let mut list = BitcoinHeaders {
            headers: Vec::new(),
            by_hash: HashMap::new(),
            by_root: HashMap::new(),
            by_height: HashMap::new(),
            limit,
        };
        let mut last = None;
        // Raw headers have bytes that no text has.
        if bytes.is_ascii() && !bytes.contains(&0) {
            for (line, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
                let text = std::str::from_utf8(text).unwrap_or_default().trim();
                if !text.is_empty() {
                    let (height, header) =
                        hex_line(text).ok_or(BitcoinHeadersError::Line(line + 1))?;
                    last = Some(list.push(Header::from_bytes(&header), height, last)?);
                }
            }
        } else {
            let (headers, []) = bytes.as_chunks::<HEADER_LEN>() else {
                return Err(BitcoinHeadersError::Length(bytes.len()));
            };
            for header in headers {
                last = Some(list.push(Header::from_bytes(header), None, last)?);
            }
        }
        let mut end = list.headers.len();
        for at in (0..end).rev() {
            list.headers[at].end = end;
            if list.headers[at].first == at {
                end = at;
            }
        }
        match list.headers.is_empty() {
            true => Err(BitcoinHeadersError::Empty),
            false => Ok(list),
        }
    }

    /// Takes in a header behind the one with the hash `last`. Returns its hash.
    fn push(
        &mut self,
        header: Header,
        height: Option<u32>,
        last: Option<BlockHash>,
    ) -> Result<BlockHash, BitcoinHeadersError> {
        let index = self.headers.len();
        let at = index + 1;
        if !is_hard_enough(header.bits, self.limit) {
            return Err(BitcoinHeadersError::TooEasy {
                at,
                found: header.bits.0,
                limit: self.limit.0,
            });
        }
        let hash = header.hash();
        if !meets(header.bits, hash) {
            return Err(BitcoinHeadersError::Work(at));
        }
        let before = self.headers.last().filter(|_| last == Some(header.prev));
        let is_first = before.is_none();
        let follows = before.and_then(|before| before.height?.checked_add(1));
        let contradicts = match (follows, height) {
            (Some(follows), Some(height)) => follows != height,
            // The next height, and no link to it.
            (None, Some(height)) if is_first => {
                let before = self.headers.last().and_then(|before| before.height);
                before.and_then(|before| before.checked_add(1)) == Some(height)
            }
            _ => false,
        };
        if let (true, Some(height)) = (contradicts, height) {
            return Err(BitcoinHeadersError::Link { at, height });
        }
        let height = height.or(follows);
        let first = before.map_or(index, |before| before.first);
        self.headers.push(Listed {
            time: header.time,
            height,
            first,
            end: at,
        });
        self.by_hash.insert(hash, index);
        self.by_root.insert(header.tx_root.0, index);
        if let Some(height) = height {
            self.by_height.insert(height, index);
        }
        Ok(hash)
    }

    /// The easiest target that is allowed.
    pub fn limit(&self) -> CompactTarget {
        self.limit
    }

    pub(crate) fn with_hash(&self, hash: BlockHash) -> Option<SuppliedHeader> {
        self.supplied(*self.by_hash.get(&hash)?)
    }

    pub(crate) fn with_root(&self, root: TxRoot) -> Option<SuppliedHeader> {
        self.supplied(*self.by_root.get(&root.0)?)
    }

    pub(crate) fn at_height(&self, height: u32) -> Option<SuppliedHeader> {
        self.supplied(*self.by_height.get(&height)?)
    }

    fn supplied(&self, index: usize) -> Option<SuppliedHeader> {
        let listed = self.headers.get(index)?;
        Some(SuppliedHeader {
            time: listed.time,
            height: listed.height,
            stretch: listed.end - listed.first,
            on_top: listed.end - index - 1,
        })
    }
}

/// Whether a header's hash meets its own target.
pub(crate) fn meets(bits: CompactTarget, hash: BlockHash) -> bool {
    bits.decode().is_ok_and(|target| target.is_met_by(hash))
}

/// Whether a target is well-formed and no easier than the limit.
pub(crate) fn is_hard_enough(bits: CompactTarget, limit: CompactTarget) -> bool {
    match (bits.decode(), limit.decode()) {
        (Ok(target), Ok(limit)) => target <= limit,
        _ => false,
    }
}

fn hex_line(text: &str) -> Option<(Option<u32>, [u8; HEADER_LEN])> {
    let (height, digits) = match text.split_once(char::is_whitespace) {
        Some((height, digits)) => (Some(height.parse().ok()?), digits.trim()),
        None => (None, text),
    };
    Some((height, from_hex(digits).ok()?.try_into().ok()?))
}
