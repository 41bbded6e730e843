//! An order that is bound to the chain: what it is, what the audit says of a
//! forged one, and what choosing one costs.

use crate::forall::forall;
use pow_core::block::Template;
use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, BodyCommitment, DatasetRoot};
use pow_core::header::HeaderTime;
use pow_core::order::{BatchHasher, BoundOrder};
use pow_tests::fixture::{bits, mine};
use pow_tests::oracle::tagged;
use proptest::prelude::*;
use std::convert::Infallible;
use std::num::{NonZeroU32, NonZeroU64};

tests! {
    micro_batches_are_those_of_a_naive_twin, best_of_k_orders_costs_k_blocks
}

/// Which samples each step sees, written down once more as `docs/format.md`
/// says it.
fn naive(order: &BoundOrder, steps: u64) -> Vec<Vec<Vec<u32>>> {
    let (items, batch) = (order.items.get(), order.batch.get() as usize);
    let (per_step, lag) = (
        order.accumulation.get() as usize,
        u64::from(order.lag.get()),
    );
    let (mut epoch, mut left) = (0u64, (0..items).collect::<Vec<u32>>());
    let mut sorted_for = None;
    let mut all = Vec::new();
    for step in 1..=steps {
        if left.is_empty() {
            epoch += 1;
            left = (0..items).collect();
            sorted_for = None;
        }
        let segment = (step - 1) / order.interval.get();
        if sorted_for != Some(segment) {
            let key = match segment < lag {
                true => BlockHash::ZERO,
                false => key(StepNumber((segment + 1 - lag) * order.interval.get())),
            };
            left.sort_by_key(|index| {
                let parts = [
                    &key.0[..],
                    &order.dataset.0,
                    &order.seed.to_le_bytes(),
                    &epoch.to_le_bytes(),
                    &index.to_le_bytes(),
                ];
                let hash = tagged("bound", &parts.concat());
                (u64::from_le_bytes(*hash.first_chunk().unwrap()), *index)
            });
            sorted_for = Some(segment);
        }
        let mut micro_batches = Vec::new();
        while micro_batches.len() < per_step && !left.is_empty() {
            let count = batch.min(left.len());
            micro_batches.push(left.drain(..count).collect());
        }
        all.push(micro_batches);
    }
    all
}

/// Some hash for each step.
fn key(step: StepNumber) -> BlockHash {
    BlockHash(tagged("block-hash", &step.0.to_le_bytes()))
}

fn micro_batches_are_those_of_a_naive_twin() {
    let small = || (1..=9u32).prop_map(|number| NonZeroU32::new(number).unwrap());
    let numbers = (1..=40u32, small(), small(), small(), small());
    forall(300, (numbers, any::<u64>()), |(numbers, seed)| {
        let (items, batch, accumulation, interval, lag) = numbers;
        let order = BoundOrder {
            dataset: DatasetRoot([3; 32]),
            seed,
            items: NonZeroU32::new(items).unwrap(),
            batch,
            accumulation,
            interval: NonZeroU64::from(interval),
            lag,
        };
        let mut batches = order.from_epoch(0);
        for (step, expected) in (0..).zip(naive(&order, 30)) {
            let mut hasher = BatchHasher::default();
            for micro_batch in &expected {
                hasher.micro_batch(micro_batch);
            }
            let key = |step| Ok::<_, Infallible>(key(step));
            let digest = batches.digest(step..step + 1, key).unwrap();
            assert_eq!(digest, hasher.finish());
        }
    });
}

/// What a block costs when a forger mines K of them and keeps the one whose
/// order suits him best: K times the work of one. The search for one block is of
/// no use for another.
fn best_of_k_orders_costs_k_blocks() {
    const BLOCKS: u32 = 2000;
    let mean = |k: u32| {
        let mut hashes = 0;
        let mut kept = Vec::new();
        for number in 0..BLOCKS {
            let candidates = (0..k).map(|try_number| {
                let (hash, spent) = mined(k, number, try_number);
                hashes += spent;
                hash
            });
            // Whatever the forger likes, here that sample 0 comes early.
            kept.extend(candidates.min_by_key(|hash| place_of_sample_0(*hash)));
        }
        assert_eq!(kept.len(), BLOCKS as usize);
        let places: u64 = kept.iter().map(|hash| place_of_sample_0(*hash)).sum();
        (
            hashes as f64 / f64::from(BLOCKS),
            places as f64 / f64::from(BLOCKS),
        )
    };
    let (one, place_of_one) = mean(1);
    for k in [2, 5, 10] {
        let (cost, place) = mean(k);
        let ratio = cost / one;
        println!("best of {k}: {ratio:.2} blocks' work, sample 0 in place {place:.1}");
        assert!(
            (ratio / f64::from(k) - 1.0).abs() < 0.1,
            "best of {k}: {ratio}"
        );
        // The choice does choose.
        assert!(place < place_of_one / 1.5, "{place} of {place_of_one}");
    }
}

/// Mines a block, and says how many hashes that took.
fn mined(k: u32, number: u32, try_number: u32) -> (BlockHash, u64) {
    let commitment = [k, number, try_number].map(u32::to_le_bytes).concat();
    let template = Template {
        height: Height::GENESIS,
        prev: BlockHash::ZERO,
        time: HeaderTime(1_700_000_000),
        bits: bits(5),
        commitment: BodyCommitment(tagged("body", &commitment)),
    };
    let header = mine(&template).header;
    // The reference tries nonces from 0 on, one by one.
    (header.hash(), u64::from(header.nonce.0) + 1)
}

fn place_of_sample_0(hash: BlockHash) -> u64 {
    let order = BoundOrder {
        dataset: DatasetRoot([3; 32]),
        seed: 1,
        items: NonZeroU32::new(50).unwrap(),
        batch: NonZeroU32::new(50).unwrap(),
        accumulation: NonZeroU32::MIN,
        interval: NonZeroU64::MIN,
        lag: NonZeroU32::MIN,
    };
    // The second epoch is the second segment, whose key is that of step 1.
    let mut batches = order.from_epoch(1);
    assert_eq!(batches.key_step(), Some(StepNumber(1)));
    let place = batches.next(hash).iter().position(|index| *index == 0);
    place.unwrap() as u64
}
