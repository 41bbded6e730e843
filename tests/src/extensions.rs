//! One extension of each type.

use pow_core::body::StepNumber;
use pow_core::extension::{
    BitcoinBlock, DrandRound, Known, MAX_DRAND_SIGNATURE, Operation, Parent, Probe,
};
use pow_core::hash::{BlockHash, FileDigest, ParameterRoot, StateRoot};
use pow_core::header::Header;
use pow_core::order::{SampledRule, Sampler};
use std::num::NonZeroU32;

/// What each type can say. The probe has an operation that contradicts itself.
pub fn one_of_each() -> [Known; 8] {
    let header = Header::from_bytes(&std::array::from_fn(|at| at as u8));
    let operation = |name: &str, digest| Operation {
        name: name.into(),
        digest,
    };
    let operations = vec![
        operation("exp", Some(ParameterRoot([1; 32]))),
        operation("sum", None),
    ];
    [
        Known::Probe(Probe::new(operations).unwrap()),
        Known::BitcoinBlock(BitcoinBlock { height: 9, header }),
        Known::DrandRound(DrandRound {
            chain: [2; 32],
            round: 7,
            signature: vec![3; MAX_DRAND_SIGNATURE],
        }),
        Known::Parent(Parent {
            genesis: BlockHash([4; 32]),
            step: StepNumber(5),
            state: StateRoot([6; 32]),
        }),
        Known::BaseModel(ParameterRoot([7; 32])),
        Known::Declaration(FileDigest([8; 32])),
        Known::BurnFeatures(vec!["autotune".into(), "fusion".into()]),
        Known::SampledOrder(SampledRule {
            items: NonZeroU32::MIN,
            batch: NonZeroU32::MAX,
            accumulation: NonZeroU32::MIN,
            sampler: Sampler::Bucketed {
                window: NonZeroU32::MIN,
                table: FileDigest([9; 32]),
            },
        }),
    ]
}
