//! Extensions of genesis as `scripts/extensions.py` reads them.

use crate::python::printed_by;
use pow_core::body::{Extension, Genesis};
use pow_core::chain::ChainVerifier;
use pow_core::extension::{Known, ReadExtension};
use pow_tests::extensions::one_of_each;
use pow_tests::fixture::{Fixture, Plan};

tests! { Python: every_type_and_every_damage_is_read_alike }

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
    let all: Vec<Extension> = one_of_each().iter().map(Known::to_extension).collect();
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
        changed(&|_, extension| extension.kind += 8),
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
