//! The data of each type.

use super::{ExtensionKind, Probe};
use crate::body::{Entry, Extension};
use crate::codec::{DecodeError, DecodeErrorKind, Reader, Writer};
use crate::hash::{BlockHash, FileDigest, ParameterRoot, StateRoot};
use crate::header::Header;
use crate::order::{SampledRule, Sampler};
use crate::step::StepNumber;
use alloc::string::String;
use alloc::vec::Vec;

/// The longest signature of a drand round, in bytes.
pub const MAX_DRAND_SIGNATURE: usize = 96;
/// The most of Burn's features that an extension names.
pub const MAX_FEATURES: usize = 64;
/// The longest name of a feature, in bytes.
const MAX_FEATURE_NAME: usize = 64;

/// What an extension of a known type says. It is the word of whoever recorded the
/// run, until somebody checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Known {
    /// How the recording machine computes.
    Probe(Probe),
    /// A block of Bitcoin's chain that existed before the run.
    BitcoinBlock(BitcoinBlock),
    /// A round of the drand beacon that existed before the run.
    DrandRound(DrandRound),
    /// The state of another run, from which this one went on.
    Parent(Parent),
    /// The parameter root of a published model, from which this run went on.
    BaseModel(ParameterRoot),
    /// The digest of a text that was written before the run.
    Declaration(FileDigest),
    /// The names of Burn's features that choose other kernels, in strictly ascending
    /// order of their bytes.
    BurnFeatures(Vec<String>),
    /// How a sampler chooses the samples of each epoch.
    SampledOrder(SampledRule),
}

/// A block of Bitcoin's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitcoinBlock {
    /// The height at which it is said to stand. The header does not show it.
    pub height: u32,
    /// Its header.
    pub header: Header,
}

/// A round of the [drand](https://drand.love) beacon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrandRound {
    /// The hash of the beacon's chain information.
    pub chain: [u8; 32],
    /// The round's number.
    pub round: u64,
    /// The round's signature: at most [`MAX_DRAND_SIGNATURE`] bytes. Its SHA-256 is
    /// the round's randomness.
    pub signature: Vec<u8>,
}

/// The state of another run, the parent, from which a run went on. What the run took
/// from it (everything, the weights with the optimizer's state, or the weights alone)
/// is not declared: the states of both runs show it.
///
/// No run can be its own ancestor. The hash of a genesis block covers its extensions, so
/// a parent's genesis block was there before its child could name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Hash of that run's genesis block.
    pub genesis: BlockHash,
    /// The step of the state. The parent's entry of this step has a checkpoint.
    pub step: StepNumber,
    /// Its state root.
    pub state: StateRoot,
}

impl Parent {
    /// The state that an entry of a run commits to. `genesis` is the hash of that run's
    /// genesis block. `None` if the entry has no checkpoint: then the run commits to no
    /// state at this step, and nobody could check the link.
    ///
    /// ```
    /// use pow_core::body::{Entry, Genesis};
    /// use pow_core::extension::{Known, Parent};
    /// use pow_core::hash::BlockHash;
    /// # fn example(mut child: Genesis, parent: BlockHash, entry: Entry) -> Option<Genesis> {
    /// let link = Parent::at(parent, &entry)?;
    /// child.extensions.push(Known::Parent(link).to_extension());
    /// # Some(child)
    /// # }
    /// ```
    pub fn at(genesis: BlockHash, entry: &Entry) -> Option<Self> {
        Some(Parent {
            genesis,
            step: entry.step,
            state: entry.state_root()?,
        })
    }
}

impl Known {
    /// Its type.
    pub fn kind(&self) -> ExtensionKind {
        match self {
            Known::Probe(_) => ExtensionKind::Probe,
            Known::BitcoinBlock(_) => ExtensionKind::BitcoinBlock,
            Known::DrandRound(_) => ExtensionKind::DrandRound,
            Known::Parent(_) => ExtensionKind::Parent,
            Known::BaseModel(_) => ExtensionKind::BaseModel,
            Known::Declaration(_) => ExtensionKind::Declaration,
            Known::BurnFeatures(_) => ExtensionKind::BurnFeatures,
            Known::SampledOrder(_) => ExtensionKind::SampledOrder,
        }
    }

    /// The extension that says this. Reading it gives an equal value, if every limit
    /// and order that the fields name is kept.
    pub fn to_extension(&self) -> Extension {
        let mut out = Writer::new();
        match self {
            Known::Probe(probe) => {
                out.raw(&probe.to_bytes());
            }
            Known::BitcoinBlock(block) => {
                out.u32(block.height).raw(&block.header.to_bytes());
            }
            Known::DrandRound(round) => {
                out.raw(&round.chain)
                    .u64(round.round)
                    .bytes(&round.signature);
            }
            Known::Parent(parent) => {
                out.raw(&parent.genesis.0)
                    .u64(parent.step.0)
                    .raw(&parent.state.0);
            }
            Known::BaseModel(root) => {
                out.raw(&root.0);
            }
            Known::Declaration(digest) => {
                out.raw(&digest.0);
            }
            Known::BurnFeatures(names) => {
                out.u16(names.len() as u16);
                for name in names {
                    out.bytes(name.as_bytes());
                }
            }
            Known::SampledOrder(rule) => {
                out.u32(rule.items.get())
                    .u32(rule.batch.get())
                    .u32(rule.accumulation.get());
                match rule.sampler {
                    Sampler::Uniform { draws } => out.u8(0).u32(draws.get()),
                    Sampler::Weighted { draws, table } => out.u8(1).u32(draws.get()).raw(&table.0),
                    Sampler::Bucketed { window, table } => {
                        out.u8(2).u32(window.get()).raw(&table.0)
                    }
                };
            }
        }
        Extension {
            kind: self.kind().number(),
            data: out.finish(),
        }
    }

    /// Reads the data of an extension of a known type.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are not in the type's one form.
    pub fn read(kind: ExtensionKind, data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        let known = match kind {
            ExtensionKind::Probe => Known::Probe(Probe::read(&mut reader)?),
            ExtensionKind::BitcoinBlock => Known::BitcoinBlock(BitcoinBlock {
                height: reader.u32("height")?,
                header: Header::from_bytes(&reader.array("Bitcoin header")?),
            }),
            ExtensionKind::DrandRound => Known::DrandRound(DrandRound {
                chain: reader.array("drand chain")?,
                round: reader.u64("drand round")?,
                signature: reader
                    .bytes("drand signature", MAX_DRAND_SIGNATURE)?
                    .to_vec(),
            }),
            ExtensionKind::Parent => Known::Parent(Parent {
                genesis: BlockHash(reader.array("parent genesis")?),
                step: StepNumber(reader.u64("parent step")?),
                state: StateRoot(reader.array("parent state root")?),
            }),
            ExtensionKind::BaseModel => {
                Known::BaseModel(ParameterRoot(reader.array("base model")?))
            }
            ExtensionKind::Declaration => {
                Known::Declaration(FileDigest(reader.array("declaration")?))
            }
            ExtensionKind::BurnFeatures => Known::BurnFeatures(features(&mut reader)?),
            ExtensionKind::SampledOrder => Known::SampledOrder(SampledRule {
                items: reader.nonzero_u32("items")?,
                batch: reader.nonzero_u32("batch size")?,
                accumulation: reader.nonzero_u32("accumulation")?,
                sampler: sampler(&mut reader)?,
            }),
        };
        reader.finish()?;
        Ok(known)
    }
}

fn sampler(reader: &mut Reader<'_>) -> Result<Sampler, DecodeError> {
    let at = reader.clone();
    Ok(match reader.u8("sampler")? {
        0 => Sampler::Uniform {
            draws: reader.nonzero_u32("draws")?,
        },
        1 => Sampler::Weighted {
            draws: reader.nonzero_u32("draws")?,
            table: FileDigest(reader.array("table")?),
        },
        2 => Sampler::Bucketed {
            window: reader.nonzero_u32("window")?,
            table: FileDigest(reader.array("table")?),
        },
        found => {
            return Err(at.error(DecodeErrorKind::Value {
                field: "sampler",
                found: found.into(),
                expected: "0 to 2",
            }));
        }
    })
}

fn features(reader: &mut Reader<'_>) -> Result<Vec<String>, DecodeError> {
    let at = reader.clone();
    let count = reader.u16("feature count")?;
    if usize::from(count) > MAX_FEATURES {
        return Err(at.error(DecodeErrorKind::Value {
            field: "feature count",
            found: count.into(),
            expected: "at most 64",
        }));
    }
    let mut names: Vec<String> = Vec::new();
    for _ in 0..count {
        let at = reader.clone();
        let name = reader.text("feature name", MAX_FEATURE_NAME)?;
        if name.is_empty() || names.last().is_some_and(|last| *last >= name) {
            return Err(at.error(DecodeErrorKind::Value {
                field: "feature name",
                found: name.len() as u64,
                expected: "a name above the one before",
            }));
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn lists_have_one_order_and_a_limit() {
        let read = |names: Vec<String>| {
            let data = Known::BurnFeatures(names).to_extension().data;
            Known::read(ExtensionKind::BurnFeatures, &data).is_ok()
        };
        let numbered = |count: usize| (0..count).map(|n| alloc::format!("{n:03}")).collect();
        assert!(read(vec![]));
        assert!(read(numbered(MAX_FEATURES)));
        assert!(!read(numbered(MAX_FEATURES + 1)));
        assert!(!read(vec!["b".into(), "a".into()]));
        assert!(!read(vec!["a".into(), "a".into()]));
        assert!(!read(vec![String::new()]));
        assert!(read(vec!["x".repeat(MAX_FEATURE_NAME)]));
        assert!(!read(vec!["x".repeat(MAX_FEATURE_NAME + 1)]));
        let long = DrandRound {
            chain: [0; 32],
            round: 0,
            signature: vec![0; MAX_DRAND_SIGNATURE + 1],
        };
        let data = Known::DrandRound(long).to_extension().data;
        assert!(Known::read(ExtensionKind::DrandRound, &data).is_err());
    }
}
