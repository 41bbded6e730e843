//! The report as text.

use crate::display::printable;
use crate::report::{LevelReport, Report, Verdict};
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.run, self.headline)?;
        if let Some(chain) = &self.chain {
            writeln!(f, "  run      {}", printable(&chain.name))?;
            writeln!(f, "  genesis  {}", chain.genesis)?;
            writeln!(f, "  head     {} (block {})", chain.head, chain.height)?;
        }
        writeln!(f)?;
        for level in &self.levels {
            write_level(f, level)?;
        }
        writeln!(f, "NOT SHOWN")?;
        for line in &self.not_shown {
            writeln!(f, "  - {}", printable(line))?;
        }
        Ok(())
    }
}

fn write_level(f: &mut fmt::Formatter<'_>, report: &LevelReport) -> fmt::Result {
    let verdict = match report.verdict {
        Verdict::Holds => "holds",
        Verdict::Partly => "holds in part",
        Verdict::Fails => "FAILS",
        Verdict::NotComparable => "not comparable",
        Verdict::NotChecked => "not checked",
    };
    let required = if report.required { "*" } else { " " };
    let name = report.level.name().to_uppercase();
    for (i, line) in report.lines.iter().enumerate() {
        let line = printable(line);
        if i == 0 {
            writeln!(f, "{required}{name:<10} {verdict:<14} {line}")?;
        } else {
            writeln!(f, "{:26} {line}", "")?;
        }
    }
    Ok(())
}
