//! Tampering with a run and asking the verifiers.

use super::damage::tamper;
use super::judge::judge;
use super::kind::TamperKind;
use super::plan::{TamperPlan, TamperRow};
use super::tampered_run::TamperedRun;

/// Makes all trials of a kind and has each one verified. Afterwards the run is as
/// it was before.
///
/// # Errors
///
/// If the run's files cannot be read or written, or a block cannot be mined.
pub fn measure(
    plan: &TamperPlan,
    run: &mut TamperedRun,
    kind: TamperKind,
) -> anyhow::Result<Vec<TamperRow>> {
    let mut rows = Vec::new();
    let mut replayed = 0;
    for trial in 0..plan.trials {
        let tampering = tamper(run, kind, trial)?;
        let undo = run.change(&tampering.files)?;
        let caught = judge(run)?;
        let replay = (caught.unpinned.is_none() && replayed < plan.replays).then(|| {
            replayed += 1;
            run.training().differs(run.dir())
        });
        let replay = replay.transpose();
        run.apply(&undo)?;
        rows.push(TamperRow {
            kind,
            trial,
            detail: tampering.detail,
            unpinned: caught.unpinned,
            genesis_pinned: caught.genesis_pinned,
            head_pinned: caught.head_pinned,
            replay: replay?,
            verify_ms: caught.millis,
        });
    }
    Ok(rows)
}
