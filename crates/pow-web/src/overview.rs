//! What is remembered of a chain while it is checked, so that it can be shown: some places in
//! the file, and its quantities. Memory does not grow with the chain.

use crate::series::Series;
use pow_audit::walk::WalkedBlock;
use pow_core::body::{BodyKind, UnixMillis};
use serde::Serialize;

/// The most places that are remembered.
const MAX_MARKS: usize = 1 << 14;

/// A block from which one can read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its height.
    pub height: u64,
    /// Offset of its record in the chain file, in bytes.
    pub offset: u64,
    /// The last step committed before it. Absent if there is none.
    pub after_step: Option<u64>,
}

/// What is remembered of a chain.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// How many blocks hold every rule.
    pub blocks: u64,
    /// How many steps they commit to.
    pub entries: u64,
    /// How many of these have a checkpoint.
    pub checkpoints: u64,
    /// Loss over steps.
    pub loss: Series,
    /// Base learning rate over steps.
    pub learning_rate: Series,
    /// Expected number of hashes over heights, as its logarithm to base 2.
    pub difficulty: Series,
    /// Mining time over heights, in seconds, by the recorder's clock. That of the last block
    /// is not known.
    pub mining_time: Series,
    #[serde(skip)]
    marks: Vec<Mark>,
    /// Blocks from one mark to the next.
    #[serde(skip)]
    every: u64,
    #[serde(skip)]
    last_step: Option<u64>,
    #[serde(skip)]
    last_start: Option<UnixMillis>,
}

impl Default for Overview {
    fn default() -> Self {
        Overview {
            blocks: 0,
            entries: 0,
            checkpoints: 0,
            loss: Series::default(),
            learning_rate: Series::default(),
            difficulty: Series::default(),
            mining_time: Series::default(),
            marks: Vec::new(),
            every: 1,
            last_step: None,
            last_start: None,
        }
    }
}

impl Overview {
    /// Takes in the next verified block.
    pub fn block(&mut self, walked: &WalkedBlock<'_>) {
        let height = walked.chain.height().get();
        let body = walked.block.body();
        self.mark(u64::from(height), walked.record.offset);
        self.blocks += 1;
        let expected = walked.block.header().bits.decode();
        if let Ok(target) = expected {
            let work = target.work().saturating_u128() as f64;
            self.difficulty.add(height.into(), work.log2(), height);
        }
        if let (Some(start), Some(before)) = (self.last_start, height.checked_sub(1)) {
            let spent = body.common.parent_found.0.saturating_sub(start.0);
            let seconds = spent as f64 / 1000.0;
            self.mining_time.add(before.into(), seconds, before);
        }
        self.last_start = Some(body.common.start);
        let BodyKind::Steps(entries) = &body.kind else {
            return;
        };
        for entry in entries {
            let step = entry.step.0;
            self.entries += 1;
            self.checkpoints += u64::from(entry.rest.is_some());
            if let Some(bits) = entry.loss {
                self.loss.add(step, f64::from_bits(bits), height);
            }
            if let Some(bits) = entry.learning_rate {
                self.learning_rate.add(step, f64::from_bits(bits), height);
            }
            self.last_step = Some(step);
        }
    }

    /// The last mark at or before a height.
    pub fn mark_before_height(&self, height: u64) -> Option<Mark> {
        let after = self.marks.partition_point(|mark| mark.height <= height);
        self.marks.get(after.checked_sub(1)?).copied()
    }

    /// The last mark with no entry of a step, or a later one, before it.
    pub fn mark_before_step(&self, step: u64) -> Option<Mark> {
        let comes_first = |mark: &Mark| mark.after_step.is_none_or(|before| before < step);
        let after = self.marks.partition_point(comes_first);
        self.marks.get(after.checked_sub(1)?).copied()
    }

    fn mark(&mut self, height: u64, offset: u64) {
        if !height.is_multiple_of(self.every) {
            return;
        }
        self.marks.push(Mark {
            height,
            offset,
            after_step: self.last_step,
        });
        if self.marks.len() > MAX_MARKS {
            self.every *= 2;
            let every = self.every;
            self.marks.retain(|mark| mark.height.is_multiple_of(every));
        }
    }
}
