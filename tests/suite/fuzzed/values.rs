//! Values, written and read again. The fuzzed properties go from bytes to a
//! value and back; this goes the other way, so that no two values share bytes.

use crate::forall::forall;
use pow_core::body::{
    Body, BodyKind, CodeDigests, Common, Ending, Entry, Environment, Extension, Final, Genesis,
    InitialState, MAX_TEXT, Mode, OrderRule, Schedule, StepNumber, UnixMillis,
};
use pow_core::coinbase::{Coinbase, ExtraNonce, Height};
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::hash::{
    BatchDigest, BodyCommitment, DatasetRoot, FileDigest, ParameterRoot, RestRoot, StateRoot,
    TreeRoot,
};
use pow_core::target::CompactTarget;
use proptest::option;
use proptest::prelude::*;
use std::num::NonZeroU32;

tests! { bodies, coinbases }

fn bodies() {
    let body = (common(), kind()).prop_map(|(common, kind)| Body { common, kind });
    forall(2000, body, |body| {
        let read = Body::from_bytes(&body.to_bytes());
        assert_eq!(read, Ok(body));
    });
}

fn coinbases() {
    let coinbase = (height(), any::<[u8; 12]>(), any::<[u8; 32]>());
    forall(2000, coinbase, |(height, extranonce, commitment)| {
        let coinbase = Coinbase {
            height,
            extranonce: ExtraNonce(extranonce),
            commitment: BodyCommitment(commitment),
        };
        let bytes = coinbase.to_bytes();
        let mut reader = pow_core::codec::Reader::new(&bytes);
        assert_eq!(Coinbase::read(&mut reader), Ok(coinbase));
        assert_eq!(reader.finish(), Ok(()));
    });
}

/// Heights of every length in bytes.
fn height() -> impl Strategy<Value = Height> {
    (any::<u32>(), 1..32u32).prop_map(|(height, shift)| Height::new(height >> shift).unwrap())
}

fn common() -> impl Strategy<Value = Common> {
    (height(), any::<[u64; 2]>(), any::<[u8; 32]>()).prop_map(|(height, [start, found], root)| {
        Common {
            height,
            start: UnixMillis(start),
            parent_found: UnixMillis(found),
            previous_blocks: TreeRoot(root),
        }
    })
}

fn kind() -> impl Strategy<Value = BodyKind> {
    let entries = prop::collection::vec(entry(), 1..5);
    prop_oneof![
        genesis().prop_map(|genesis| BodyKind::Genesis(Box::new(genesis))),
        entries.prop_map(BodyKind::Steps),
        end().prop_map(BodyKind::Final),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let roots = any::<([u8; 32], Option<[u8; 32]>, Option<[u8; 32]>)>();
    (any::<u64>(), roots, any::<[Option<u64>; 2]>()).prop_map(
        |(step, (parameters, batch, rest), [loss, learning_rate])| Entry {
            step: StepNumber(step),
            parameters: ParameterRoot(parameters),
            batch: batch.map(BatchDigest),
            loss,
            learning_rate,
            rest: rest.map(RestRoot),
        },
    )
}

fn end() -> impl Strategy<Value = Final> {
    let endings = [Ending::Completed, Ending::Stopped, Ending::Failed];
    let roots = any::<(Option<[u8; 32]>, [u8; 32])>();
    (any::<u64>(), prop::sample::select(endings.to_vec()), roots).prop_map(
        |(steps, ending, (state, artifact))| Final {
            steps: StepNumber(steps),
            ending,
            state: state.map(StateRoot),
            artifact: ParameterRoot(artifact),
        },
    )
}

fn genesis() -> impl Strategy<Value = Genesis> {
    let start = (text(), any::<u64>(), any::<[u8; 32]>(), any::<bool>());
    let rules = (schedule(), any::<bool>(), order(), difficulty());
    let origin = (any::<Option<[u8; 32]>>(), any::<[u8; 32]>(), code());
    let extension = (
        prop_oneof![any::<u32>(), 14..25u32],
        prop::collection::vec(any::<u8>(), 0..40),
    );
    let extensions = prop::collection::vec(extension, 0..4);
    (start, rules, origin, environment(), extensions).prop_map(
        |(
            (name, seed, root, regenerable),
            (schedule, gate, order, difficulty),
            (dataset, config, code),
            environment,
            extensions,
        )| Genesis {
            name,
            seed,
            initial: InitialState {
                root: StateRoot(root),
                regenerable,
            },
            order: match (order, schedule.checkpoint_every) {
                // There would be nothing to bind it to.
                (OrderRule::Bound { .. }, 0) => OrderRule::Foreign,
                (order, _) => order,
            },
            schedule,
            mode: if gate { Mode::Gate } else { Mode::Pipelined },
            dataset: dataset.map(DatasetRoot),
            config: FileDigest(config),
            code,
            environment,
            difficulty,
            extensions: extensions
                .into_iter()
                .map(|(kind, data)| Extension { kind, data })
                .collect(),
        },
    )
}

/// Up to the longest that is allowed.
fn text() -> impl Strategy<Value = String> {
    let longest = Just("é".repeat(MAX_TEXT / 2));
    prop_oneof![9 => ".{0,12}", 1 => longest]
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let intervals = (1..u64::MAX, 0..3u64);
    (any::<Option<u64>>(), intervals, any::<Option<u32>>()).prop_map(
        |(planned, (commit_every, times), keep_checkpoints)| Schedule {
            planned,
            commit_every,
            checkpoint_every: commit_every.checked_mul(times).unwrap_or(0),
            keep_checkpoints,
        },
    )
}

fn order() -> impl Strategy<Value = OrderRule> {
    let numbers = any::<([NonZeroU32; 3], Option<NonZeroU32>)>();
    option::of(numbers).prop_map(|numbers| match numbers {
        None => OrderRule::Foreign,
        Some(([items, batch, accumulation], None)) => OrderRule::Seeded {
            items,
            batch,
            accumulation,
        },
        Some(([items, batch, accumulation], Some(lag))) => OrderRule::Bound {
            items,
            batch,
            accumulation,
            lag,
        },
    })
}

fn code() -> impl Strategy<Value = CodeDigests> {
    (any::<[Option<[u8; 32]>; 2]>(), option::of(text())).prop_map(
        |([executable, lockfile], revision)| CodeDigests {
            executable: executable.map(FileDigest),
            lockfile: lockfile.map(FileDigest),
            revision,
        },
    )
}

fn environment() -> impl Strategy<Value = Environment> {
    (text(), text(), text(), text(), any::<u32>()).prop_map(
        |(burn, backend, device, cpu, threads)| Environment {
            burn,
            backend,
            device,
            cpu,
            threads,
        },
    )
}

/// Also targets that no rule allows: reading does not judge.
fn difficulty() -> impl Strategy<Value = Difficulty> {
    let times = option::of(any::<[u64; 2]>());
    (any::<[u32; 3]>(), times).prop_map(|(bits, times)| {
        let [reference, floor, final_bits] = bits.map(CompactTarget);
        Difficulty {
            policy: match times {
                None => Policy::Fixed(reference),
                Some([spacing, half_life]) => Policy::Asert(Asert {
                    reference,
                    spacing: Millis(spacing),
                    half_life: Millis(half_life),
                }),
            },
            floor,
            final_bits,
        }
    })
}
