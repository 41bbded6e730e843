//! `pow check-envelope`: checks a signed statement, and what it is about.

use crate::hashing::hasher;
use crate::key_argument::pem;
use crate::new_file::named;
use crate::output::{complain, print_text};
use crate::progress::{bar, passing};
use crate::run_path::RunPath;
use pow_audit::display::{counted, printable};
use pow_audit::envelope::{
    EnvelopeKey, MAX_ENVELOPE, Payload, SignedStatement, TrainingError, check_training, file_sha256,
};
use pow_audit::oms::{ModelOptions, OMS, check_model};
use pow_audit::walk::WalkProgress;
use pow_ledger::open::{open_named, read_named};
use std::path::{Path, PathBuf};

/// Check a statement that somebody signed: a DSSE envelope or a Sigstore bundle.
///
/// The key must have signed it. Get the key from its owner. With --run everything in the
/// statement must be what the run says; with --model the file must be one that the
/// statement is about, or the model must have the files that were signed (OMS). Without
/// either, only the signature is checked.
///
/// Exit code 0: the signature is right, and so is what was asked for. 1: something is not.
/// 2: a file could not be read, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The envelope or bundle
    file: PathBuf,
    /// The public key of whoever should have signed it: a PEM file
    #[arg(long, value_name = "PEM", value_parser = pem)]
    key: EnvelopeKey,
    /// Compare the statement with this run: its directory
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// Compare the statement with this file, or with the files in this directory
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Leave out this file or directory of the model, as a path within it. Give it again
    /// for others
    #[arg(long, value_name = "PATH", requires = "model")]
    ignore: Vec<String>,
    /// Accept files of the model that were not signed
    #[arg(long, requires = "model")]
    ignore_unsigned: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow check-envelope digits.intoto.json --key pub.pem --run runs/digits
  pow check-envelope digits.intoto.json --key pub.pem --model model.safetensors
  pow check-envelope model.sig --key pub.pem --model downloads/some-model";

/// Prints what holds. False if something does not.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    // One byte more, so that the library says that it is too long.
    let bytes = read_named(&args.file, MAX_ENVELOPE as u64 + 1)?;
    let checked = SignedStatement::from_json(&bytes).and_then(|statement| {
        let payload = statement.signed_by(&args.key)?.clone();
        Ok((payload, statement.has_log_entries()))
    });
    let (payload, has_log) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            complain(&format!("{}: {error}", args.file.display()));
            return Ok(false);
        }
    };
    print_text(&described(&payload, &args.key))?;
    if has_log {
        print_text("not checked: its entries of a transparency log\n")?;
    }
    if args.run.is_none() && args.model.is_none() {
        print_text("not checked: what it is about (--run, --model)\n")?;
    }
    if let Some(path) = &args.run
        && !is_of_run(&payload, path)?
    {
        return Ok(false);
    }
    match &args.model {
        Some(path) if payload.predicate_type() == OMS => is_of_model(&payload, path, args),
        Some(path) => is_of_file(&payload, path),
        None => Ok(true),
    }
}

fn described(payload: &Payload, key: &EnvelopeKey) -> String {
    let mut text = format!(
        "signed     {key}\nkind       {}\n",
        printable(payload.predicate_type())
    );
    for subject in payload.subjects() {
        let name = subject.name.as_deref().unwrap_or("without a name");
        text.push_str(&format!("subject    {}\n", printable(name)));
        for (algorithm, digest) in &subject.digest {
            text.push_str(&format!("           {} {digest}\n", printable(algorithm)));
        }
    }
    text
}

fn is_of_run(payload: &Payload, path: &Path) -> anyhow::Result<bool> {
    let run = RunPath::of(path);
    let bar = bar(&run.chain());
    let mut progress = |at: WalkProgress| bar.set_position(at.bytes);
    let checked = check_training(run.source().as_ref(), payload, &hasher(), &mut progress);
    bar.finish_and_clear();
    match checked {
        Ok(()) => {
            print_text(&format!(
                "run        {}: it says the same\n",
                path.display()
            ))?;
            Ok(true)
        }
        // A run without an end is not the one of the statement.
        Err(error) if error.is_verdict() || matches!(error, TrainingError::Unfinished) => {
            complain(&format!("{}: {error}", path.display()));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn is_of_file(payload: &Payload, path: &Path) -> anyhow::Result<bool> {
    let digest = file_sha256(open_named(path)?).map_err(|error| named(path, error))?;
    if payload.is_about(digest) {
        print_text(&format!(
            "file       {}: the statement is about it\n",
            path.display()
        ))?;
        return Ok(true);
    }
    complain(&format!(
        "{}: OTHER FILE: the statement names none of this SHA-256",
        path.display()
    ));
    Ok(false)
}

fn is_of_model(payload: &Payload, path: &Path, args: &Args) -> anyhow::Result<bool> {
    let options = ModelOptions {
        ignore: args.ignore.clone(),
        signature: Some(args.file.clone()),
        allow_unsigned: args.ignore_unsigned,
    };
    let bar = passing();
    let mut progress = |name: &str| bar.set_message(printable(name));
    let report = check_model(path, payload, &options, &mut progress);
    bar.finish_and_clear();
    let report = match report {
        Ok(report) => report,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let mut text = format!(
        "model      {}: {} as signed\n",
        printable(&path.display().to_string()),
        counted(report.same, "file or piece", "files or pieces")
    );
    for (word, names) in [
        ("CHANGED", &report.changed),
        ("MISSING", &report.missing),
        ("not signed", &report.unsigned),
        ("left out by the signer", &report.ignored),
    ] {
        for name in names {
            text.push_str(&format!("           {word}: {}\n", printable(name)));
        }
    }
    print_text(&text)?;
    Ok(report.holds())
}
