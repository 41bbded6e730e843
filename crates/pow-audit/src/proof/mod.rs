//! Proofs as files: how they are made from a run, read, and reported on.

mod facts;
mod json;
mod make;
mod report;
mod request;
mod search;
mod source;
mod value;

pub use json::{MAX_PROOF_LEN, ProofJsonError, proof_from_json, proof_to_json};
pub(crate) use make::prove_all;
pub use make::{MadeProof, prove, prove_to};
pub use report::{CheckOptions, CheckReport, check_proof, check_proof_of};
pub use request::{ProofRequest, ProofSubject, ProveError};
