//! Training progress as plain lines, for logs and pipes.

use burn::train::LearnerSummary;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::{MetricDefinition, MetricId};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};
use std::collections::HashMap;
use std::fmt::Display;
use std::io::Write;

/// Prints a line on standard error after each epoch's training and after its
/// validation, with the newest value of every metric.
///
/// If the output is not a terminal, Burn's own renderer prints a line for every batch.
/// Use this renderer there, and Burn's dashboard in a terminal:
///
/// ```no_run
/// # use burn::train::{LearnerModel, SupervisedTraining};
/// # fn f<M: LearnerModel>(mut training: SupervisedTraining<M>) -> SupervisedTraining<M> {
/// use std::io::IsTerminal;
/// if !std::io::stdout().is_terminal() {
///     training = training.renderer(Box::new(burn_pow::PlainRenderer::default()));
/// }
/// # training
/// # }
/// ```
#[derive(Default)]
pub struct PlainRenderer {
    names: HashMap<MetricId, String>,
    epochs: usize,
    epoch: usize,
    split: String,
    /// The newest values, in the order in which the metrics first had one.
    values: Vec<(MetricId, String)>,
}

impl PlainRenderer {
    fn update(&mut self, state: MetricState) {
        let (MetricState::Generic(entry) | MetricState::Numeric(entry, _)) = state;
        let formatted = &entry.serialized_entry.formatted;
        // Burn formats most metrics as "epoch 0.12 - batch 0.34".
        let value = formatted
            .strip_prefix("epoch ")
            .and_then(|rest| rest.split(" - batch").next())
            .unwrap_or(formatted)
            .to_owned();
        match self
            .values
            .iter_mut()
            .find(|(id, _)| *id == entry.metric_id)
        {
            Some((_, newest)) => *newest = value,
            None => self.values.push((entry.metric_id, value)),
        }
    }

    fn line(&self) -> String {
        let values: Vec<String> = self
            .values
            .iter()
            .map(|(id, value)| {
                let name = self.names.get(id).map_or("?", String::as_str);
                format!("{} {value}", name.to_lowercase())
            })
            .collect();
        format!(
            "epoch {}/{} {}: {}",
            self.epoch,
            self.epochs,
            self.split,
            values.join(", ")
        )
    }
}

/// Prints a line. A closed stderr must not end the training.
fn print(line: &impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl MetricsRendererTraining for PlainRenderer {
    fn update_train(&mut self, state: MetricState) {
        self.update(state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.update(state);
    }

    fn on_train_end(
        &mut self,
        summary: Option<LearnerSummary>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        if let Some(summary) = summary {
            print(&summary);
        }
        Ok(())
    }
}

impl TrainingProgressLogger for PlainRenderer {
    fn start(
        &mut self,
        total_epochs: usize,
        starting_epoch: usize,
        _total_items: Option<usize>,
        _label: Option<&str>,
    ) {
        self.epochs = total_epochs;
        self.epoch = starting_epoch.max(1);
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.epoch = epoch + 1;
    }

    fn start_split(&mut self, split: &str, _total_items: usize) {
        self.split = split.to_owned();
        self.values.clear();
    }

    fn update_split(&mut self, _items_processed: usize) {}

    fn end_split(&mut self) {
        print(&self.line());
    }

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl EvaluationProgressLogger for PlainRenderer {
    fn start_global_progress(&mut self, _total_tests: usize) {}

    fn start_test(&mut self, name: &str, _total_items: usize) {
        self.split = name.to_owned();
        self.values.clear();
    }

    fn update_test_progress(&mut self, _items_processed: usize) {}

    fn end_test(&mut self) {
        print(&self.line());
    }

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRendererEvaluation for PlainRenderer {
    fn update_test(&mut self, _name: EvaluationName, state: MetricState) {
        self.update(state);
    }

    fn on_test_end(
        &mut self,
        summary: Option<LearnerSummary>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        if let Some(summary) = summary {
            print(&summary);
        }
        Ok(())
    }
}

impl MetricsRenderer for PlainRenderer {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.names
            .insert(definition.metric_id, definition.name.to_string());
    }
}
