//! What is particular to engines on a GPU: two forms of one kernel, and devices
//! that fail.

use super::{all, cpu};
use crate::caller::Caller;
use pow_core::search::{Engine, EngineError, Job};
use pow_gpu::{AdapterChoice, GpuEngine, GpuError, GpuSettings, KernelForm, TracedStatus};
use pow_tests::oracle;
use std::thread;
use std::time::Duration;

tests! {
    a_name_of_nothing_is_an_error_that_lists_the_adapters;
    Gpu: sweep_of_2_16_nonces, sweep_of_2_24_nonces, the_traced_form_takes_over,
        dropped_while_it_compiles, a_lost_device_is_replaced, one_lost_between_searches_is_replaced,
        a_device_can_be_handed_in, a_lost_device_that_was_handed_in_is_reported
}

/// The adapter that tests use: the one that the environment names, else any.
pub fn adapter() -> AdapterChoice {
    match AdapterChoice::from_env() {
        AdapterChoice::Real => AdapterChoice::AllowSoftware,
        other => other,
    }
}

/// An engine with that form of the kernel.
pub fn open(form: KernelForm) -> GpuEngine {
    let settings = GpuSettings {
        form,
        ..GpuSettings::default()
    };
    GpuEngine::open(&adapter(), settings).unwrap()
}

fn job(one_in: u32, start: u32, len: u64) -> Job {
    super::job(11, oracle::target(one_in), start, len)
}

/// Both forms of the kernel find exactly what the CPU finds.
fn sweep(job: &Job) {
    let expected = all(cpu("portable", 2).as_mut(), job).unwrap();
    for form in [KernelForm::Loop, KernelForm::Traced] {
        let found = all(&mut open(form), job).unwrap();
        assert_eq!(found.scanned, job.range().len());
        assert_eq!(found.hits.len(), expected.hits.len(), "{form:?}");
        assert!(found.hits == expected.hits, "{form:?}");
    }
}

/// Every other nonce is a hit.
fn sweep_of_2_16_nonces() {
    sweep(&job(2, u32::MAX - (1 << 15), 1 << 16));
}

/// One nonce in 4096 is a hit.
fn sweep_of_2_24_nonces() {
    sweep(&job(4096, u32::MAX - (1 << 23), 1 << 24));
}

fn the_traced_form_takes_over() {
    let mut engine = open(KernelForm::Best);
    let job = job(1000, 5, 1 << 16);
    let expected = all(cpu("portable", 1).as_mut(), &job).unwrap().hits;
    while *engine.traced() == TracedStatus::Compiling {
        assert!(all(&mut engine, &job).unwrap().hits == expected);
    }
    assert_eq!(*engine.traced(), TracedStatus::InUse);
    assert!(!engine.name().contains("loop form"), "{}", engine.name());
    assert!(all(&mut engine, &job).unwrap().hits == expected);
    // Also in the middle of a search.
    let mut engine = open(KernelForm::Best);
    let job = super::job(11, oracle::target(1000), 5, 1 << 20);
    let expected = all(cpu("portable", 1).as_mut(), &job).unwrap();
    while *engine.traced() == TracedStatus::Compiling {
        assert!(all(&mut engine, &job).unwrap().hits == expected.hits);
    }
}

/// Neither hangs nor crashes, at whatever point of the compilation it is.
fn dropped_while_it_compiles() {
    for millis in [0, 1, 10, 30, 100, 300] {
        let engine = open(KernelForm::Best);
        thread::sleep(Duration::from_millis(millis));
        drop(engine);
    }
}

/// Searches again and again while another thread destroys the engine's device,
/// until the engine has opened another or fails.
fn search_while_it_is_destroyed(engine: &mut GpuEngine, job: &Job) -> Result<(), EngineError> {
    let expected = all(cpu("portable", 2).as_mut(), job).unwrap();
    let before = engine.reopened();
    let device = engine.device().clone();
    let destroyer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        device.destroy();
    });
    let mut result = Ok(());
    while result.is_ok() && engine.reopened() == before {
        result = all(engine, job).map(|found| {
            assert_eq!(found.scanned, job.range().len());
            assert!(found.hits == expected.hits);
        });
    }
    destroyer.join().unwrap();
    result
}

fn a_lost_device_is_replaced() {
    for form in [KernelForm::Loop, KernelForm::Traced] {
        let mut engine = open(form);
        for _ in 0..2 {
            search_while_it_is_destroyed(&mut engine, &job(4096, 77, 1 << 20)).unwrap();
        }
    }
}

fn one_lost_between_searches_is_replaced() {
    let mut engine = open(KernelForm::Loop);
    let job = job(100, 3, 20_000);
    let before = all(&mut engine, &job).unwrap();
    for lost in 1..=2 {
        engine.device().destroy();
        assert_eq!(all(&mut engine, &job).unwrap().hits, before.hits);
        assert_eq!(engine.reopened(), lost);
    }
}

/// An engine on a device of a caller.
fn handed_in(caller: &Caller, form: KernelForm) -> Result<GpuEngine, GpuError> {
    let settings = GpuSettings {
        form,
        ..GpuSettings::default()
    };
    GpuEngine::with_device(caller.device.clone(), caller.queue.clone(), settings)
}

fn a_device_can_be_handed_in() {
    let caller = Caller::new();
    let job = job(100, 3, 20_000);
    let expected = all(cpu("portable", 1).as_mut(), &job).unwrap();
    for form in [KernelForm::Loop, KernelForm::Traced, KernelForm::Best] {
        let mut engine = handed_in(&caller, form).unwrap();
        assert!(all(&mut engine, &job).unwrap().hits == expected.hits);
    }
    assert_eq!(caller.errors(), 0);
    caller.fail();
    assert_eq!(caller.errors(), 1);
}

fn a_lost_device_that_was_handed_in_is_reported() {
    let caller = Caller::new();
    let mut engine = handed_in(&caller, KernelForm::Loop).unwrap();
    let error = search_while_it_is_destroyed(&mut engine, &job(4096, 77, 1 << 20)).unwrap_err();
    assert!(matches!(error, EngineError::Device { .. }), "{error}");
    assert!(error.to_string().contains("given by the caller"), "{error}");
    // It stays failed, and a lost device is not accepted at all.
    assert_eq!(all(&mut engine, &job(4096, 77, 100)), Err(error));
    let opened = handed_in(&caller, KernelForm::Loop);
    assert!(matches!(opened, Err(GpuError::Open { .. })));
    assert_eq!(caller.errors(), 0);
}

fn a_name_of_nothing_is_an_error_that_lists_the_adapters() {
    let nobody = AdapterChoice::Named("no such adapter".into());
    let opened = GpuEngine::open(&nobody, GpuSettings::default());
    let error = opened.unwrap_err().to_string();
    let words = "asked for an adapter named \"no such adapter\"";
    assert!(error.contains(words), "{error}");
    let adapters = pow_gpu::list_adapters();
    for adapter in &adapters {
        let other = format!("{adapter} (another name)");
        assert!(error.contains(&other), "{error}");
    }
    let none = error.contains("found no adapter");
    assert_eq!(none, adapters.is_empty(), "{error}");
}
