//! What goes into a receipt from outside of the run.

use super::MakeReceiptError;
use crate::receipt::format::SectionKind;
use crate::receipt::signed::{self, SignedText};
use crate::replay::{ReplayReport, ReplayedChain};
use crate::signature::{Signature, Statement};
use pow_core::chain::VerifiedChain;

/// What goes into a receipt from outside of the run.
#[derive(Clone, Debug, Default)]
pub struct ReceiptExtras {
    /// The declaration that genesis names, and signatures over it.
    pub declaration: Option<SignedText>,
    /// Replay reports of this chain, and signatures over them. It does not matter beside
    /// which report a signature stands.
    pub reports: Vec<SignedText>,
}

impl ReceiptExtras {
    /// The sections, if everything belongs to this chain.
    pub(super) fn sections(
        &self,
        chain: &VerifiedChain,
    ) -> Result<Vec<(SectionKind, Vec<u8>)>, MakeReceiptError> {
        let mut sections = Vec::new();
        if let Some(given) = &self.declaration {
            let bytes = given.to_bytes();
            belongs(&bytes, chain).map_err(|why| foreign("the declaration", why))?;
            sections.push((SectionKind::Declaration, bytes));
        }
        let (mut statements, mut signatures) = (Vec::new(), Vec::new());
        for (index, given) in self.reports.iter().enumerate() {
            let bytes = given.to_report_bytes();
            let read = report(&bytes, chain);
            let name = || format!("replay report {}", index + 1);
            let (statement, of_report) = read.map_err(|why| foreign(&name(), why))?;
            statements.push(statement);
            signatures.extend(of_report);
            sections.push((SectionKind::ReplayReport, bytes));
        }
        for signature in signatures {
            // One of minisign does not carry its key, so it cannot be checked here.
            let Some(key) = signature.key() else { continue };
            if statements
                .iter()
                .all(|over| signature.check(&key, over).is_err())
            {
                let why = "it is over none of the replay reports".into();
                return Err(foreign(&format!("the signature by {key}"), why));
            }
        }
        Ok(sections)
    }
}

fn foreign(what: &str, why: String) -> MakeReceiptError {
    MakeReceiptError::Foreign(format!("{what}: {why}"))
}

fn belongs(section: &[u8], chain: &VerifiedChain) -> Result<(), String> {
    let (declaration, signatures) = signed::declaration(section)?;
    let digest = declaration.digest();
    match chain.genesis().declaration() {
        Ok(Some(named)) if named == digest => {}
        Ok(Some(named)) => return Err(format!("it is {digest}, and genesis names {named}")),
        Ok(None) => return Err("genesis names none".into()),
        Err(why) => return Err(format!("the extension of genesis is unusable: {why}")),
    }
    for signature in signatures {
        let Some(key) = signature.key() else { continue };
        let checked = signature.check_declaration(&key, &declaration);
        checked.map_err(|error| format!("the signature by {key}: {error}"))?;
    }
    Ok(())
}

fn report(section: &[u8], chain: &VerifiedChain) -> Result<(Statement, Vec<Signature>), String> {
    let (report, signatures): (ReplayReport, _) = signed::report(section)?;
    let here = ReplayedChain {
        genesis: chain.genesis_hash(),
        head: chain.head_hash(),
        height: chain.height(),
        finished: chain.end().is_some(),
    };
    if *report.chain() != here {
        return Err(format!(
            "it is about a chain that ends with block {} ({}), and this one ends with block {} ({})",
            report.chain().height,
            report.chain().head,
            here.height,
            here.head
        ));
    }
    let statement = Statement::of_report(&report).map_err(|error| error.to_string())?;
    Ok((statement, signatures))
}
