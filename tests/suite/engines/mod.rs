//! The search contract of `pow_core::search`, kept by every engine.

mod bitcoin;
mod cancel;
mod coordinator;
mod faults;
mod gpu;
mod liars;
mod miner;
mod ranges;
mod statistics;

pub use gpu::adapter as gpu_adapter;

use crate::requirements::{Requirement, Test};
use pow_core::header::{Header, Nonce};
use pow_core::search::{
    CancelToken, Engine, EngineError, Found, HitLimit, Job, NonceRange, Reference,
};
use pow_core::target::Target;
use pow_cpu::{CpuEngine, Kernel, Priority, Threads};
use pow_gpu::KernelForm;
use pow_mine::Coordinator;
use pow_tests::oracle;
use std::num::NonZeroUsize;

/// A test over any engine.
type Case = (&'static str, fn(&mut dyn Engine));

/// An engine: its name, what it needs, how it is opened.
type Candidate = (&'static str, Option<Requirement>, fn() -> Box<dyn Engine>);

/// One thread with a kernel that not every CPU has.
macro_rules! kernel {
    ($name:literal) => {
        (
            concat!("cpu_", $name),
            Some(Requirement::Kernel($name)),
            || cpu($name, 1),
        )
    };
}

const ENGINES: [Candidate; 13] = [
    ("reference", None, || Box::new(Reference)),
    ("cpu", None, || Box::new(CpuEngine::default())),
    // More threads than any batch count of the short ranges, and than cores.
    ("cpu_37_threads", None, || cpu("portable", 37)),
    ("cpu_low_priority", None, || {
        let kernel = Kernel::fastest();
        Box::new(CpuEngine::new(kernel, Threads::all(), Priority::Low))
    }),
    kernel!("sha-ni-x3"),
    kernel!("sha-ni-x2"),
    kernel!("avx512"),
    kernel!("avx2"),
    ("cpu_portable", None, || cpu("portable", 1)),
    ("gpu_loop", Some(Requirement::Gpu), || {
        Box::new(gpu::open(KernelForm::Loop))
    }),
    ("gpu_traced", Some(Requirement::Gpu), || {
        Box::new(gpu::open(KernelForm::Traced))
    }),
    ("coordinator", None, || {
        let others = vec![cpu("portable", 1), Box::new(Reference)];
        Box::new(Coordinator::new(Box::new(CpuEngine::default()), others))
    }),
    ("coordinator_with_gpu", Some(Requirement::Gpu), || {
        let gpu = Box::new(gpu::open(KernelForm::Loop));
        Box::new(Coordinator::new(cpu("portable", 1), vec![gpu]))
    }),
];

/// The nonces from `start` on of the header of this seed.
fn job(seed: u64, target: [u8; 32], start: u32, len: u64) -> Job {
    Job::new(
        Header::from_bytes(&oracle::header(seed)),
        Target::from_le_bytes(target),
        NonceRange::new(Nonce(start), len).unwrap(),
    )
}

/// All hits of a job.
fn all(engine: &mut dyn Engine, job: &Job) -> Result<Found, EngineError> {
    engine.search(job, HitLimit::All, &CancelToken::new())
}

fn nonces(found: &Found) -> Vec<u32> {
    found.hits.iter().map(|hit| hit.nonce().0).collect()
}

/// An engine that a function makes up: for engines that lie, fail or are slow.
pub struct Fake<S>(pub S);

impl<S> Engine for Fake<S>
where
    S: FnMut(&Job, HitLimit, &CancelToken) -> Result<Found, EngineError> + Send,
{
    fn name(&self) -> String {
        "fake".into()
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        (self.0)(job, limit, cancel)
    }
}

/// Answers with real hits, of the easiest job.
fn lie(job: &Job, limit: HitLimit, cancel: &CancelToken) -> Result<Found, EngineError> {
    let easier = Job::new(*job.header(), Target::LIMIT, job.range());
    Reference.search(&easier, limit, cancel)
}

fn cpu(kernel: &str, threads: usize) -> Box<dyn Engine> {
    let threads = NonZeroUsize::new(threads).unwrap();
    let kernel = Kernel::named(kernel).unwrap();
    Box::new(CpuEngine::new(
        kernel,
        Threads::new(threads),
        Priority::Normal,
    ))
}

/// Every case over every engine, and the tests that need no real engine.
pub fn tests() -> Vec<Test> {
    let cases = [bitcoin::CASES, ranges::CASES, cancel::CASES].concat();
    let mut tests: Vec<Test> = cases
        .into_iter()
        .flat_map(|(name, case)| ENGINES.map(|engine| over(name, case, engine)))
        .collect();
    tests.extend(faults::tests());
    tests.extend(liars::tests());
    tests.extend(miner::tests());
    tests.extend(coordinator::tests());
    tests.extend(statistics::tests());
    tests.extend(gpu::tests());
    tests
}

fn over(name: &str, case: fn(&mut dyn Engine), (engine, needs, open): Candidate) -> Test {
    let test = Test::new(format!("engines/{engine}/{name}"), move || {
        case(open().as_mut());
    });
    match needs {
        Some(requirement) => test.needs(requirement),
        None => test,
    }
}
