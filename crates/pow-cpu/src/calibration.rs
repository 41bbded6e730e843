//! Which kernel of several is fastest, found in a short trial.

use crate::kernel::Kernel;
use std::time::{Duration, Instant};

/// Rounds. In each, every kernel runs once.
const ROUNDS: usize = 7;

/// The kernel of this CPU whose trials take least time.
pub fn fastest(mut trial: impl FnMut(Kernel)) -> Kernel {
    let kernels = Kernel::available();
    let fastest = fastest_of(&kernels, |kernel| {
        let began = Instant::now();
        trial(*kernel);
        began.elapsed()
    });
    fastest.copied().unwrap_or(Kernel::PORTABLE)
}

/// Measures all kernels in turns, and takes the one with the shortest median.
/// The shortest single trial would not do: what a CPU does beside a kernel can
/// make it fast once and slow from then on. The portable kernel takes part, so
/// a kernel that mostly runs slower than it is never taken.
fn fastest_of<K>(kernels: &[K], mut measure: impl FnMut(&K) -> Duration) -> Option<&K> {
    let mut times: Vec<Vec<Duration>> = kernels.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (kernel, times) in kernels.iter().zip(&mut times) {
            times.push(measure(kernel));
        }
    }
    let medians = times.into_iter().map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2]
    });
    let fastest = kernels.iter().zip(medians).min_by_key(|(_, time)| *time);
    fastest.map(|(kernel, _)| kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The microseconds that a kernel takes in each round.
    type Trials = (&'static str, [u64; ROUNDS]);

    fn taken(kernels: &[Trials]) -> Option<&'static str> {
        let mut calls = vec![0; kernels.len()];
        let fastest = fastest_of(kernels, |(name, times)| {
            let kernel = kernels.iter().position(|(other, _)| other == name);
            let call = &mut calls[kernel.unwrap_or_default()];
            *call += 1;
            Duration::from_micros(times[*call - 1])
        });
        assert!(calls.iter().all(|calls| *calls == ROUNDS), "{calls:?}");
        fastest.map(|(name, _)| *name)
    }

    #[test]
    fn takes_the_fastest() {
        let kernels = [
            ("two", [20; ROUNDS]),
            ("four", [10; ROUNDS]),
            ("portable", [40; ROUNDS]),
        ];
        assert_eq!(taken(&kernels), Some("four"));
        assert_eq!(taken(&[]), None);
    }

    /// The fault of `sha-ni-x3` on an Intel Xeon: fast until something leaves
    /// the upper halves of vectors dirty.
    #[test]
    fn never_takes_a_kernel_below_the_portable_one() {
        let slow = [9, 9, 5000, 5000, 5000, 5000, 5000];
        let kernels = [
            ("x3", slow),
            ("x2", [20; ROUNDS]),
            ("portable", [40; ROUNDS]),
        ];
        assert_eq!(taken(&kernels), Some("x2"));
        let kernels = [("x3", slow), ("portable", [40; ROUNDS])];
        assert_eq!(taken(&kernels), Some("portable"));
    }

    #[test]
    fn forgives_a_disturbed_trial() {
        let kernels = [
            ("x2", [900, 20, 20, 900, 20, 20, 900]),
            ("portable", [40; ROUNDS]),
        ];
        assert_eq!(taken(&kernels), Some("x2"));
    }
}
