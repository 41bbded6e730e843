//! Other recorded trainings of this process.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of recorded trainings that run.
static TRAINING: AtomicUsize = AtomicUsize::new(0);

/// A recorded training that runs, until this is dropped.
pub(super) struct Training<'a>(&'a AtomicUsize);

impl Training<'static> {
    /// Notes a training. Warns if there is another one: Burn's backends have one random
    /// generator for the whole process, and each training seeds it while the other one
    /// draws.
    pub(super) fn begins() -> Self {
        let (begun, is_alone) = Training::among(&TRAINING);
        if !is_alone {
            // A closed stderr must not end the training.
            let _ = writeln!(
                std::io::stderr(),
                "warning: another recorded training runs in this process. Both draw from one \
                 random generator, so a replay gives other bits if a model or a batcher draws \
                 random numbers (dropout). Use one process for each run."
            );
        }
        begun
    }
}

impl<'a> Training<'a> {
    /// Counts a training. Returns whether it is the only one.
    fn among(running: &'a AtomicUsize) -> (Self, bool) {
        let before = running.fetch_add(1, Ordering::SeqCst);
        (Training(running), before == 0)
    }
}

impl Drop for Training<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_training_is_warned_of() {
        let running = AtomicUsize::new(0);
        let (first, is_alone) = Training::among(&running);
        assert!(is_alone);
        let (second, is_alone) = Training::among(&running);
        assert!(!is_alone);
        drop((first, second));
        assert!(Training::among(&running).1);
    }
}
