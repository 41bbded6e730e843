//! OpenTimestamps proofs. They lead from a parameter root to a block's header in
//! operations that every implementation of that format can execute.
//!
//! The format is that of [python-opentimestamps](https://github.com/opentimestamps/python-opentimestamps)
//! (`DetachedTimestampFile`, `Op`, `TimeAttestation`).

use crate::walk::WalkedBlock;
use pow_core::body::{BodyKind, Entry, FixedPart, StepNumber};
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, ParameterRoot, StateRoot, Tag};
use pow_core::header::HEADER_LEN;
use pow_core::proof::{Inclusion, LeafIndex, inclusion};

/// The tag of our attestation: the first 8 bytes of
/// `SHA256("burn-pow/v1/attestation")`. It is not Bitcoin's tag, because these blocks
/// are not Bitcoin's and prove no date.
pub const OTS_ATTESTATION: [u8; 8] = [0xeb, 0x9f, 0x6d, 0xce, 0xd3, 0x47, 0x45, 0x01];

/// First bytes of a detached proof: the format's magic, its version 1, and SHA-256 as
/// the operation that made the following digest.
const HEADER: &[u8; 33] = b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";

/// Length of the lock time, which follows the commitment in a coinbase.
const COINBASE_TAIL: usize = 4;

/// The entry to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtsSubject {
    /// The entry of a step.
    Step(StepNumber),
    /// The first entry whose checkpoint has this state root.
    Checkpoint(StateRoot),
}

/// The proof that this block's header commits to the entry's parameter root, as the
/// bytes of an `.ots` file. `None` if the entry is not in this block.
///
/// The timestamped digest is the parameter root itself. It is a real SHA-256 digest: of
/// `SHA256(tag) ‖ SHA256(tag) ‖ count ‖ tree root`.
pub fn ots_proof(walked: &WalkedBlock<'_>, subject: OtsSubject) -> Option<Vec<u8>> {
    let body = walked.block.body();
    let BodyKind::Steps(entries) = &body.kind else {
        return None;
    };
    let at = entries.iter().position(|entry| subject.is(entry))?;
    let place = inclusion(body.entry_leaves(), LeafIndex(at as u64))?;
    let mut path = Path::from(entries[at].parameters);
    path.entry(&entries[at]);
    path.tree(&place);
    path.body(&body.fixed_part());
    path.block(&walked.record.block);
    Some(path.wrap(walked.chain.genesis_hash(), walked.chain.height()))
}

impl OtsSubject {
    fn is(self, entry: &Entry) -> bool {
        match self {
            OtsSubject::Step(step) => entry.step == step,
            OtsSubject::Checkpoint(root) => entry.state_root() == Some(root),
        }
    }
}

/// A proof that is being written. No operand is longer than 123 bytes, and there are at
/// most 59 operations. Readers of the format allow 4,096 bytes and 256 operations.
struct Path(Vec<u8>);

impl Path {
    fn from(root: ParameterRoot) -> Self {
        Path([&HEADER[..], &root.0].concat())
    }

    /// From the parameter root to the entry's leaf.
    fn entry(&mut self, entry: &Entry) {
        let bytes = entry.to_bytes();
        let step = entry.step.0.to_le_bytes();
        let after = &bytes[step.len() + entry.parameters.0.len()..];
        self.prepend(&[&Tag::Entry.prefix()[..], &step].concat());
        self.append(after);
        self.sha256();
    }

    /// From the leaf to the root over the entries. RFC 9162 has the rule that decides on
    /// which side a sibling is.
    fn tree(&mut self, place: &Inclusion) {
        let mut at = place.index.0;
        let mut last = place.tree.count.0.saturating_sub(1);
        for sibling in &place.path.0 {
            // The last node of a layer has a sibling only on its left.
            while at & 1 == 0 && at == last {
                (at, last) = (at >> 1, last >> 1);
            }
            if at & 1 == 1 {
                self.prepend(&[&Tag::Node.prefix()[..], sibling].concat());
            } else {
                self.append(sibling);
                self.prepend(&Tag::Node.prefix());
            }
            self.sha256();
            (at, last) = (at >> 1, last >> 1);
        }
    }

    /// From the root over the entries to the body commitment.
    fn body(&mut self, fixed: &FixedPart) {
        self.prepend(&[&Tag::Body.prefix()[..], fixed.to_bytes()].concat());
        self.sha256();
    }

    /// From the body commitment to the coinbase's id, which is the transaction root, and
    /// from there to the 80 bytes of the header.
    fn block(&mut self, block: &[u8]) {
        let (header, rest) = block.split_at(HEADER_LEN);
        // The first byte is the number of transactions.
        let coinbase = &rest[1..];
        let tail = coinbase.len() - COINBASE_TAIL;
        self.prepend(&coinbase[..tail - 32]);
        self.append(&coinbase[tail..]);
        self.sha256();
        self.sha256();
        self.prepend(&header[..36]);
        self.append(&header[68..]);
    }

    /// Ends the proof. It attests to the message so far, which is the header.
    fn wrap(mut self, genesis: BlockHash, height: Height) -> Vec<u8> {
        self.0.push(0x00);
        self.0.extend(OTS_ATTESTATION);
        self.varbytes(&[&genesis.0[..], &height.get().to_le_bytes()].concat());
        self.0
    }

    fn append(&mut self, operand: &[u8]) {
        self.0.push(0xf0);
        self.varbytes(operand);
    }

    fn prepend(&mut self, operand: &[u8]) {
        self.0.push(0xf1);
        self.varbytes(operand);
    }

    fn sha256(&mut self) {
        self.0.push(0x08);
    }

    /// Writes a length in LEB128, then the bytes.
    fn varbytes(&mut self, bytes: &[u8]) {
        let mut len = bytes.len();
        while len >= 0x80 {
            self.0.push(len as u8 | 0x80);
            len >>= 7;
        }
        self.0.push(len as u8);
        self.0.extend(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::hashes::{Hash as _, sha256};
    use pow_core::hash::RestRoot;

    #[test]
    fn lengths_are_leb128() {
        let head = |len| {
            let mut path = Path(Vec::new());
            path.varbytes(&vec![0xee; len]);
            path.0.truncate(path.0.len() - len);
            path.0
        };
        assert_eq!(head(1), [1]);
        assert_eq!(head(127), [127]);
        assert_eq!(head(128), [0x80, 1]);
        assert_eq!(head(300), [0xac, 2]);
    }
    /// Executes the operations of a proof, as a reader of the format does.
    fn execute(mut operations: &[u8], start: [u8; 32]) -> Vec<u8> {
        let mut message = start.to_vec();
        while let Some((operation, rest)) = operations.split_first() {
            operations = rest;
            if *operation == 0x08 {
                message = sha256::Hash::hash(&message).to_byte_array().to_vec();
                continue;
            }
            // No operand here has 2^14 bytes.
            let (len, rest) = match operations {
                [low @ 0x80..=0xff, high, rest @ ..] => {
                    (usize::from(low & 0x7f) | usize::from(*high) << 7, rest)
                }
                [len, rest @ ..] => (usize::from(*len), rest),
                [] => panic!("no operand"),
            };
            let (operand, rest) = rest.split_at(len);
            operations = rest;
            message = match operation {
                0xf0 => [&message, operand].concat(),
                0xf1 => [operand, &message].concat(),
                other => panic!("{other:#x}"),
            };
        }
        message
    }

    #[test]
    fn every_leaf_of_a_tree_leads_to_its_root() {
        for count in 1..=20u64 {
            let leaves: Vec<_> = (0..count)
                .map(|leaf| Tag::Entry.hash(&leaf.to_le_bytes()))
                .collect();
            for (index, leaf) in (0..).zip(&leaves) {
                let place = inclusion(leaves.iter().copied(), LeafIndex(index)).unwrap();
                let mut path = Path(Vec::new());
                path.tree(&place);
                let root = execute(&path.0, *leaf);
                assert_eq!(root, place.tree.root.0, "{index} of {count}");
            }
        }
    }

    #[test]
    fn an_entry_is_found_by_its_step_or_its_checkpoint() {
        let entry = Entry {
            step: StepNumber(3),
            parameters: ParameterRoot([1; 32]),
            batch: None,
            loss: None,
            learning_rate: None,
            rest: Some(RestRoot([2; 32])),
        };
        let plain = Entry {
            rest: None,
            ..entry
        };
        let root = entry.state_root().unwrap();
        for (subject, is_entry, is_plain) in [
            (OtsSubject::Step(StepNumber(3)), true, true),
            (OtsSubject::Step(StepNumber(4)), false, false),
            (OtsSubject::Checkpoint(root), true, false),
            (OtsSubject::Checkpoint(StateRoot([0; 32])), false, false),
        ] {
            let found = (subject.is(&entry), subject.is(&plain));
            assert_eq!(found, (is_entry, is_plain), "{subject:?}");
        }
    }
}
