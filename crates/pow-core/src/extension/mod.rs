//! The types of genesis' extensions: what a run may declare beyond the fixed
//! fields.
//!
//! A type is a number, and each number has one meaning for good
//! (`docs/format.md`). No rule of the chain looks into an extension. So data of
//! a known type that cannot be read, or a known type that stands twice, leave
//! the chain valid. A reader reports them as [unusable](Unusable) and claims
//! nothing from them.

mod kind;
mod known;
mod probe;

pub use kind::ExtensionKind;
pub use known::{BitcoinBlock, DrandRound, Known, MAX_DRAND_SIGNATURE, MAX_FEATURES, Parent};
pub use probe::{MAX_OPERATION_NAME, MAX_OPERATIONS, Operation, Probe, ProbeError};

use crate::body::{Extension, Genesis, OrderRule};
use crate::codec::DecodeError;
use crate::hash::{FileDigest, ParameterRoot};
use crate::order::SampledRule;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// An extension of genesis, as far as this version knows its type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadExtension<'a> {
    /// A known type, with what its data say.
    Known(Known),
    /// A known type from which nothing can be claimed.
    Unusable(ExtensionKind, Unusable),
    /// A type that this version does not know.
    Unknown(&'a Extension),
}

/// Why nothing can be claimed from an extension of a known type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// Its data are not in the type's form.
    #[error("its data cannot be read: {0}")]
    Malformed(#[from] DecodeError),
    /// Another extension has the same type.
    #[error("genesis has {0} extensions of this type, at most 1 is allowed")]
    Repeated(usize),
}

impl Genesis {
    /// The extensions, in their order.
    ///
    /// ```
    /// use pow_core::body::{Extension, Genesis};
    /// use pow_core::extension::{ExtensionKind, ReadExtension};
    /// # fn example(genesis: &Genesis) {
    /// for extension in genesis.read_extensions() {
    ///     match extension {
    ///         ReadExtension::Known(known) => println!("{}", known.kind().name()),
    ///         ReadExtension::Unusable(kind, why) => println!("{}: {why}", kind.name()),
    ///         _ => println!("of an unknown type"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn read_extensions(&self) -> Vec<ReadExtension<'_>> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for extension in &self.extensions {
            *counts.entry(extension.kind).or_default() += 1;
        }
        let read = self.extensions.iter().map(|extension| {
            let count = counts.get(&extension.kind);
            read_extension(extension, count.copied().unwrap_or(1))
        });
        read.collect()
    }

    /// The numerics probe of the machine that recorded the run. `None` if
    /// genesis has none.
    ///
    /// # Errors
    ///
    /// [`Unusable`] if there is one from which nothing can be claimed.
    pub fn probe(&self) -> Result<Option<Probe>, Unusable> {
        Ok(match self.extension(ExtensionKind::Probe)? {
            Some(Known::Probe(probe)) => Some(probe),
            _ => None,
        })
    }

    /// The state of another run from which this one went on. `None` if genesis
    /// names none.
    ///
    /// # Errors
    ///
    /// As [`probe`](Self::probe).
    pub fn parent(&self) -> Result<Option<Parent>, Unusable> {
        Ok(match self.extension(ExtensionKind::Parent)? {
            Some(Known::Parent(parent)) => Some(parent),
            _ => None,
        })
    }

    /// The block of Bitcoin's chain that was there before the run. `None` if genesis
    /// names none.
    ///
    /// # Errors
    ///
    /// As [`probe`](Self::probe).
    pub fn bitcoin_block(&self) -> Result<Option<BitcoinBlock>, Unusable> {
        Ok(match self.extension(ExtensionKind::BitcoinBlock)? {
            Some(Known::BitcoinBlock(block)) => Some(block),
            _ => None,
        })
    }

    /// The parameter root of the published model from which this run went on.
    /// `None` if genesis names none.
    ///
    /// # Errors
    ///
    /// As [`probe`](Self::probe).
    pub fn base_model(&self) -> Result<Option<ParameterRoot>, Unusable> {
        Ok(match self.extension(ExtensionKind::BaseModel)? {
            Some(Known::BaseModel(root)) => Some(root),
            _ => None,
        })
    }

    /// The digest of a text that was written before the run. `None` if genesis names
    /// none.
    ///
    /// # Errors
    ///
    /// As [`probe`](Self::probe).
    pub fn declaration(&self) -> Result<Option<FileDigest>, Unusable> {
        Ok(match self.extension(ExtensionKind::Declaration)? {
            Some(Known::Declaration(digest)) => Some(digest),
            _ => None,
        })
    }

    /// How a sampler chooses the samples of each epoch. `None` if genesis declares no
    /// such order. It counts only where the order rule is
    /// [foreign](crate::body::OrderRule::Foreign).
    ///
    /// # Errors
    ///
    /// As [`probe`](Self::probe).
    pub fn sampled_rule(&self) -> Result<Option<SampledRule>, Unusable> {
        Ok(match self.extension(ExtensionKind::SampledOrder)? {
            Some(Known::SampledOrder(rule)) if self.order == OrderRule::Foreign => Some(rule),
            _ => None,
        })
    }

    /// What the extension of this type says.
    fn extension(&self, kind: ExtensionKind) -> Result<Option<Known>, Unusable> {
        let number = kind.number();
        let of_kind = self.extensions.iter().filter(|each| each.kind == number);
        let count = of_kind.clone().count();
        match of_kind.map(|each| read_extension(each, count)).next() {
            Some(ReadExtension::Known(known)) => Ok(Some(known)),
            Some(ReadExtension::Unusable(_, why)) => Err(why),
            _ => Ok(None),
        }
    }
}

/// Reads an extension of a genesis that has `count` of its type.
fn read_extension(extension: &Extension, count: usize) -> ReadExtension<'_> {
    let Some(kind) = ExtensionKind::of(extension.kind) else {
        return ReadExtension::Unknown(extension);
    };
    if count > 1 {
        return ReadExtension::Unusable(kind, Unusable::Repeated(count));
    }
    match Known::read(kind, &extension.data) {
        Ok(known) => ReadExtension::Known(known),
        Err(error) => ReadExtension::Unusable(kind, error.into()),
    }
}
