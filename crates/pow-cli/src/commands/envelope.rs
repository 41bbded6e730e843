//! `pow envelope`: joins a statement and the signature over it.

use crate::key_argument::pem;
use crate::new_file::NewFile;
use crate::output::{complain, print_text};
use pow_audit::envelope::{EnvelopeKey, Form, MAX_ENVELOPE, Payload, SignedStatement};
use pow_audit::oms::OMS;
use pow_ledger::open::read_named;
use std::io::Write;
use std::path::PathBuf;

/// Join what you signed with your signature, in a file that other tools read.
///
/// `pow export --format in-toto` and `pow manifest` write the bytes to sign. Sign them with a tool that holds
/// your key. pow never sees a private key. With OpenSSL and a key of Ed25519, or of ECDSA:
///
/// openssl pkeyutl -sign -inkey key.pem -rawin -in FILE -out SIGNATURE
///
/// openssl dgst -sha256 -sign key.pem -out SIGNATURE FILE   (-sha384 on P-384, -sha512 on
/// P-521)
///
/// The signature is checked. The result is a DSSE envelope, or with --bundle a Sigstore
/// bundle around one. The list of a model's files always gets a bundle, as OMS wants it.
///
/// Exit code 0: written. 1: the signature is not of this key over these bytes, or these
/// are not the bytes of a statement. 2: a file could not be read or written, or the
/// command line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The bytes that were signed
    signed: PathBuf,
    /// The signature, as OpenSSL writes it
    signature: PathBuf,
    /// The public key: a PEM file, as `openssl pkey -pubout` writes it
    #[arg(long, value_name = "PEM", value_parser = pem)]
    key: EnvelopeKey,
    /// Write a Sigstore bundle
    #[arg(long)]
    bundle: bool,
    /// A file that does not exist yet, for the result
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  pow envelope digits.pae digits.sig --key pub.pem --out digits.intoto.json
  pow envelope digits.pae digits.sig --key pub.pem --bundle --out digits.sigstore.json
  pow envelope model.pae model.bytes --key pub.pem --out model.sig";

/// The bytes to sign are shorter than the envelope that holds them.
const MAX_SIGNED: u64 = MAX_ENVELOPE as u64;
/// What is longer is no signature; the library says so.
const MAX_SIGNATURE_FILE: u64 = 1 << 16;

/// Writes the envelope. False if the signature is not right.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let mut file = NewFile::create(&args.out)?;
    let signed = read_named(&args.signed, MAX_SIGNED)?;
    let signature = read_named(&args.signature, MAX_SIGNATURE_FILE)?;
    let payload = match Payload::from_signed(&signed) {
        Ok(payload) => payload,
        Err(error) => {
            complain(&format!("{}: {error}", args.signed.display()));
            return Ok(false);
        }
    };
    let form = match args.bundle || payload.predicate_type() == OMS {
        true => Form::Bundle,
        false => Form::Envelope,
    };
    let text = match SignedStatement::join(&payload, &signature, &args.key, form) {
        Ok(text) => text,
        Err(error) => {
            complain(&format!("{}: {error}", args.signature.display()));
            return Ok(false);
        }
    };
    file.write_all(text.as_bytes())?;
    file.publish()?;
    print_text(&format!(
        "{}\n  by {}\n",
        payload.predicate_type(),
        args.key
    ))?;
    Ok(true)
}
