//! A segment as bytes, for a process that replays it alone. What the process needs of
//! the chain is in them, so only one process reads the chain.

use super::segment::{SegmentReplay, Tolerance};
use pow_core::body::{Body, BodyKind, Common, Entry, Genesis, MAX_BODY_LEN, StepNumber};
use pow_core::codec::{DecodeError, DecodeErrorKind, Reader, Writer};
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, TreeRoot};
use pow_ledger::RunDir;
use std::sync::Arc;

/// The longest entry, in bytes, with room to spare.
const MAX_ENTRY: usize = 1024;

impl SegmentReplay {
    /// The segment as bytes, without its result.
    pub(crate) fn to_job(&self) -> Vec<u8> {
        let (genesis, from, expected) = self.chain();
        let mut out = Writer::new();
        out.bytes(&genesis_bytes(genesis));
        out.option(self.asked_tolerance(), |out, tolerance| {
            out.u64(tolerance.0.to_bits());
        });
        out.bytes(&from.to_bytes()).u64(expected.len() as u64);
        for entry in expected {
            out.bytes(&entry.to_bytes());
        }
        out.u64(self.keys().len() as u64);
        for (step, hash) in self.keys() {
            out.u64(step.0).raw(&hash.0);
        }
        out.finish()
    }

    /// The segment of a run that [`to_job`](Self::to_job) wrote.
    pub(crate) fn from_job(dir: RunDir, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let at = reader.clone();
        let body = Body::from_bytes(reader.bytes("genesis", MAX_BODY_LEN)?)?;
        let BodyKind::Genesis(genesis) = body.kind else {
            return Err(at.error(DecodeErrorKind::Value {
                field: "genesis",
                found: 0,
                expected: "a genesis body",
            }));
        };
        let tolerance = reader.option("tolerance", |reader| reader.u64("tolerance"))?;
        let entry = |reader: &mut Reader<'_>| Entry::from_bytes(reader.bytes("entry", MAX_ENTRY)?);
        let from = entry(&mut reader)?;
        let mut expected = Vec::new();
        for _ in 0..reader.u64("entry count")? {
            expected.push(entry(&mut reader)?);
        }
        let mut keys = Vec::new();
        for _ in 0..reader.u64("key count")? {
            let step = StepNumber(reader.u64("step")?);
            keys.push((step, BlockHash(reader.array("block hash")?)));
        }
        reader.finish()?;
        let tolerance = tolerance.map(|bits| Tolerance(f64::from_bits(bits)));
        let segment = (from, expected);
        Ok(SegmentReplay::new(
            dir,
            *genesis,
            segment,
            Arc::new(keys),
            tolerance,
        ))
    }
}

fn genesis_bytes(genesis: &Genesis) -> Vec<u8> {
    let body = Body {
        // Nothing of a body but its genesis is needed.
        common: Common {
            height: Height::GENESIS,
            start: Default::default(),
            parent_found: Default::default(),
            previous_blocks: TreeRoot([0; 32]),
        },
        kind: BodyKind::Genesis(Box::new(genesis.clone())),
    };
    body.to_bytes()
}
