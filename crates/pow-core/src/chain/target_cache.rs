//! A cache for targets and their work. Computing the work takes a division.

use crate::target::{CompactError, CompactTarget, Target, Work};

/// The last target decoded, with its work. The next header usually has the same
/// target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TargetCache(Option<(CompactTarget, Target, Work)>);

impl TargetCache {
    pub(super) fn get(&mut self, bits: CompactTarget) -> Result<(Target, Work), CompactError> {
        match self.0 {
            Some((known, target, work)) if known == bits => Ok((target, work)),
            _ => {
                let target = bits.decode()?;
                let work = target.work();
                self.0 = Some((bits, target, work));
                Ok((target, work))
            }
        }
    }
}
