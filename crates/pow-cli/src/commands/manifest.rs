//! `pow manifest`: lists a model's files, for the user to sign.

use crate::new_file::NewFile;
use crate::output::{complain, print_text};
use crate::progress::passing;
use pow_audit::display::printable;
use pow_audit::oms::{ModelOptions, model_payload};
use std::io::Write;
use std::path::PathBuf;

/// Write the bytes that you sign to stand for a model: the SHA-256 of each of its files.
///
/// They are a statement in the format of OpenSSF Model Signing 1.0 (OMS). Sign them with
/// a key of ECDSA and the tool that holds it. `pow envelope` then writes the signature
/// file that `model_signing verify key` reads:
///
/// openssl dgst -sha256 -sign key.pem -out model.bytes FILE
///
/// pow envelope FILE model.bytes --key pub.pem --out model.sig
///
/// .git, .gitattributes, .github and .gitignore at the top of the model are left out. Links
/// are not followed.
///
/// Exit code 0: written. 1: the model has no files, or something that is no file. 2: a
/// file could not be read or written, or the command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The model: a file, or a directory
    model: PathBuf,
    /// Leave out this file or directory, as a path within the model. Give it again for
    /// others
    #[arg(long, value_name = "PATH")]
    ignore: Vec<String>,
    /// A file that does not exist yet, for the bytes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow manifest runs/digits/model.safetensors --out model.pae
  pow manifest downloads/some-model --ignore cache --ignore model.sig --out model.pae";

/// Writes the bytes. False if the model cannot be signed.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let options = ModelOptions {
        ignore: args.ignore.clone(),
        ..ModelOptions::default()
    };
    let bar = passing();
    let mut progress = |name: &str| bar.set_message(printable(name));
    let payload = model_payload(&args.model, &options, &mut progress);
    bar.finish_and_clear();
    let payload = match payload {
        Ok(payload) => payload,
        Err(error) if error.is_verdict() => {
            complain(&error);
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    // Only now: before, it could lie among the model's files.
    let mut file = NewFile::create(&args.out)?;
    file.write_all(&payload.to_sign())?;
    file.publish()?;
    let subjects = payload.subjects().iter();
    let names: Vec<_> = subjects.filter_map(|one| one.name.as_deref()).collect();
    print_text(&format!(
        "{}\n  {}\n",
        printable(&names.join(", ")),
        args.out.display()
    ))?;
    Ok(true)
}
