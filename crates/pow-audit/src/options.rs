//! What to check, and what must hold.

use crate::anchor::BitcoinHeaders;
use crate::anchor::tsp::TrustedCertificates;
use crate::declaration::GivenDeclaration;
use crate::lineage::BaseFile;
use crate::replay::{Commitments, ReplayReport};
use crate::report::Level;
use crate::signature::{Signature, SignerKey};
use crate::source::SharedRun;
use pow_core::hash::BlockHash;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// What to check, and what must hold.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The hash that the genesis block must have.
    pub genesis: Option<BlockHash>,
    /// The hash that the last block must have.
    pub head: Option<BlockHash>,
    /// Reports on replays, made by people whom the verifier trusts. They are never looked
    /// for in the run, because the trainer could have put one there.
    pub replay_reports: Vec<PathBuf>,
    /// More such reports, which were read already, each with the name to call it by. A
    /// program without a file system gives them so.
    pub read_reports: Vec<(PathBuf, ReplayReport)>,
    /// Who must have signed the reports. Absent: each report is the verifier's own word,
    /// and all must hold.
    pub report_signers: Option<ReportSigners>,
    /// The runs from which this one went on, as the verifier has them: its parent, and the
    /// parent's ancestors if they are to be checked as well. Genesis hashes say which is
    /// which.
    pub parents: Vec<SharedRun>,
    /// The published model from which this run went on, as the verifier has it.
    pub base_model: Option<BaseFile>,
    /// Headers of Bitcoin's chain, from a source that the verifier trusts. Without them no
    /// anchor counts that leads to Bitcoin.
    pub bitcoin_headers: Option<BitcoinHeaders>,
    /// The keys whose signatures count. Each must stand for the whole chain.
    pub signed_by: Vec<SignerKey>,
    /// Keys whose signatures never count, also if they are named elsewhere.
    pub revoked: Vec<SignerKey>,
    /// Certificates of TSAs, or of authorities above them, that the verifier trusts. Without
    /// them no timestamp of a TSA counts.
    pub trusted_tsas: TrustedCertificates,
    /// What was declared before the run, as the verifier has it.
    pub declaration: Option<GivenDeclaration>,
    /// The levels that must hold.
    pub require: BTreeSet<Level>,
    /// Accept a run that is still being written, or whose writer was killed. The
    /// levels `finished` and `artifact` are then not required.
    pub allow_unfinished: bool,
}

/// Who must have signed the replay reports.
#[derive(Clone, Debug)]
pub struct ReportSigners {
    /// The keys that count. One that is named twice counts once.
    pub trusted: Vec<SignerKey>,
    /// The signatures, each over one of the reports.
    pub signatures: Vec<Signature>,
    /// How many of the keys must have signed a report that holds.
    pub quorum: NonZeroU32,
    /// What the keys had committed to before anybody showed a report. Absent: nothing had to
    /// be committed to.
    pub commitments: Option<Commitments>,
}

impl Default for AuditOptions {
    fn default() -> Self {
        AuditOptions {
            genesis: None,
            head: None,
            replay_reports: Vec::new(),
            read_reports: Vec::new(),
            report_signers: None,
            parents: Vec::new(),
            base_model: None,
            bitcoin_headers: None,
            signed_by: Vec::new(),
            revoked: Vec::new(),
            trusted_tsas: TrustedCertificates::default(),
            declaration: None,
            require: [Level::Chain, Level::Finished, Level::Artifact].into(),
            allow_unfinished: false,
        }
    }
}

impl AuditOptions {
    /// The levels that `pow verify` requires if nobody says which: chain, finished and
    /// artifact, without the latter if the chain file was given alone, and the level of
    /// whatever else these options name.
    pub fn usual_levels(&self, chain_alone: bool) -> BTreeSet<Level> {
        let mut levels = BTreeSet::from([Level::Chain, Level::Finished]);
        if !chain_alone {
            levels.insert(Level::Artifact);
        }
        if self.has_replay_reports() {
            // Who replays wants to know whether it holds.
            levels.insert(Level::Replay);
        }
        if !self.parents.is_empty() || self.base_model.is_some() {
            levels.insert(Level::Origin);
        }
        if !self.signed_by.is_empty() {
            levels.insert(Level::Signature);
        }
        if self.declaration.is_some() {
            levels.insert(Level::Declared);
        }
        levels
    }

    /// Whether the verifier named a replay report.
    pub(crate) fn has_replay_reports(&self) -> bool {
        !self.replay_reports.is_empty() || !self.read_reports.is_empty()
    }
}
