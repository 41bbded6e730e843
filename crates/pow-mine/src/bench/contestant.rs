//! The engines of this machine.

use crate::coordinator::Coordinator;
use pow_core::search::Engine;
use pow_cpu::{CpuEngine, Kernel, KernelError, Priority, Threads};
use pow_gpu::{AdapterChoice, AdapterSummary, GpuEngine, GpuError, GpuSettings, KernelForm};
use std::num::NonZeroUsize;

/// An engine to be measured.
pub struct Contestant {
    /// Its name: that of the kernel, such as `sha-ni-x3`, or of the adapter.
    pub name: String,
    /// What it is.
    pub kind: EngineKind,
    /// The engine.
    pub engine: Box<dyn Engine>,
}

/// What an engine runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineKind {
    /// CPU cores.
    Cpu {
        /// Threads that search.
        threads: Threads,
    },
    /// A GPU.
    Gpu {
        /// The adapter.
        adapter: AdapterSummary,
        /// The form of the kernel: traced, or the loop form if the traced form
        /// cannot be used.
        form: KernelForm,
    },
    /// Several engines together.
    All {
        /// The threads that search on the CPU, if it takes part.
        threads: Option<Threads>,
    },
}

/// Why an engine cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContestantError {
    /// No GPU could be opened.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// `POW_CPU_KERNEL` names a kernel that this CPU does not have.
    #[error(transparent)]
    Cpu(#[from] KernelError),
}

/// First every kernel of this CPU on one thread, starting with the portable
/// kernel, which is the `sha2` crate's. Then, if there are several threads, the
/// fastest kernel (or the one that `POW_CPU_KERNEL` names) on all threads.
///
/// # Errors
///
/// [`ContestantError::Cpu`] if the environment names a kernel that this CPU
/// does not have.
pub fn cpu_contestants() -> Result<Vec<Contestant>, ContestantError> {
    let one = Threads::new(NonZeroUsize::MIN);
    let kernels = Kernel::available().into_iter().rev();
    let mut contestants: Vec<Contestant> = kernels.map(|kernel| on_cpu(kernel, one)).collect();
    if Threads::all() != one {
        contestants.push(on_cpu(Kernel::from_env()?, Threads::all()));
    }
    Ok(contestants)
}

/// Every GPU that `choice` allows, with the traced form of its kernel if that
/// can be used. Then all of them together: with the CPU if `with_cpu`, else
/// without it if there are several. Opening a GPU takes as long as compiling
/// the traced form.
///
/// # Errors
///
/// [`ContestantError`] if there is no such GPU, if one cannot be opened, or if
/// the environment names a CPU kernel that this CPU does not have.
pub fn gpu_contestants(
    choice: &AdapterChoice,
    with_cpu: bool,
) -> Result<Vec<Contestant>, ContestantError> {
    let adapters = choice.devices()?;
    let mut contestants = Vec::new();
    let mut together: Vec<Box<dyn Engine>> = Vec::new();
    let threads = with_cpu.then(Threads::all);
    let mut names = Vec::new();
    if let Some(threads) = threads {
        let kernel = Kernel::from_env()?;
        together.push(Box::new(CpuEngine::new(kernel, threads, Priority::Normal)));
        names.push("cpu");
    }
    for adapter in &adapters {
        let (engine, form) = open(adapter)?;
        contestants.push(Contestant {
            name: adapter.to_string(),
            kind: EngineKind::Gpu {
                adapter: adapter.clone(),
                form,
            },
            engine: Box::new(engine),
        });
        together.push(Box::new(open(adapter)?.0));
        names.push(&adapter.name);
    }
    if together.len() > 1 {
        let first = together.remove(0);
        contestants.push(Contestant {
            name: names.join(" + "),
            kind: EngineKind::All { threads },
            engine: Box::new(Coordinator::new(first, together)),
        });
    }
    Ok(contestants)
}

fn on_cpu(kernel: Kernel, threads: Threads) -> Contestant {
    Contestant {
        name: kernel.name().into(),
        kind: EngineKind::Cpu { threads },
        engine: Box::new(CpuEngine::new(kernel, threads, Priority::Normal)),
    }
}

/// The engine with the traced form, compiled. If that fails, with the loop
/// form.
fn open(adapter: &AdapterSummary) -> Result<(GpuEngine, KernelForm), GpuError> {
    let open = |form| {
        let settings = GpuSettings {
            form,
            ..GpuSettings::default()
        };
        GpuEngine::open(&AdapterChoice::Exactly(adapter.clone()), settings)
            .map(|engine| (engine, form))
    };
    open(KernelForm::Traced).or_else(|_| open(KernelForm::Loop))
}
