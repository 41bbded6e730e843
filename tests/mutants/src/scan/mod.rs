//! Finds the mutants of a source file.

mod binary;
mod walk;

use crate::operators::values;
use crate::record::Mutant;
use crate::site::{Edit, Site};
use anyhow::{Context, Result};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Block, Item, Signature};
use walk::is_test;

/// The sites of a file, from the outside to the inside, and how many mutants are in code that the
/// compiler evaluates.
pub fn scan(file: &str, source: &str) -> Result<(Vec<Site>, usize)> {
    let syntax = syn::parse_file(source).with_context(|| file.to_owned())?;
    let mut scan = Scan {
        file,
        source,
        sites: Vec::new(),
        skipped: 0,
        constants: 0,
        owner: Vec::new(),
        functions: Vec::new(),
    };
    scan.visit_file(&syntax);
    Ok((scan.sites, scan.skipped))
}

/// The modules of a file that are tests, and have files of their own.
pub fn test_modules(source: &str) -> Result<Vec<String>> {
    let modules = syn::parse_file(source)?.items.into_iter();
    let modules = modules.filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() => Some(module),
        _ => None,
    });
    let tests = modules.filter(|module| is_test(&module.attrs));
    Ok(tests.map(|module| module.ident.to_string()).collect())
}

struct Scan<'a> {
    file: &'a str,
    source: &'a str,
    sites: Vec<Site>,
    skipped: usize,
    /// Depth of code that the compiler evaluates.
    constants: usize,
    /// Types and traits around.
    owner: Vec<String>,
    functions: Vec<String>,
}

fn bytes(spanned: &impl Spanned) -> Range<usize> {
    spanned.span().byte_range()
}

impl Scan<'_> {
    fn text(&self, range: Range<usize>) -> String {
        self.source[range]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn add(
        &mut self,
        operator: &str,
        original: &impl Spanned,
        mutated: Vec<String>,
        edits: Vec<Edit>,
    ) {
        if self.constants > 0 {
            self.skipped += mutated.len();
            return;
        }
        let name = self.functions.last().map_or("", String::as_str);
        let owner = self.owner.last().map(|owner| format!("{owner}::"));
        let mutants = mutated.into_iter().map(|mutated| Mutant {
            id: 0,
            file: self.file.into(),
            line: original.span().start().line,
            function: format!("{}{name}", owner.as_deref().unwrap_or_default()),
            operator: operator.into(),
            original: self.text(bytes(original)),
            mutated,
        });
        let mutants = mutants.collect();
        self.sites.push(Site { mutants, edits });
    }

    fn function(&mut self, signature: &Signature, block: &Block, visit: impl FnOnce(&mut Self)) {
        self.functions.push(signature.ident.to_string());
        let constant = usize::from(signature.constness.is_some());
        self.constants += constant;
        let body = self.text(bytes(block));
        let mut values = values(&signature.output);
        let is_same = |value: &str| match value {
            "()" => body == "{}",
            "Default::default()" => ["{ Vec::new() }", "{ String::new() }"].contains(&&*body),
            value => body == format!("{{ {value} }}"),
        };
        values.retain(|value| !is_same(value));
        if !values.is_empty() {
            let start = bytes(&block.brace_token.span.open()).end;
            let returns = values.iter().enumerate();
            let returns = returns.map(|(i, value)| format!(" if @{i} {{ return {value}; }}"));
            let edit = Edit::open(start, returns.collect::<String>());
            self.add("replace body", signature, values, vec![edit]);
        }
        visit(self);
        self.constants -= constant;
        self.functions.pop();
    }

    fn constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.constants += 1;
        visit(self);
        self.constants -= 1;
    }

    fn within(&mut self, owner: String, visit: impl FnOnce(&mut Self)) {
        self.owner.push(owner);
        visit(self);
        self.owner.pop();
    }
}
