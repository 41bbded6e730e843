//! Burn's dashboard forgets at the end of a training that it was stopped or met
//! an error; the record must not.

use crate::program::*;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};
use burn::train::{Interrupter, LearnerSummary};
use burn_pow::{Action, EngineChoice, PowConfig, PowError, PowRun};
use pow_ledger::RunDir;
use tempfile::TempDir;

/// Shows nothing, and ends as Burn's dashboard does.
struct Forgetful(Interrupter);

impl MetricsRendererTraining for Forgetful {
    fn update_train(&mut self, _state: MetricState) {}

    fn update_valid(&mut self, _state: MetricState) {}

    fn on_train_end(
        &mut self,
        _summary: Option<LearnerSummary>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        self.0.reset();
        Ok(())
    }
}

impl MetricsRendererEvaluation for Forgetful {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl TrainingProgressLogger for Forgetful {
    fn start(&mut self, _: usize, _: usize, _: Option<usize>, _: Option<&str>) {}

    fn update_epoch(&mut self, _epoch: usize) {}

    fn start_split(&mut self, _split: &str, _items: usize) {}

    fn update_split(&mut self, _items: usize) {}

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl EvaluationProgressLogger for Forgetful {
    fn start_global_progress(&mut self, _tests: usize) {}

    fn start_test(&mut self, _name: &str, _items: usize) {}

    fn update_test_progress(&mut self, _items: usize) {}

    fn end_test(&mut self) {}

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRenderer for Forgetful {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, _definition: MetricDefinition) {}
}

fn launched(
    place: &TempDir,
    open: PowRun,
    train: TrainLoader,
    interrupter: Interrupter,
) -> Result<burn_pow::Trained<Net>, PowError> {
    let renderer = Box::new(Forgetful(interrupter.clone()));
    launch(place, open, train, |training| {
        training.with_interrupter(interrupter).renderer(renderer)
    })
}

fn ending(run: &RunDir) -> Option<&'static str> {
    report(run).chain.unwrap().ending
}

#[test]
fn a_dataset_that_fails_is_an_error_all_the_same() {
    let _alone = alone();
    let (place, run) = place();
    let open = PowRun::open(Action::Create, config(&run)).unwrap();
    let train: TrainLoader = failing_loader(&open, 8);
    let Err(PowError::Training(error)) = launched(&place, open, train, Interrupter::new()) else {
        panic!("nobody noticed");
    };
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert_eq!(ending(&run), Some("failed"));
}

#[test]
fn a_stopped_run_of_no_planned_length_is_not_completed() {
    let _alone = alone();
    let recorded = |stop_at: Option<u64>| {
        let (place, run) = place();
        let config = PowConfig::new(run.path())
            .engine(EngineChoice::Cpu)
            .zero_bits(4)
            .queue(1);
        let open = PowRun::open(Action::Create, config).unwrap();
        let interrupter = Interrupter::new();
        let stop = interrupter.clone();
        open.on_commit(move |step| {
            if stop_at == Some(step.step.0) {
                stop.stop(None);
            }
        });
        let train: TrainLoader = loader(&open);
        launched(&place, open, train, interrupter).unwrap();
        assert!(report(&run).holds());
        ending(&run)
    };
    assert_eq!(recorded(None), Some("completed"));
    assert_eq!(recorded(Some(1)), Some("stopped"));
}
