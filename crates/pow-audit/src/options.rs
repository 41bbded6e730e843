//! What to check, and what must hold.

use crate::anchor::BitcoinHeaders;
use crate::anchor::tsp::TrustedCertificates;
use crate::lineage::BaseFile;
use crate::report::Level;
use crate::source::SharedRun;
use pow_core::hash::BlockHash;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What to check, and what must hold.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The hash that the genesis block must have.
    pub genesis: Option<BlockHash>,
    /// The hash that the last block must have.
    pub head: Option<BlockHash>,
    /// The report on a replay, made by somebody whom the verifier trusts. It is never
    /// looked for in the run, because the trainer could have put one there.
    pub replay_report: Option<PathBuf>,
    /// The runs from which this one went on, as the verifier has them: its parent, and the
    /// parent's ancestors if they are to be checked as well. Genesis hashes say which is
    /// which.
    pub parents: Vec<SharedRun>,
    /// The published model from which this run went on, as the verifier has it.
    pub base_model: Option<BaseFile>,
    /// Headers of Bitcoin's chain, from a source that the verifier trusts. Without them no
    /// anchor counts that leads to Bitcoin.
    pub bitcoin_headers: Option<BitcoinHeaders>,
    /// Certificates of TSAs, or of authorities above them, that the verifier trusts. Without
    /// them no timestamp of a TSA counts.
    pub trusted_tsas: TrustedCertificates,
    /// The levels that must hold.
    pub require: BTreeSet<Level>,
    /// Accept a run that is still being written, or whose writer was killed. The
    /// levels `finished` and `artifact` are then not required.
    pub allow_unfinished: bool,
}

impl Default for AuditOptions {
    fn default() -> Self {
        AuditOptions {
            genesis: None,
            head: None,
            replay_report: None,
            parents: Vec::new(),
            base_model: None,
            bitcoin_headers: None,
            trusted_tsas: TrustedCertificates::default(),
            require: [Level::Chain, Level::Finished, Level::Artifact].into(),
            allow_unfinished: false,
        }
    }
}
