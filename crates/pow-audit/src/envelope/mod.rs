//! Statements in the form that other people's tools read: an in-toto Statement in a DSSE
//! envelope, or in a Sigstore bundle, which holds such an envelope.
//!
//! What is signed are the bytes of [`Payload::to_sign`]. People sign them with a tool and a key
//! of their own, such as `openssl`; this crate never sees a private key. Then
//! [`SignedStatement::join`] puts both together. `docs/formats.md` has the fields.
//!
//! A signature shows that whoever holds the key stands for the statement, and not that the
//! statement is true. [`check_training`] compares it with the run.
//!
//! Sources: in-toto Attestation Framework v1 (Statement, ResourceDescriptor), DSSE 1.0.2
//! (protocol, envelope), Sigstore's `sigstore_bundle.proto` 0.3.

mod digest;
mod dsse;
mod key;
mod payload;
mod signed;
mod training;

pub use digest::file_sha256;
pub use dsse::EnvelopeSignature;
pub use key::{EnvelopeKey, EnvelopeKeyError};
pub use payload::{Digests, Payload, PayloadError, Subject};
pub use signed::{EnvelopeError, Form, JoinError, MAX_ENVELOPE, SignedStatement};
pub use training::{TRAINING, TrainingError, check_training, training_payload};
