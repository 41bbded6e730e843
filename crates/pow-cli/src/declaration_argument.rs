//! A declaration on the command line.

use crate::key_argument::key;
use anyhow::anyhow;
use pow_audit::declaration::{Declaration, GivenDeclaration, MAX_DECLARATION};
use pow_audit::signature::{MAX_SIGNATURE, Signature, SignerKey};
use pow_ledger::open::read_named;
use std::path::{Path, PathBuf};

/// The declaration that was made before the run, and who must have signed it.
#[derive(clap::Args)]
pub struct DeclarationArguments {
    /// Check the level declared with this declaration, which `pow declare` wrote before the
    /// run
    #[arg(long, value_name = "FILE")]
    declaration: Option<PathBuf>,
    /// This key must have signed the declaration. Give it again for each key. A key is named
    /// as for --signed-by
    #[arg(long, value_name = "KEY", value_parser = key, requires = "declaration")]
    declared_by: Vec<SignerKey>,
    /// A signature over the declaration. Give it again for each [default: the files beside
    /// the declaration with .sig or .minisig behind its name]
    #[arg(long, value_name = "FILE", requires = "declaration")]
    declaration_signature: Vec<PathBuf>,
}

impl DeclarationArguments {
    /// Reads the declaration and its signatures.
    pub fn read(&self) -> anyhow::Result<Option<GivenDeclaration>> {
        let Some(path) = &self.declaration else {
            return Ok(None);
        };
        let mut signatures = Vec::new();
        for path in self.signature_paths(path) {
            signatures.push(signature(&path)?);
        }
        Ok(Some(GivenDeclaration {
            declaration: declaration(path)?,
            signatures,
            declared_by: self.declared_by.clone(),
        }))
    }

    /// Whether a declaration was named.
    pub fn is_given(&self) -> bool {
        self.declaration.is_some()
    }

    fn signature_paths(&self, declaration: &Path) -> Vec<PathBuf> {
        if !self.declaration_signature.is_empty() {
            return self.declaration_signature.clone();
        }
        let beside = ["sig", "minisig"].into_iter().map(|extension| {
            let mut path = declaration.as_os_str().to_owned();
            path.push(".");
            path.push(extension);
            PathBuf::from(path)
        });
        beside
            .filter(|path| path.symlink_metadata().is_ok())
            .collect()
    }
}

/// Reads a declaration.
pub fn declaration(path: &Path) -> anyhow::Result<Declaration> {
    let bytes = read_named(path, MAX_DECLARATION as u64)?;
    Declaration::parse(&bytes).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// Reads a signature.
pub fn signature(path: &Path) -> anyhow::Result<Signature> {
    let bytes = read_named(path, MAX_SIGNATURE as u64)?;
    Signature::parse(&bytes).map_err(|error| anyhow!("{}: {error}", path.display()))
}
