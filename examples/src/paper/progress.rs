//! One bar over all experiments; where there is no terminal, a line for each
//! unit.

use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

/// How far everything is, by weight: about the seconds that things take.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    weights: BTreeMap<&'static str, u64>,
}

impl Progress {
    /// Of these experiments: names, units, and milliseconds that a unit is
    /// thought to take.
    ///
    /// # Errors
    ///
    /// If the bar's form is refused.
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
        Ok(Progress {
            bar: bar.transpose()?,
            weights: experiments
                .iter()
                .map(|(name, _, weight)| (*name, *weight))
                .collect(),
        })
    }

    pub(super) fn begins(&self, experiment: &str, at: usize, of: usize, unit: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("{experiment} {} of {of}", at + 1)),
            // Nothing is left to do where nobody reads it.
            None => {
                let _ = writeln!(std::io::stderr(), "{experiment} {} of {of}: {unit}", at + 1);
            }
        }
    }

    pub(super) fn ended(&self, experiment: &str) {
        if let Some(bar) = &self.bar {
            bar.inc(self.weights.get(experiment).copied().unwrap_or(0));
        }
    }

    pub(super) fn skipped(&self, experiment: &str) {
        if let Some(bar) = &self.bar {
            // Was there already: no part of the speed that the rest is guessed by.
            let weight = self.weights.get(experiment).copied().unwrap_or(0);
            bar.set_length(bar.length().unwrap_or(0).saturating_sub(weight));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
