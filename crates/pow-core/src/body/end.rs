//! The final body. It says how the run ended.

use crate::body::StepNumber;
use crate::codec::{DecodeError, DecodeErrorKind, Reader, Writer};
use crate::hash::{ParameterRoot, StateRoot};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All planned steps were taken. If no length was planned: the program said
    /// that the run is complete.
    Completed,
    /// A person or an early-stopping rule stopped it.
    Stopped,
    /// An error stopped it.
    Failed,
}

impl Ending {
    /// The ending, in one word.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Completed => "completed",
            Ending::Stopped => "stopped",
            Ending::Failed => "failed",
        }
    }
}

/// The last block's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Final {
    /// The number of steps taken. It is the last entry's step.
    pub steps: StepNumber,
    /// How the run ended.
    pub ending: Ending,
    /// The last entry's state root. Absent if that entry has no checkpoint. It
    /// is present if a run of planned length was completed.
    pub state: Option<StateRoot>,
    /// Parameter root of the artifact. It is the last entry's.
    pub artifact: ParameterRoot,
}

impl Final {
    pub(super) fn write_fixed(&self, out: &mut Writer) {
        out.u64(self.steps.0).u8(match self.ending {
            Ending::Completed => 0,
            Ending::Stopped => 1,
            Ending::Failed => 2,
        });
        out.option(self.state, |out, state| {
            out.raw(&state.0);
        });
        out.raw(&self.artifact.0);
    }

    pub(super) fn read_fixed(reader: &mut Reader<'_>) -> Result<Final, DecodeError> {
        let steps = StepNumber(reader.u64("steps")?);
        let at = reader.clone();
        let ending = match reader.u8("ending")? {
            0 => Ending::Completed,
            1 => Ending::Stopped,
            2 => Ending::Failed,
            found => {
                return Err(at.error(DecodeErrorKind::Value {
                    field: "ending",
                    found: found.into(),
                    expected: "0, 1 or 2",
                }));
            }
        };
        Ok(Final {
            steps,
            ending,
            state: reader.option("state root", |r| r.array("state root").map(StateRoot))?,
            artifact: ParameterRoot(reader.array("artifact root")?),
        })
    }
}
