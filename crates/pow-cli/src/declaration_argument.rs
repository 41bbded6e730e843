//! A declaration on the command line.

use crate::key_argument::key;
use anyhow::{anyhow, bail};
use pow_audit::declaration::{Declaration, GivenDeclaration, MAX_DECLARATION};
use pow_audit::signature::{MAX_SIGNATURE, Signature, SignerKey};
use pow_ledger::open::read_named;
use std::path::{Path, PathBuf};

/// The file of a declaration that was made before the run.
#[derive(clap::Args)]
pub struct DeclarationFile {
    /// The declaration that `pow declare` wrote before the run
    #[arg(long, value_name = "FILE")]
    declaration: Option<PathBuf>,
    /// A signature over the declaration. Give it again for each [default: the files beside
    /// the declaration with .sig or .minisig behind its name]
    #[arg(long, value_name = "FILE", requires = "declaration")]
    declaration_signature: Vec<PathBuf>,
}

/// A declaration, and who must have signed it.
#[derive(clap::Args)]
pub struct DeclarationArguments {
    #[command(flatten)]
    file: DeclarationFile,
    /// Check the level declared: this key must have signed the declaration. Give it again for
    /// each key. A key is named as for --signed-by
    #[arg(long, value_name = "KEY", value_parser = key)]
    declared_by: Vec<SignerKey>,
}

impl DeclarationFile {
    /// Reads the declaration.
    pub fn read(&self) -> anyhow::Result<Option<Declaration>> {
        self.declaration.as_deref().map(declaration).transpose()
    }

    /// Reads the signatures over it.
    pub fn signatures(&self) -> anyhow::Result<Vec<Signature>> {
        let bytes = self.signature_bytes()?.into_iter();
        bytes.map(|(path, bytes)| parsed(&path, &bytes)).collect()
    }

    /// The bytes of the signatures over it.
    pub fn signature_bytes(&self) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut found = Vec::new();
        for path in self.signature_paths() {
            let bytes = read_named(&path, MAX_SIGNATURE as u64)?;
            found.push((path, bytes));
        }
        Ok(found)
    }

    fn signature_paths(&self) -> Vec<PathBuf> {
        if !self.declaration_signature.is_empty() {
            return self.declaration_signature.clone();
        }
        let Some(declaration) = &self.declaration else {
            return Vec::new();
        };
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

impl DeclarationArguments {
    /// The file that was named, if one was.
    pub fn file(&self) -> &DeclarationFile {
        &self.file
    }

    /// The keys that must have signed.
    pub fn declared_by(&self) -> &[SignerKey] {
        &self.declared_by
    }

    /// Whether something was asked about a declaration.
    pub fn is_given(&self) -> bool {
        self.file.declaration.is_some() || !self.declared_by.is_empty()
    }

    /// Reads the declaration and its signatures.
    pub fn read(&self) -> anyhow::Result<Option<GivenDeclaration>> {
        let Some(declaration) = self.file.read()? else {
            if !self.declared_by.is_empty() {
                bail!("--declared-by needs the declaration (--declaration)");
            }
            return Ok(None);
        };
        Ok(Some(GivenDeclaration {
            declaration,
            signatures: self.file.signatures()?,
            declared_by: self.declared_by.clone(),
        }))
    }
}

/// Reads a declaration.
fn declaration(path: &Path) -> anyhow::Result<Declaration> {
    let bytes = read_named(path, MAX_DECLARATION as u64)?;
    Declaration::parse(&bytes).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// Reads a signature.
pub fn signature(path: &Path) -> anyhow::Result<Signature> {
    let bytes = read_named(path, MAX_SIGNATURE as u64)?;
    parsed(path, &bytes)
}

fn parsed(path: &Path, bytes: &[u8]) -> anyhow::Result<Signature> {
    Signature::parse(bytes).map_err(|error| anyhow!("{}: {error}", path.display()))
}
