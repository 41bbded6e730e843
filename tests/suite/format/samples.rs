//! Bodies of every kind with distinct values, and with every option present or
//! absent.

use pow_core::body::{
    Body, BodyKind, CodeDigests, Common, Ending, Entry, Environment, Extension, Final, Genesis,
    InitialState, Mode, OrderRule, Schedule, StepNumber, UnixMillis,
};
use pow_core::coinbase::Height;
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::hash::{
    BatchDigest, DatasetRoot, FileDigest, ParameterRoot, RestRoot, StateRoot, TreeRoot,
};
use pow_core::target::CompactTarget;
use std::num::NonZeroU32;

/// A body of this kind.
pub fn body(kind: BodyKind) -> Body {
    Body {
        common: Common {
            height: Height::new(0x0102_0304).unwrap(),
            start: UnixMillis(0x1112_1314_1516_1718),
            parent_found: UnixMillis(0x2122_2324_2526_2728),
            previous_blocks: TreeRoot([0xa0; 32]),
        },
        kind,
    }
}

/// Every order rule under every difficulty policy; options are present in every
/// other one.
pub fn geneses() -> Vec<Genesis> {
    let n = |number| NonZeroU32::new(number).unwrap();
    let (items, batch, accumulation, lag) = (n(0x31), n(0x32), n(0x33), n(0x34));
    let orders = [
        OrderRule::Foreign,
        OrderRule::Seeded {
            items,
            batch,
            accumulation,
        },
        OrderRule::Bound {
            items,
            batch,
            accumulation,
            lag,
        },
    ];
    let asert = Asert {
        reference: CompactTarget(0x41),
        spacing: Millis(0x42),
        half_life: Millis(0x43),
    };
    let policies = [Policy::Fixed(CompactTarget(0x40)), Policy::Asert(asert)];
    let cases = orders
        .into_iter()
        .flat_map(|order| policies.map(|policy| (order, policy)));
    (0..)
        .zip(cases)
        .map(|(i, (order, policy))| genesis(i, order, policy))
        .collect()
}

fn genesis(i: u32, order: OrderRule, policy: Policy) -> Genesis {
    let known = i.is_multiple_of(2);
    let digest = |byte| known.then_some(FileDigest([byte; 32]));
    let extension = Extension {
        kind: 0x60,
        data: b"extra".to_vec(),
    };
    Genesis {
        name: "sample".into(),
        seed: 0x5152_5354_5556_5758,
        initial: InitialState {
            root: StateRoot([0xa1; 32]),
            regenerable: known,
        },
        schedule: Schedule {
            planned: known.then_some(0x61),
            commit_every: 0x10,
            checkpoint_every: 0x20,
            keep_checkpoints: known.then_some(0x62),
        },
        mode: if known { Mode::Gate } else { Mode::Pipelined },
        order,
        dataset: known.then_some(DatasetRoot([0xa2; 32])),
        config: FileDigest([0xa3; 32]),
        code: CodeDigests {
            executable: digest(0xa4),
            lockfile: digest(0xa5),
            revision: known.then(|| "revision".into()),
        },
        environment: Environment {
            burn: "burn".into(),
            backend: "backend".into(),
            device: "device".into(),
            cpu: "cpu".into(),
            threads: 0x63,
        },
        difficulty: Difficulty {
            policy,
            floor: CompactTarget(0x64),
            final_bits: CompactTarget(0x65),
        },
        extensions: vec![extension; i as usize],
    }
}

/// Every combination of present and absent fields.
pub fn entries() -> Vec<Entry> {
    (0..16)
        .map(|bits: u64| Entry {
            step: StepNumber(0x7000 + bits),
            parameters: ParameterRoot([0xa6; 32]),
            batch: (bits & 1 != 0).then_some(BatchDigest([0xa7; 32])),
            loss: (bits & 2 != 0).then_some(0x71),
            learning_rate: (bits & 4 != 0).then_some(0x72),
            rest: (bits & 8 != 0).then_some(RestRoot([0xa8; 32])),
        })
        .collect()
}

/// Every ending, with and without a state root.
pub fn ends() -> Vec<Final> {
    let endings = [Ending::Completed, Ending::Stopped, Ending::Failed];
    let states = [None, Some(StateRoot([0xa9; 32]))];
    endings
        .into_iter()
        .flat_map(|ending| {
            states.map(|state| Final {
                steps: StepNumber(0x81),
                ending,
                state,
                artifact: ParameterRoot([0xaa; 32]),
            })
        })
        .collect()
}
