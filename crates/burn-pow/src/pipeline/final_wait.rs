//! Waiting for a run's last blocks. This may take long, and a stop ends it.

use super::status::Status;
use burn::train::Interrupter;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A shorter wait is not announced.
const QUIET: Duration = Duration::from_secs(1);

/// How long the last blocks are still mined after a stop, so that a chain whose blocks
/// do not take longer says how it ended. Schedulers kill a job half a minute after their
/// signal.
const LAST_CALL: Duration = Duration::from_secs(10);

/// The wait for the last blocks. It is announced once. A stop gives it [`LAST_CALL`]
/// more, and a second stop cancels the mining at once.
pub(crate) struct FinalWait<'a> {
    status: &'a Status,
    interrupter: Interrupter,
    began: Instant,
    announced: bool,
    /// When the first stop was seen.
    stopped: Option<Instant>,
}

impl<'a> FinalWait<'a> {
    /// Starts the wait. A stop before this ended the training and is reset, because
    /// the training's last steps must still be mined.
    pub(crate) fn new(status: &'a Status, interrupter: Interrupter) -> Self {
        interrupter.reset();
        FinalWait {
            status,
            interrupter,
            began: Instant::now(),
            announced: false,
            stopped: None,
        }
    }

    /// Looks for a stop. Call this regularly during the wait.
    pub(crate) fn look(&mut self) {
        match self.stopped {
            None if self.interrupter.should_stop() => {
                self.interrupter.reset();
                self.stopped = Some(Instant::now());
                let what = awaited(self.status.queued.load(Ordering::Relaxed));
                let most = LAST_CALL.as_secs();
                let _ = writeln!(std::io::stderr(), "stopping: {what} may take {most} s more");
            }
            Some(at) if at.elapsed() >= LAST_CALL || self.interrupter.should_stop() => {
                self.status.cancel.cancel();
            }
            _ => {}
        }
        if !self.announced && self.began.elapsed() >= QUIET {
            self.announced = true;
            let what = awaited(self.status.queued.load(Ordering::Relaxed));
            // A closed stderr must not end the run.
            let _ = writeln!(std::io::stderr(), "mining {what}…");
        }
    }
}

fn awaited(steps: u64) -> String {
    match steps {
        0 => "the final block".into(),
        1 => "the last step".into(),
        _ => format!("the last {steps} steps"),
    }
}
