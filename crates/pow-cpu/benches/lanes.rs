//! Measures how fast tensors are hashed, compared with the `sha2` crate:
//! `taskset -c 1 cargo bench -p pow-cpu`.
//!
//! All contenders take turns in each round, so a busy machine slows all of
//! them. For each contender, the output has the median rate, the median ratio
//! to the first contender in the same round, and the ratio of the shortest
//! times, which no other program disturbed. Only one core is used.

use pow_core::hash::PlainSha2;
use pow_core::tensor::{CHUNK_BATCH, TensorHasher, data_root_with};
use pow_cpu::{Kernel, Lanes};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::Instant;

/// Length of the data in bytes: more than any cache of a core.
const LEN: usize = 64 << 20;

/// Nodes in one call: as many as a hasher ever gets.
const PAIRS: usize = CHUNK_BATCH / 2;

/// Calls in a round, for nodes.
const CALLS: usize = 200;

const ROUNDS: usize = 15;

/// A kernel whose ratio to the `sha2` crate is below this gets a warning. A
/// ratio of 0.9 can be chance, and the tree's own nodes take 0.02.
const SLOW: f64 = 0.9;

/// Something to be timed.
type Contender<'a> = (String, Box<dyn Fn() + 'a>);

fn main() {
    let data: Vec<u8> = (0..LEN as u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect();
    let mut hashers: Vec<(String, Box<dyn TensorHasher>)> =
        vec![("PlainSha2".into(), Box::new(PlainSha2))];
    for kernel in Kernel::available() {
        hashers.push((kernel.to_string(), Box::new(Lanes::new(kernel))));
    }
    println!("fastest kernel: {}", Lanes::fastest().kernel());
    roots(&data, &hashers);
    nodes(&data, &hashers);
}

/// Measures the root of a tensor, compared with a plain SHA-256 of its bytes.
fn roots(data: &[u8], hashers: &[(String, Box<dyn TensorHasher>)]) {
    let expected = data_root_with(data, &PlainSha2);
    let plain: Contender<'_> = (
        "sha2, as one message".into(),
        Box::new(|| {
            black_box(Sha256::digest(black_box(data)));
        }),
    );
    let roots = hashers.iter().map(|(name, hasher)| {
        let run = move || assert_eq!(data_root_with(black_box(data), hasher.as_ref()), expected);
        (name.clone(), Box::new(run) as Box<dyn Fn() + '_>)
    });
    println!("\nroot of a tensor of {LEN} bytes, GB/s");
    race(
        LEN as f64 / 1e9,
        &std::iter::once(plain).chain(roots).collect::<Vec<_>>(),
    );
}

/// Measures nodes of a tree, which hash 64 bytes each.
fn nodes(data: &[u8], hashers: &[(String, Box<dyn TensorHasher>)]) {
    let pairs = &data.as_chunks::<32>().0.as_chunks::<2>().0[..PAIRS];
    let nodes = hashers.iter().map(|(name, hasher)| {
        let run = move || {
            let mut nodes = [[0; 32]; PAIRS];
            for _ in 0..CALLS {
                hasher.nodes(black_box(pairs), &mut nodes);
                black_box(&nodes);
            }
        };
        (name.clone(), Box::new(run) as Box<dyn Fn() + '_>)
    });
    println!("\nnodes, {PAIRS} at once, M/s");
    race((PAIRS * CALLS) as f64 / 1e6, &nodes.collect::<Vec<_>>());
}

/// Measures the contenders in turns. Prints how many times `amount` each does
/// in a second, and the ratios to the first.
fn race(amount: f64, contenders: &[Contender<'_>]) {
    let mut seconds = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, run), seconds) in contenders.iter().zip(&mut seconds) {
            let now = Instant::now();
            run();
            seconds.push(now.elapsed().as_secs_f64());
        }
    }
    for ((name, _), own) in contenders.iter().zip(&seconds) {
        let rate = amount / median(own.clone());
        let ratios = seconds[0].iter().zip(own).map(|(first, own)| first / own);
        let ratio = median(ratios.collect());
        let least = shortest(&seconds[0]) / shortest(own);
        let warning = if ratio < SLOW {
            "  warning: below sha2"
        } else {
            ""
        };
        println!("{name:22} {rate:>7.3}  {ratio:>5.2} ×  {least:>5.2} ×{warning}");
    }
}

fn shortest(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
