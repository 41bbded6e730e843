//! Extensions of genesis as `scripts/extensions.py` reads them.

use crate::python::printed_by;
use pow_core::body::{Extension, Genesis, StepNumber};
use pow_core::chain::ChainVerifier;
use pow_core::extension::{
    BitcoinBlock, DrandRound, Known, MAX_DRAND_SIGNATURE, Operation, Parent, Probe, ReadExtension,
};
use pow_core::hash::{BlockHash, FileDigest, ParameterRoot, StateRoot};
use pow_core::header::Header;
use pow_tests::fixture::{Fixture, Plan};

tests! { Python: every_type_and_every_damage_is_read_alike }

/// One extension of each type.
fn one_of_each() -> Vec<Extension> {
    let operation = |name: &str, digest| Operation {
        name: name.into(),
        digest,
    };
    let operations = vec![
        operation("exp", Some(ParameterRoot([1; 32]))),
        operation("sum", None),
    ];
    let header = Header::from_bytes(&[5; 80]);
    let known = [
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
    ];
    known.iter().map(Known::to_extension).collect()
}

/// What the Rust crates read, in the script's words.
fn ours(genesis: &Genesis) -> String {
    let read = genesis.extensions.iter().zip(genesis.read_extensions());
    let line = |(extension, read): (&Extension, ReadExtension<'_>)| match read {
        ReadExtension::Known(known) => {
            format!("{} {} usable\n", extension.kind, known.kind().name())
        }
        ReadExtension::Unusable(kind, _) => {
            format!("{} {} unusable\n", extension.kind, kind.name())
        }
        _ => format!("{} - unknown\n", extension.kind),
    };
    read.map(line).collect()
}

fn every_type_and_every_damage_is_read_alike() {
    let all = one_of_each();
    let changed = |edit: &dyn Fn(usize, &mut Extension)| {
        let mut changed = all.clone();
        for (at, extension) in changed.iter_mut().enumerate() {
            edit(at, extension);
        }
        changed
    };
    let cases = [
        Vec::new(),
        all.clone(),
        [&all[..], &all[2..3]].concat(),
        changed(&|_, extension| extension.kind += 7),
        changed(&|_, extension| extension.data.push(0)),
        changed(&|_, extension| extension.data.truncate(extension.data.len() - 1)),
        changed(&|_, extension| extension.data.clear()),
        changed(&|_, extension| extension.data[0] ^= 1),
        changed(&|_, extension| {
            let last = extension.data.len() - 1;
            extension.data[last] = 0xff;
        }),
    ];
    for extensions in cases {
        let fixture = Fixture::record_with(
            &Plan::default(),
            |genesis| genesis.extensions = extensions,
            |recorder| recorder.steps(&[0]),
        );
        let mut verifier = ChainVerifier::new(None);
        for record in fixture.file().records {
            // The chain is valid, whatever its extensions are.
            verifier.push(&record.block, &record.body).unwrap();
        }
        let expected = ours(verifier.chain().unwrap().genesis());
        let found = printed_by("extensions.py", &[fixture.run.chain()]);
        assert_eq!(found, expected);
    }
}
