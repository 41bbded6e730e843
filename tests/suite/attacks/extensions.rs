//! Extensions of genesis that claim something false, or nothing that can be read.

use super::honest::{Attacked, Honest};
use pow_core::body::{BodyKind, Extension};
use pow_core::extension::{ExtensionKind, Known, Operation, Probe};
use pow_core::hash::ParameterRoot;

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let probe = |byte| {
        let operation = Operation {
            name: "exp".into(),
            digest: Some(ParameterRoot([byte; 32])),
        };
        let probe = Probe::new(vec![operation]).expect("a probe of one operation");
        Known::Probe(probe).to_extension()
    };
    let with = |name, extensions: Vec<Extension>| {
        honest.mined(name, |links| {
            if let BodyKind::Genesis(genesis) = links[0].kind() {
                genesis.extensions = extensions;
            }
        })
    };
    let malformed = Extension {
        kind: ExtensionKind::Probe.number(),
        data: vec![0xff; 28],
    };
    vec![
        with("extension_malformed_mined", vec![malformed]),
        with("extension_twice_mined", vec![probe(1), probe(2)]),
        with("probe_forged_mined", vec![probe(3)]),
    ]
}
