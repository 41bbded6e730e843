//! A place in the source that has mutants, and the text that switches them.

use crate::record::Mutant;
use std::ops::Range;

/// A piece of text instead of a range of the source. `@0` in it is whether the first mutant of the
/// site is on, `@1` the second, and so on.
#[derive(Debug)]
pub struct Edit {
    range: Range<usize>,
    text: String,
    closes: bool,
}

impl Edit {
    /// Text before what stands at `at`.
    pub fn open(at: usize, text: impl Into<String>) -> Self {
        Edit {
            range: at..at,
            text: text.into(),
            closes: false,
        }
    }

    /// Text behind what ends at `at`.
    pub fn close(at: usize, text: impl Into<String>) -> Self {
        Edit {
            range: at..at,
            text: text.into(),
            closes: true,
        }
    }

    /// Text for a range.
    pub fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Edit {
            range,
            text: text.into(),
            closes: false,
        }
    }
}

/// Mutants that share one piece of rewritten code.
#[derive(Debug)]
pub struct Site {
    /// The mutants. Without an id, a mutant is not built.
    pub mutants: Vec<Mutant>,
    /// How the source changes.
    pub edits: Vec<Edit>,
}

/// The source with all sites rewritten. `switch` is the path of the function that tells whether a
/// mutant is on.
///
/// Each site begins with a comment `/*17*/`, and each switch is `on(17)`, so that an error of the
/// compiler can be traced to a mutant.
pub fn rewrite(source: &str, sites: &[Site], switch: &str) -> String {
    let mut edits = Vec::new();
    for (order, site) in sites.iter().enumerate() {
        if site.mutants.iter().all(|mutant| mutant.id == 0) {
            continue;
        }
        for (number, edit) in site.edits.iter().enumerate() {
            let mut text = edit.text.clone();
            for (i, mutant) in site.mutants.iter().enumerate() {
                let on = match mutant.id {
                    0 => "false".into(),
                    id => format!("{switch}({id})"),
                };
                text = text.replace(&format!("@{i}"), &on);
            }
            if number == 0 {
                let first = site
                    .mutants
                    .iter()
                    .map(|mutant| mutant.id)
                    .max()
                    .unwrap_or_default();
                text.insert_str(0, &format!("/*{first}*/"));
            }
            edits.push((edit, order, text));
        }
    }
    // Sites come from the outside to the inside. At one place, the inner one closes first and opens
    // last.
    edits.sort_by_key(|(edit, order, _)| {
        let order = *order as isize;
        (
            edit.range.start,
            !edit.closes,
            if edit.closes { -order } else { order },
        )
    });
    let (mut out, mut at) = (String::new(), 0);
    for (edit, _, text) in edits {
        out.push_str(&source[at..edit.range.start]);
        out.push_str(&text);
        at = edit.range.end;
    }
    out.push_str(&source[at..]);
    out
}

/// The mutant that an error at byte `at` of a rewritten file belongs to: the nearest one before it.
pub fn mutant_at(rewritten: &str, at: usize) -> Option<u32> {
    let before = &rewritten[..at];
    let comment = before.rfind("/*").map(|i| (i, number(&before[i + 2..])));
    let on = before.rfind("::on(").map(|i| (i, number(&before[i + 5..])));
    comment.max(on).and_then(|(_, id)| id)
}

fn number(text: &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::scan;

    const SOURCE: &str = "
impl Range {
    fn has(&self, at: u64) -> bool {
        if let Some(end) = self.end && at >= end {
            return false;
        }
        self.check()?;
        self.start <= at && !self.is_empty(at + 1)
    }
}

const LEN: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    fn not_changed(a: u64) -> u64 { a + 1 }
}
";

    #[test]
    fn the_mutants_of_a_function() {
        let (mut sites, skipped) = scan("a.rs", SOURCE).unwrap();
        assert_eq!(skipped, 1);
        let mutants = sites.iter_mut().flat_map(|site| &mut site.mutants);
        let found: Vec<String> = (1..)
            .zip(mutants)
            .map(|(id, mutant)| {
                mutant.id = id;
                assert_eq!(mutant.function, "Range::has");
                format!("{} => {}", mutant.operator, mutant.mutated)
            })
            .collect();
        let expected = [
            "replace body => true",
            "replace body => false",
            "delete check => false",
            "replace >= => >",
            "replace >= => <",
            "delete statement => ",
            "replace && => ||",
            "replace <= => <",
            "replace <= => >",
            "delete ! => self.is_empty(at + 1)",
            "replace + => -",
        ];
        assert_eq!(found, expected);

        let rewritten = rewrite(SOURCE, &sites, "mutant::on");
        syn::parse_file(&rewritten).unwrap();
        for id in 1..=11 {
            let at = rewritten.find(&format!("mutant::on({id})")).unwrap();
            assert_eq!(mutant_at(&rewritten, at + 15), Some(id));
        }
        for mutant in sites.iter_mut().flat_map(|site| &mut site.mutants) {
            mutant.id = 0;
        }
        assert_eq!(rewrite(SOURCE, &sites, "mutant::on"), SOURCE);
    }
}
