//! Engines by name.

use crate::coordinator::Coordinator;
use pow_core::search::Engine;
use pow_cpu::{CpuEngine, Kernel, KernelError};
pub use pow_cpu::{Priority, Threads};
use pow_gpu::{AdapterChoice, GpuEngine, GpuError, GpuSettings, Sharing};
use std::str::FromStr;

/// Which engine to mine with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// A real GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// All CPU cores.
    Cpu,
    /// A GPU; a software adapter only where the environment asks for one
    /// ([`AdapterChoice::from_env`]).
    Gpu,
    /// All CPU cores and every real GPU together; software adapters only where
    /// the environment asks for one. The CPU alone where there is no GPU.
    All,
}

/// How much of the CPU an engine on it may take. A low priority makes an engine
/// on a GPU polite as well: its dispatches are then short
/// ([`Sharing::WithTraining`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuShare {
    /// Threads that search.
    pub threads: Threads,
    /// Their priority, and how an engine on a GPU shares it.
    pub priority: Priority,
}

/// A name that is no engine's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no engine is called {0:?}; choose auto, cpu, gpu or all")]
pub struct ParseEngineError(pub String);

impl FromStr for EngineChoice {
    type Err = ParseEngineError;

    fn from_str(name: &str) -> Result<Self, ParseEngineError> {
        match name {
            "auto" => Ok(EngineChoice::Auto),
            "cpu" => Ok(EngineChoice::Cpu),
            "gpu" => Ok(EngineChoice::Gpu),
            "all" => Ok(EngineChoice::All),
            _ => Err(ParseEngineError(name.into())),
        }
    }
}

/// Why no engine could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// A GPU was asked for and none could be opened.
    #[error("engine gpu: {0}")]
    Gpu(#[from] GpuError),
    /// `POW_CPU_KERNEL` names no kernel of this CPU.
    #[error("engine cpu: {0}")]
    Cpu(#[from] KernelError),
}

/// An engine, and why it was taken.
pub struct Selected {
    /// The engine.
    pub engine: Box<dyn Engine>,
    /// One line for people: which engine mines, and why this one.
    pub note: String,
}

/// Opens an engine.
///
/// # Errors
///
/// [`SelectError`] if a GPU was asked for by name and none could be opened
/// ([`EngineChoice::Auto`] and [`EngineChoice::All`] fall back to the CPU instead
/// and say so), or if the CPU is to mine with a kernel that it does not have.
pub fn select(choice: EngineChoice, share: CpuShare) -> Result<Selected, SelectError> {
    match choice {
        EngineChoice::Cpu => cpu(share, "as asked"),
        EngineChoice::Gpu => {
            let engine = gpu(share)?;
            Ok(selected(Box::new(engine), "as asked"))
        }
        EngineChoice::Auto => match gpu(share) {
            Ok(engine) => Ok(selected(Box::new(engine), "a GPU is there")),
            Err(error) => cpu(share, &without(&error)),
        },
        EngineChoice::All => all(share),
    }
}

/// The CPU and every GPU that can be opened.
fn all(share: CpuShare) -> Result<Selected, SelectError> {
    let devices = match AdapterChoice::from_env().devices() {
        Ok(devices) => devices,
        Err(error) => return cpu(share, &without(&error)),
    };
    let mut gpus: Vec<Box<dyn Engine>> = Vec::new();
    let mut why = String::from("as asked");
    for device in devices {
        match GpuEngine::open(&AdapterChoice::Exactly(device), settings(share)) {
            Ok(engine) => gpus.push(Box::new(engine)),
            Err(error) => why = format!("{why}; {}", without(&error)),
        }
    }
    let cpu = Box::new(cpu_engine(share)?);
    Ok(selected(Box::new(Coordinator::new(cpu, gpus)), &why))
}

/// Why a GPU does not take part.
fn without(error: &GpuError) -> String {
    match error {
        GpuError::NoAdapter { refused, .. } if refused.is_empty() => "no GPU is there".into(),
        GpuError::NoAdapter { .. } => error.to_string(),
        error => format!("the GPU could not be opened: {error}"),
    }
}

fn gpu(share: CpuShare) -> Result<GpuEngine, GpuError> {
    GpuEngine::open(&AdapterChoice::from_env(), settings(share))
}

fn settings(share: CpuShare) -> GpuSettings {
    let sharing = match share.priority {
        Priority::Normal => Sharing::Alone,
        Priority::Low => Sharing::WithTraining,
    };
    GpuSettings {
        sharing,
        ..GpuSettings::default()
    }
}

fn cpu(share: CpuShare, why: &str) -> Result<Selected, SelectError> {
    Ok(selected(Box::new(cpu_engine(share)?), why))
}

fn cpu_engine(share: CpuShare) -> Result<CpuEngine, KernelError> {
    Ok(CpuEngine::new(
        Kernel::from_env()?,
        share.threads,
        share.priority,
    ))
}

fn selected(engine: Box<dyn Engine>, why: &str) -> Selected {
    let note = format!("mining with {}; {why}", engine.name());
    Selected { engine, note }
}
