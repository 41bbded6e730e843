//! Proofs as files: how they are made from a run, read, and reported on.

mod json;
mod make;
mod report;
mod request;
mod search;
mod source;

pub use json::{MAX_PROOF_LEN, ProofJsonError, proof_from_json, proof_to_json};
pub use make::{MadeProof, prove};
pub use report::{CheckOptions, CheckReport, check_proof};
pub use request::{ProofRequest, ProofSubject, ProveError};
