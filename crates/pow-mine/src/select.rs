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
    /// A GPU. A software adapter counts only if the environment asks for one
    /// ([`AdapterChoice::from_env`]).
    Gpu,
    /// All CPU cores and every real GPU together. Software adapters count only
    /// if the environment asks for one. Without a GPU, the CPU alone.
    All,
}

/// How much of the CPU an engine may use. A low priority also concerns an
/// engine on a GPU: its dispatches are then short, so others can use the GPU as
/// well ([`Sharing::WithTraining`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuShare {
    /// The threads that search.
    pub threads: Threads,
    /// Their priority. It also sets how an engine on a GPU shares the GPU.
    pub priority: Priority,
}

/// A name that no engine has.
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

/// Why no engine could be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// A GPU was asked for, and none could be opened.
    #[error("engine gpu: {0}")]
    Gpu(#[from] GpuError),
    /// `POW_CPU_KERNEL` names a kernel that this CPU does not have.
    #[error("engine cpu: {0}")]
    Cpu(#[from] KernelError),
}

/// An engine, and why it was chosen.
pub struct Selected {
    /// The engine.
    pub engine: Box<dyn Engine>,
    /// One line for people: the engine, and why it was chosen.
    pub note: String,
}

/// Opens an engine.
///
/// # Errors
///
/// [`SelectError`] if [`EngineChoice::Gpu`] was asked for and no GPU could be
/// opened, or if `POW_CPU_KERNEL` names a kernel that this CPU does not have.
/// [`EngineChoice::Auto`] and [`EngineChoice::All`] fall back to the CPU if
/// there is no GPU, and say so in the note.
pub fn select(choice: EngineChoice, share: CpuShare) -> Result<Selected, SelectError> {
    match choice {
        EngineChoice::Cpu => cpu(share, "as asked"),
        EngineChoice::Gpu => {
            let engine = gpu(share)?;
            Ok(selected(Box::new(engine), "as asked"))
        }
        EngineChoice::Auto => match gpu(share) {
            Ok(engine) => Ok(selected(Box::new(engine), "a GPU was found")),
            Err(error) => cpu(share, &without(&error)),
        },
        EngineChoice::All => all(share),
    }
}

/// The CPU, and every GPU that can be opened.
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

/// Why a GPU does not search.
fn without(error: &GpuError) -> String {
    match error {
        GpuError::NoAdapter { refused, .. } if refused.is_empty() => "no GPU was found".into(),
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
