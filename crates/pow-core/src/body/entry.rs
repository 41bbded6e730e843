//! Entries. Each commits to one training step.

use crate::codec::{DecodeError, Reader, Writer};
use crate::hash::{BatchDigest, ParameterRoot, RestRoot, StateRoot};
use crate::state::state_root;
use crate::step::StepNumber;
use alloc::vec::Vec;

/// One committed step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// The step.
    pub step: StepNumber,
    /// Root of the parameters after this step.
    pub parameters: ParameterRoot,
    /// Digest of the sample indices of all steps since the last entry, in
    /// order. Absent at step 0, and where the loader is not ours.
    pub batch: Option<BatchDigest>,
    /// The bits of the loss (`f64`), if the caller gave one.
    pub loss: Option<u64>,
    /// The bits of the base learning rate (`f64`). Absent at step 0.
    pub learning_rate: Option<u64>,
    /// Root over the training state without its parameters. Present if the step
    /// has a checkpoint.
    pub rest: Option<RestRoot>,
}

impl Entry {
    /// The length of an entry without any optional value, in bytes.
    pub(super) const MIN_LEN: usize = 8 + 32 + 4;

    /// The root of the whole training state, if the step has a checkpoint.
    pub fn state_root(&self) -> Option<StateRoot> {
        self.rest.map(|rest| state_root(self.parameters, rest))
    }

    /// The entry's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u64(self.step.0).raw(&self.parameters.0);
        out.option(self.batch, |out, batch| {
            out.raw(&batch.0);
        });
        out.option(self.loss, |out, bits| {
            out.u64(bits);
        });
        out.option(self.learning_rate, |out, bits| {
            out.u64(bits);
        });
        out.option(self.rest, |out, rest| {
            out.raw(&rest.0);
        });
        out.finish()
    }

    /// The length of [`to_bytes`](Self::to_bytes).
    pub(super) fn byte_len(&self) -> usize {
        let option = |len: Option<usize>| 1 + len.unwrap_or(0);
        8 + 32
            + option(self.batch.map(|_| 32))
            + option(self.loss.map(|_| 8))
            + option(self.learning_rate.map(|_| 8))
            + option(self.rest.map(|_| 32))
    }

    /// Reads a whole entry.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless the bytes are the canonical form of an entry.
    pub fn from_bytes(bytes: &[u8]) -> Result<Entry, DecodeError> {
        let mut reader = Reader::new(bytes);
        let entry = Entry::read(&mut reader)?;
        reader.finish()?;
        Ok(entry)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Entry, DecodeError> {
        Ok(Entry {
            step: StepNumber(reader.u64("step")?),
            parameters: ParameterRoot(reader.array("parameter root")?),
            batch: reader.option("batch digest", |r| r.array("batch digest").map(BatchDigest))?,
            loss: reader.option("loss", |r| r.u64("loss"))?,
            learning_rate: reader.option("learning rate", |r| r.u64("learning rate"))?,
            rest: reader.option("rest root", |r| r.array("rest root").map(RestRoot))?,
        })
    }
}
