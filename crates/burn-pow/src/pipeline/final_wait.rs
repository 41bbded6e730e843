//! Waiting for a run's last blocks, which may take long and can be cut short.

use crate::pipeline::status::Status;
use burn::train::Interrupter;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A wait that is over sooner than this is not spoken of.
const QUIET: Duration = Duration::from_secs(1);

/// Who waits for the last blocks: says so once, and gives up on them when the
/// run is stopped.
pub(crate) struct Patience<'a> {
    status: &'a Status,
    interrupter: Interrupter,
    began: Instant,
    told: bool,
}

impl<'a> Patience<'a> {
    /// A stop made before this has ended the training, and is forgotten: what
    /// the training left is still to be mined.
    pub(crate) fn new(status: &'a Status, interrupter: Interrupter) -> Self {
        interrupter.reset();
        Patience {
            status,
            interrupter,
            began: Instant::now(),
            told: false,
        }
    }

    /// To be called now and then while waiting.
    pub(crate) fn look(&mut self) {
        if self.interrupter.should_stop() {
            self.status.cancel.cancel();
        }
        if !self.told && self.began.elapsed() >= QUIET {
            self.told = true;
            let what = what_is_left(self.status.queued.load(Ordering::Relaxed));
            // That nobody reads it must not end the run.
            let _ = writeln!(std::io::stderr(), "mining {what}…");
        }
    }
}

fn what_is_left(steps: u64) -> String {
    match steps {
        0 => "the final block".into(),
        1 => "the last step".into(),
        _ => format!("the last {steps} steps"),
    }
}
