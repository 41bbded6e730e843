//! `pow receipt`: writes a receipt of a run.

use crate::declaration_argument::DeclarationFile;
use crate::new_file::NewFile;
use crate::output::{complain, print_text};
use crate::progress::bar;
use crate::run_path::RunPath;
use pow_audit::display::printable;
use pow_audit::receipt::{MAX_RECEIPT_REPORT, ReceiptExtras, SignedText, make_receipt_with};
use pow_audit::signature::MAX_SIGNATURE;
use pow_audit::walk::WalkProgress;
use pow_ledger::open::read_named;
use std::io::Write;
use std::path::PathBuf;

/// Write one small file that shows, without the run, what its first and its last block say,
/// that they are of one chain, and when it was there.
///
/// It has genesis, the head, the proof that one extends the other, and the anchors and
/// signatures of the run. Give it the declaration and the replay reports, which do not lie in
/// the run, with their signatures. The chain is verified first. `pow check-receipt` checks it.
///
/// Exit code 0: written. 1: the chain does not hold, or something given does not belong to it.
/// 2: something could not be read, or FILE exists.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run directory, or its chain file
    run: PathBuf,
    /// A file that does not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    declared: DeclarationFile,
    /// A replay report of this chain. Give it again for each
    #[arg(long, value_name = "FILE")]
    replay_report: Vec<PathBuf>,
    /// A signature over the statement of one of the replay reports. Give it again for each
    #[arg(long, value_name = "FILE", requires = "replay_report")]
    report_signature: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  pow receipt runs/digits --out digits.receipt
  pow receipt runs/digits --out digits.receipt --declaration plan.txt \\
      --replay-report replay.json --report-signature replay.txt.sig
  pow check-receipt digits.receipt --head 0031…";

/// Writes the receipt. False if the chain does not hold, or something does not belong to it.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut file = NewFile::create(&args.out)?;
    let run = RunPath::of(&args.run);
    let extras = extras(args)?;
    let bar = bar(&run.chain());
    let mut progress = |at: WalkProgress| bar.set_position(at.bytes);
    let made = make_receipt_with(run.source().as_ref(), &extras, &mut progress);
    bar.finish_and_clear();
    let made = match made {
        Ok(made) => made,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let bytes = made.receipt.to_bytes();
    file.write_all(&bytes)?;
    file.publish()?;
    let mut text = format!("{}: {} bytes\n", args.out.display(), bytes.len());
    for line in &made.left_out {
        text.push_str(&format!("not in it: {}\n", printable(line)));
    }
    print_text(&text)?;
    Ok(true)
}

/// What lies outside of the run.
fn extras(args: &Args) -> anyhow::Result<ReceiptExtras> {
    let declaration = match args.declared.read()? {
        Some(declaration) => Some(SignedText {
            text: declaration.text().into(),
            signatures: args
                .declared
                .signature_bytes()?
                .into_iter()
                .map(|(_, bytes)| bytes)
                .collect(),
        }),
        None => None,
    };
    let mut reports = Vec::new();
    for path in &args.replay_report {
        reports.push(SignedText {
            text: read_named(path, MAX_RECEIPT_REPORT as u64)?,
            signatures: Vec::new(),
        });
    }
    if let Some(first) = reports.first_mut() {
        for path in &args.report_signature {
            first
                .signatures
                .push(read_named(path, MAX_SIGNATURE as u64)?);
        }
    }
    Ok(ReceiptExtras {
        declaration,
        reports,
    })
}
