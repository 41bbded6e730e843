//! Seals blocks that an honest writer never makes. All that an edit does not
//! touch fits, from the commitment to the work, so that no other rule is
//! broken.

use crate::chain_file::{ChainFile, Record};
use crate::fixture::{BEGAN, nonce};
use pow_core::block::{Block, Template};
use pow_core::body::{Body, BodyKind, Common, UnixMillis};
use pow_core::chain::block_leaf;
use pow_core::coinbase::{ExtraNonce, Height};
use pow_core::hash::{BlockHash, BodyCommitment, Tag, TxRoot, sha256d};
use pow_core::header::{Header, HeaderTime};
use pow_core::merkle;
use pow_core::target::CompactTarget;

type EditOf<T> = Option<Box<dyn Fn(&mut T)>>;

/// A block to be sealed.
pub struct Link {
    kind: BodyKind,
    bits: CompactTarget,
    common: EditOf<Common>,
    body: EditOf<RawBody>,
    coinbase: EditOf<Vec<u8>>,
    header: EditOf<Header>,
    mined: bool,
}

/// A body's bytes in their two parts.
pub struct RawBody {
    /// Up to and including the entry count.
    pub fixed: Vec<u8>,
    /// The entries.
    pub entries: Vec<Vec<u8>>,
}

impl Link {
    /// A block of this kind, mined for this target.
    pub fn new(kind: BodyKind, bits: CompactTarget) -> Self {
        Link {
            kind,
            bits,
            common: None,
            body: None,
            coinbase: None,
            header: None,
            mined: true,
        }
    }

    /// The kind, to be edited.
    pub fn kind(&mut self) -> &mut BodyKind {
        &mut self.kind
    }

    /// Edits what every body carries.
    pub fn common(&mut self, edit: impl Fn(&mut Common) + 'static) {
        self.common = Some(Box::new(edit));
    }

    /// Edits the body's bytes, before they are committed to.
    pub fn body(&mut self, edit: impl Fn(&mut RawBody) + 'static) {
        self.body = Some(Box::new(edit));
    }

    /// Edits the coinbase's bytes, before its id is taken.
    pub fn coinbase(&mut self, edit: impl Fn(&mut Vec<u8>) + 'static) {
        self.coinbase = Some(Box::new(edit));
    }

    /// Edits the header, before it is mined.
    pub fn header(&mut self, edit: impl Fn(&mut Header) + 'static) {
        self.header = Some(Box::new(edit));
    }

    /// Leaves the work out: the first nonce that does not meet the target.
    pub fn without_work(&mut self) {
        self.mined = false;
    }
}

impl RawBody {
    fn of(body: &Body) -> Self {
        let bytes = body.to_bytes();
        let entries = match &body.kind {
            BodyKind::Steps(entries) => entries.iter().map(|entry| entry.to_bytes()).collect(),
            BodyKind::Genesis(genesis) => {
                let extensions = genesis.extensions.iter();
                extensions
                    .map(|extension| {
                        let length = (extension.data.len() as u32).to_le_bytes();
                        let kind = extension.kind.to_le_bytes();
                        [&kind[..], &length[..], &extension.data[..]].concat()
                    })
                    .collect()
            }
            BodyKind::Final(_) => Vec::new(),
        };
        let entries_len: usize = entries.iter().map(Vec::len).sum();
        let raw = RawBody {
            fixed: bytes[..bytes.len() - entries_len].to_vec(),
            entries,
        };
        assert_eq!(raw.to_bytes(), bytes);
        assert_eq!(raw.commitment(), body.commitment());
        raw
    }

    /// Sets the entry count.
    pub fn count(&mut self, count: u32) {
        let at = self.fixed.len() - 4;
        self.fixed[at..].copy_from_slice(&count.to_le_bytes());
    }

    fn to_bytes(&self) -> Vec<u8> {
        [&self.fixed[..], &self.entries.concat()].concat()
    }

    fn commitment(&self) -> BodyCommitment {
        let leaves = self.entries.iter().map(|entry| Tag::Entry.hash(entry));
        let root = merkle::root(leaves);
        BodyCommitment(Tag::Body.hash(&[&self.fixed[..], &root.0].concat()))
    }
}

/// The blocks of a file, as they would be sealed again.
pub fn links(file: &ChainFile) -> Vec<Link> {
    file.records
        .iter()
        .map(|record| {
            let block = Block::from_bytes(&record.block).unwrap();
            let body = Body::from_bytes(&record.body).unwrap();
            Link::new(body.kind, block.header.bits)
        })
        .collect()
}

/// Seals the blocks one on another, at the times at which the fixture does.
pub fn seal(links: &[Link]) -> ChainFile {
    let mut prev = BlockHash::ZERO;
    let mut leaves = Vec::new();
    let mut records = Vec::new();
    for (height, link) in links.iter().enumerate() {
        let start = BEGAN.0 + 1000 * height as u64;
        let mut common = Common {
            height: Height::new(height as u32).unwrap(),
            start: UnixMillis(start),
            parent_found: UnixMillis(if height == 0 { start } else { start - 600 }),
            previous_blocks: merkle::root(leaves.iter().copied()),
        };
        apply(&link.common, &mut common);
        let mut body = RawBody::of(&Body {
            common,
            kind: link.kind.clone(),
        });
        apply(&link.body, &mut body);
        let template = Template {
            height: Height::new(height as u32).unwrap(),
            prev,
            time: HeaderTime((common.start.0 / 1000) as u32),
            bits: link.bits,
            commitment: body.commitment(),
        };
        let block = template.block(ExtraNonce::default());
        let mut coinbase = block.coinbase.to_bytes();
        apply(&link.coinbase, &mut coinbase);
        let mut header = block.header;
        header.tx_root = TxRoot(sha256d(&coinbase));
        apply(&link.header, &mut header);
        header.nonce = nonce(header, link.mined);
        records.push(Record {
            block: [&header.to_bytes()[..], &[1], &coinbase].concat(),
            body: body.to_bytes(),
        });
        prev = header.hash();
        leaves.push(block_leaf(prev));
    }
    ChainFile {
        header: b"POWCHAIN\x01\0\0\0\0\0\0\0".to_vec(),
        records,
    }
}

fn apply<T>(edit: &EditOf<T>, value: &mut T) {
    if let Some(edit) = edit {
        edit(value);
    }
}
