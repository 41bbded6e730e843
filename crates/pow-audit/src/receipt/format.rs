//! The bytes of a receipt: a magic, a version, and sections, each with its kind and length.

/// The longest receipt that is read or written, in bytes (1 MiB).
pub const MAX_RECEIPT: usize = 1 << 20;
/// The most sections of a receipt.
const MAX_SECTIONS: usize = 512;
/// The most replay reports of a receipt.
const MAX_REPORTS: usize = 16;

const MAGIC: &[u8; 8] = b"POWRECPT";
const VERSION: u32 = 1;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SectionKind {
    /// 1: a proof, as JSON, that the head extends genesis. If genesis is the head, a proof of
    /// the head alone. Every receipt has one.
    Chain,
    /// 2: the body of genesis. Every receipt has one.
    Genesis,
    /// 3: a proof, as JSON, of another block under the head.
    Block,
    /// 4: an OpenTimestamps proof over the head, genesis or a block of kind 3.
    OpenTimestamps,
    /// 5: a timestamp of a TSA over such a block.
    Rfc3161,
    /// 16: a statement about genesis or a block, and a signature over it.
    Signature,
    /// 17: the declaration that genesis names, and signatures over it. At most one.
    Declaration,
    /// 18: a replay report, and signatures over the statements of such reports.
    ReplayReport,
    /// Something that this version does not read.
    Other(u16),
}

impl SectionKind {
    /// The kind with this number.
    pub fn of(number: u16) -> Self {
        match number {
            1 => SectionKind::Chain,
            2 => SectionKind::Genesis,
            3 => SectionKind::Block,
            4 => SectionKind::OpenTimestamps,
            5 => SectionKind::Rfc3161,
            16 => SectionKind::Signature,
            17 => SectionKind::Declaration,
            18 => SectionKind::ReplayReport,
            other => SectionKind::Other(other),
        }
    }

    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            SectionKind::Chain => 1,
            SectionKind::Genesis => 2,
            SectionKind::Block => 3,
            SectionKind::OpenTimestamps => 4,
            SectionKind::Rfc3161 => 5,
            SectionKind::Signature => 16,
            SectionKind::Declaration => 17,
            SectionKind::ReplayReport => 18,
            SectionKind::Other(number) => number,
        }
    }
}

/// A part of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub kind: SectionKind,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A receipt in its format. Nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    sections: Vec<Section>,
}

/// Why bytes are no receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is too long.
    #[error("a receipt of {0} bytes; at most {MAX_RECEIPT} are allowed")]
    TooLong(usize),
    /// It does not begin as a receipt does.
    #[error("not a receipt: expected the magic POWRECPT")]
    Magic,
    /// It is of another version.
    #[error("a receipt of version {0}, expected {VERSION}")]
    Version(u32),
    /// It ends inside a section.
    #[error("byte {0}: the receipt ends inside a section")]
    CutOff(usize),
    /// There are too many sections.
    #[error("more than {MAX_SECTIONS} sections")]
    TooMany,
    /// A section stands behind one of a higher kind.
    #[error("section {at} is of kind {found}, behind one of kind {before}: the order is by kind")]
    Order {
        /// Its place, from 1 on.
        at: usize,
        /// Its kind.
        found: u16,
        /// The kind of the section before.
        before: u16,
    },
    /// There are too many sections of a kind.
    #[error("{found} sections of kind {kind}, at most {most} are allowed")]
    TooManyOf {
        /// The kind.
        kind: u16,
        /// How many there are.
        found: usize,
        /// How many may be.
        most: usize,
    },
    /// A section that must be there once is not.
    #[error("{found} sections of kind {kind}, expected exactly 1")]
    NotOne {
        /// The kind.
        kind: u16,
        /// How many there are.
        found: usize,
    },
}

impl Receipt {
    /// A receipt of these sections, in the order of their kinds.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`] if there are too many, or one that must be there is not.
    pub fn new(mut sections: Vec<Section>) -> Result<Self, ReceiptError> {
        // The order among sections of one kind stays.
        sections.sort_by_key(|section| section.kind.number());
        let receipt = Receipt { sections };
        receipt.check_form()?;
        match receipt.to_bytes().len() {
            len if len > MAX_RECEIPT => Err(ReceiptError::TooLong(len)),
            _ => Ok(receipt),
        }
    }

    /// Reads a receipt.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`] if it is not in the one form of docs/format.md.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > MAX_RECEIPT {
            return Err(ReceiptError::TooLong(bytes.len()));
        }
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(ReceiptError::Magic)?;
        let cut_off = |rest: &[u8]| ReceiptError::CutOff(bytes.len() - rest.len());
        let version = take(&mut rest).map(u32::from_le_bytes);
        match version.ok_or(cut_off(rest))? {
            VERSION => {}
            other => return Err(ReceiptError::Version(other)),
        }
        let mut sections: Vec<Section> = Vec::new();
        while !rest.is_empty() {
            if sections.len() == MAX_SECTIONS {
                return Err(ReceiptError::TooMany);
            }
            let start = rest;
            let kind = take(&mut rest).map(u16::from_le_bytes);
            let len = take(&mut rest).map(u32::from_le_bytes);
            let len = len.and_then(|len| usize::try_from(len).ok());
            let content = len.and_then(|len| rest.split_off(..len));
            let (Some(kind), Some(content)) = (kind, content) else {
                return Err(cut_off(start));
            };
            let before = sections.last().map_or(0, |last| last.kind.number());
            if kind < before {
                let (at, found) = (sections.len() + 1, kind);
                return Err(ReceiptError::Order { at, found, before });
            }
            sections.push(Section {
                kind: SectionKind::of(kind),
                bytes: content.to_vec(),
            });
        }
        let receipt = Receipt { sections };
        receipt.check_form()?;
        Ok(receipt)
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
        for section in &self.sections {
            bytes.extend(section.kind.number().to_le_bytes());
            bytes.extend((section.bytes.len() as u32).to_le_bytes());
            bytes.extend(&section.bytes);
        }
        bytes
    }

    /// Its sections, in order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The bytes of the sections of a kind.
    pub(super) fn of_kind(&self, kind: SectionKind) -> impl Iterator<Item = &[u8]> {
        let all = self.sections.iter();
        let found = all.filter(move |section| section.kind == kind);
        found.map(|section| &section.bytes[..])
    }

    fn check_form(&self) -> Result<(), ReceiptError> {
        if self.sections.len() > MAX_SECTIONS {
            return Err(ReceiptError::TooMany);
        }
        for kind in [SectionKind::Chain, SectionKind::Genesis] {
            let (found, kind) = (self.of_kind(kind).count(), kind.number());
            if found != 1 {
                return Err(ReceiptError::NotOne { kind, found });
            }
        }
        for (kind, most) in [
            (SectionKind::Declaration, 1),
            (SectionKind::ReplayReport, MAX_REPORTS),
        ] {
            let (found, kind) = (self.of_kind(kind).count(), kind.number());
            if found > most {
                return Err(ReceiptError::TooManyOf { kind, found, most });
            }
        }
        Ok(())
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    rest.split_off(..N)?.try_into().ok()
}
