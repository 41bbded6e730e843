//! How fast tensors are hashed, beside the `sha2` crate:
//! `taskset -c 1 cargo bench -p pow-cpu`.
//!
//! All contenders take turns, round after round, so that a busy machine slows
//! all of them. Printed are the median rate and the median over the rounds of
//! the ratio to the first contender. Nothing here uses a second core.

use pow_core::hash::PlainSha2;
use pow_core::tensor::{CHUNK_LEN, TensorHasher, data_root_with};
use pow_cpu::{Kernel, Lanes};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::Instant;

/// The parameters of a model of a million.
const LEN: usize = 4_000_000;

const ROUNDS: usize = 25;

fn main() {
    let data: Vec<u8> = (0..LEN as u32).map(|i| ((i * i) >> 7) as u8).collect();
    let mut contenders: Vec<(String, Box<dyn Fn()>)> = vec![(
        "sha2, one message".into(),
        Box::new(|| {
            black_box(Sha256::digest(black_box(&data)));
        }),
    )];
    let expected = data_root_with(&data, &PlainSha2);
    let hashers = Kernel::available().into_iter().map(|kernel| {
        let name = format!("tensor root, {kernel}");
        (name, Box::new(Lanes::new(kernel)) as Box<dyn TensorHasher>)
    });
    let plain = (
        "tensor root, PlainSha2".to_owned(),
        Box::new(PlainSha2) as _,
    );
    for (name, hasher) in std::iter::once(plain).chain(hashers) {
        let data = &data;
        let run = move || assert_eq!(data_root_with(black_box(data), hasher.as_ref()), expected);
        contenders.push((name, Box::new(run)));
    }
    let mut seconds = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, run), seconds) in contenders.iter().zip(&mut seconds) {
            let now = Instant::now();
            run();
            seconds.push(now.elapsed().as_secs_f64());
        }
    }
    println!(
        "{LEN} bytes, {} chunks, {ROUNDS} rounds, medians; fastest: {}",
        LEN.div_ceil(CHUNK_LEN),
        Lanes::fastest().kernel()
    );
    for ((name, _), own) in contenders.iter().zip(&seconds) {
        let rate = LEN as f64 / median(own.clone());
        let ratios = seconds[0].iter().zip(own).map(|(first, own)| first / own);
        let ratio = median(ratios.collect());
        println!("{name:28} {:>6.3} GB/s  {ratio:>5.2} ×", rate / 1e9);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
