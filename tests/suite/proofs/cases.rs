//! Proofs of the recorded run, one of each kind.

use pow_audit::proof::{MadeProof, ProofRequest, ProofSubject, prove};
use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::header::Header;
use pow_core::proof::LeafIndex;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::Fixture;

/// The recorded run and the hashes of its blocks.
pub struct Run {
    pub fixture: Fixture,
    pub hashes: Vec<BlockHash>,
}

/// A proof with what its verifier would bring.
pub struct Case {
    pub name: &'static str,
    pub made: MadeProof,
    pub head: BlockHash,
    pub older: Option<BlockHash>,
}

impl Run {
    pub fn new() -> Self {
        let fixture = Fixture::default();
        let records = ChainFile::read(&fixture.run.chain()).records;
        let hashes = records.iter().map(|record| {
            let header = record.block[..80].try_into().unwrap();
            Header::from_bytes(header).hash()
        });
        Run {
            hashes: hashes.collect(),
            fixture,
        }
    }

    /// A proof under the block at height `head`.
    pub fn prove(&self, head: u32, subject: ProofSubject) -> MadeProof {
        let request = ProofRequest {
            head: Some(height(head)),
            subject,
        };
        prove(&self.fixture.run, &request, &mut |_| {}).unwrap()
    }

    /// One proof of each kind: all optional parts, present and absent. The last
    /// block has 16 zero bits, the others 8.
    pub fn cases(&self) -> Vec<Case> {
        let extends = |older: usize| ProofSubject::Extends(self.hashes[older]);
        let cases = [
            ("chunk", 6, tensor(3, "embedding.weight", Some(1)), None),
            ("tensor", 6, tensor(6, "conv.bias", None), None),
            ("empty tensor", 6, tensor(0, "unused", None), None),
            ("entry", 6, ProofSubject::Step(StepNumber(5)), None),
            (
                "entry of the head",
                4,
                ProofSubject::Step(StepNumber(4)),
                None,
            ),
            ("block", 6, ProofSubject::Block(height(2)), None),
            ("genesis", 5, ProofSubject::Block(height(0)), None),
            ("head", 6, ProofSubject::Block(height(6)), None),
            ("extends genesis", 6, extends(0), Some(0)),
            ("extends 3", 6, extends(3), Some(3)),
            ("extends 4", 6, extends(4), Some(4)),
            ("extends 5", 6, extends(5), Some(5)),
        ];
        cases
            .map(|(name, head, subject, older)| Case {
                name,
                made: self.prove(head, subject),
                head: self.hashes[head as usize],
                older: older.map(|older: usize| self.hashes[older]),
            })
            .into()
    }
}

pub fn height(height: u32) -> Height {
    Height::new(height).unwrap()
}

pub fn tensor(step: u64, path: &str, chunk: Option<u64>) -> ProofSubject {
    ProofSubject::Tensor {
        step: StepNumber(step),
        path: path.into(),
        chunk: chunk.map(LeafIndex),
    }
}
