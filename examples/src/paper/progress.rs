//! One progress bar over all experiments. Without a terminal, a line for each unit.

use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

/// The progress over all experiments. Each unit counts with its weight, which is
/// about the milliseconds that it takes.
#[derive(Debug)]
pub struct PaperProgress {
    bar: Option<ProgressBar>,
    weights: BTreeMap<&'static str, u64>,
}

impl PaperProgress {
    /// The progress of these experiments. Each has a name, a number of units, and
    /// the expected milliseconds for a unit.
    ///
    /// # Errors
    ///
    /// If the bar's template is invalid.
    pub fn new(experiments: &[(&'static str, usize, u64)]) -> anyhow::Result<Self> {
        let total = experiments
            .iter()
            .map(|(_, units, weight)| *units as u64 * weight)
            .sum();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta} left  {msg}")?;
            let bar = ProgressBar::new(total).with_style(style);
            bar.enable_steady_tick(std::time::Duration::from_millis(500));
            anyhow::Ok(bar)
        });
        Ok(PaperProgress {
            bar: bar.transpose()?,
            weights: experiments
                .iter()
                .map(|(name, _, weight)| (*name, *weight))
                .collect(),
        })
    }

    /// A unit starts.
    pub(super) fn begins(&self, experiment: &str, at: usize, of: usize, unit: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("{experiment} {} of {of}", at + 1)),
            // If standard error is closed, nobody reads the line.
            None => {
                let _ = writeln!(std::io::stderr(), "{experiment} {} of {of}: {unit}", at + 1);
            }
        }
    }

    /// A unit ended.
    pub(super) fn ended(&self, experiment: &str) {
        if let Some(bar) = &self.bar {
            bar.inc(self.weights.get(experiment).copied().unwrap_or(0));
        }
    }

    /// A unit was measured in an earlier run.
    pub(super) fn skipped(&self, experiment: &str) {
        if let Some(bar) = &self.bar {
            // It takes no time now, so it must not count for the time left.
            let weight = self.weights.get(experiment).copied().unwrap_or(0);
            bar.set_length(bar.length().unwrap_or(0).saturating_sub(weight));
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
