//! Pausing a run from outside of its training.

use crate::recorder::Recorder;
use std::sync::{Arc, Weak};

/// Pauses a run from another thread, for instance when a scheduler asks for the machine.
/// [`PowRun::pauser`](crate::PowRun::pauser) makes it.
#[derive(Clone)]
pub struct Pauser(Weak<Recorder>);

impl Pauser {
    pub(super) fn new(recorder: &Arc<Recorder>) -> Self {
        Pauser(Arc::downgrade(recorder))
    }

    /// Asks the training to stop after its next committed step, and to keep the whole
    /// state of that step. The run is then paused as
    /// [`PowConfig::pause_when_stopped`](crate::PowConfig::pause_when_stopped) says,
    /// whether it has that setting or not, and goes on from that very step when it is
    /// resumed.
    ///
    /// The last planned step ends the training as ever. A second call, or one while the
    /// last blocks are mined, stops at once as the interrupter does. After the run, this
    /// does nothing.
    pub fn pause(&self) {
        if let Some(recorder) = self.0.upgrade() {
            recorder.ask_to_pause();
        }
    }
}
