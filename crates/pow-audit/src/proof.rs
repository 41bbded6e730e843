//! Proofs as files: making them from a run, reading them, reporting on them.

mod json;
mod make;
mod report;
mod request;
mod search;
mod source;

pub use json::{MAX_PROOF_LEN, ProofJsonError, proof_from_json, proof_to_json};
pub use make::{MadeProof, prove};
pub use report::{CheckOptions, CheckReport, ShownBlock, ShownEntry, ShownTensor, check_proof};
pub use request::{ProofRequest, ProofSubject, ProveError};
