//! Public keys on the command line.

use anyhow::anyhow;
use pow_audit::envelope::EnvelopeKey;
use pow_audit::signature::{MAX_KEY_FILE, SignerKey, read_keys};
use pow_ledger::open::read_named;
use std::path::Path;

/// A public key: the file with it, or the key itself. A file is preferred.
pub fn key(argument: &str) -> Result<SignerKey, String> {
    let path = Path::new(argument);
    if path.symlink_metadata().is_ok() {
        let text = text(path).map_err(|error| error.to_string())?;
        return text.parse().map_err(|error| format!("{argument}: {error}"));
    }
    argument
        .parse()
        .map_err(|error| format!("neither a file nor a public key: {error}"))
}

/// The keys in a file, a line each.
pub fn keys(path: &Path) -> anyhow::Result<Vec<SignerKey>> {
    read_keys(&text(path)?).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// The PEM file of a public key, as OpenSSL writes it.
pub fn pem(argument: &str) -> Result<EnvelopeKey, String> {
    let text = text(Path::new(argument)).map_err(|error| error.to_string())?;
    EnvelopeKey::from_pem(&text).map_err(|error| format!("{argument}: {error}"))
}

fn text(path: &Path) -> anyhow::Result<String> {
    let bytes = read_named(path, MAX_KEY_FILE)?;
    // A list of revoked keys in OpenSSH's own format is binary, and has an error of its own.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
