//! Which adapters there are, and which one to take.

mod installed;

pub use installed::{AdapterSummary, find, list_adapters, summary};

use std::fmt;

/// Which adapters may be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The fastest-looking real GPU; a software adapter is slower than
    /// hashing on the CPU.
    #[default]
    Real,
    /// A real GPU if there is one, else a software adapter, as tests want it.
    AllowSoftware,
    /// The first adapter, real or software, whose name and backend contain
    /// each word of this text, whatever the case: `llvmpipe`, `4090 vulkan`.
    Named(String),
    /// This one of those that [`list_adapters`] lists.
    Exactly(AdapterSummary),
}

impl AdapterChoice {
    /// What the environment asks for: `POW_GPU_ADAPTER` holds words of the name
    /// or backend of the adapter to take; else `POW_GPU_SOFTWARE=1` allows a
    /// software adapter; else only a real GPU will do.
    pub fn from_env() -> Self {
        match std::env::var("POW_GPU_ADAPTER") {
            Ok(name) if !name.is_empty() => AdapterChoice::Named(name),
            _ if std::env::var("POW_GPU_SOFTWARE").is_ok_and(|value| value == "1") => {
                AdapterChoice::AllowSoftware
            }
            _ => AdapterChoice::Real,
        }
    }

    /// The adapters that this choice takes, the one to prefer first, and each
    /// device only once: two of one name count as one device unless the system
    /// says where each is plugged in. Software adapters are left out where
    /// there is a real one, unless this choice names them.
    ///
    /// # Errors
    ///
    /// [`GpuError::NoAdapter`] if there is none.
    pub fn devices(&self) -> Result<Vec<AdapterSummary>, GpuError> {
        let mut adapters = allowed(self)?;
        if *self == AdapterChoice::AllowSoftware && adapters.iter().any(|one| !one.is_software) {
            adapters.retain(|adapter| !adapter.is_software);
        }
        Ok(one_per_device(adapters))
    }

    /// Why this choice does not take the adapter, if it does not.
    fn refusal(&self, adapter: &AdapterSummary) -> Option<&'static str> {
        match self {
            AdapterChoice::Real if adapter.is_software => Some("a software adapter"),
            AdapterChoice::Named(words) if !adapter.has_words(words) => Some("another name"),
            AdapterChoice::Exactly(other) if adapter != other => Some("another adapter"),
            _ => None,
        }
    }
}

impl fmt::Display for AdapterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdapterChoice::Real => f.write_str("a real GPU"),
            AdapterChoice::AllowSoftware => f.write_str("any adapter"),
            AdapterChoice::Named(name) => write!(f, "an adapter named {name:?}"),
            AdapterChoice::Exactly(adapter) => write!(f, "adapter {adapter}"),
        }
    }
}

/// An adapter that was seen and not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The adapter.
    pub adapter: AdapterSummary,
    /// Why it was not taken.
    pub reason: &'static str,
}

/// Why no GPU could be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No adapter is of the kind asked for.
    #[error("{choice} was asked for; {}", describe(refused))]
    NoAdapter {
        /// What was asked for.
        choice: AdapterChoice,
        /// The adapters that there are.
        refused: Vec<Refused>,
    },
    /// The adapter's driver failed.
    #[error("adapter {adapter}: {message}")]
    Open {
        /// The adapter.
        adapter: AdapterSummary,
        /// What happened, as the driver tells it.
        message: String,
    },
    /// The adapter missed or made up hits in a search whose answer is known.
    #[error("adapter {adapter} computes wrong hashes")]
    SelfTest {
        /// The adapter.
        adapter: AdapterSummary,
    },
}

fn describe(refused: &[Refused]) -> String {
    if refused.is_empty() {
        return String::from("there is no adapter");
    }
    let seen: Vec<String> = refused
        .iter()
        .map(|Refused { adapter, reason }| format!("{adapter} ({reason})"))
        .collect();
    format!("there is only {}", seen.join("; "))
}

/// The adapters that `choice` takes, the one to prefer first.
///
/// # Errors
///
/// [`GpuError::NoAdapter`] if there is none.
pub fn allowed(choice: &AdapterChoice) -> Result<Vec<AdapterSummary>, GpuError> {
    let mut taken = Vec::new();
    let mut refused = Vec::new();
    for adapter in list_adapters() {
        match choice.refusal(&adapter) {
            None => taken.push(adapter),
            Some(reason) => refused.push(Refused { adapter, reason }),
        }
    }
    if taken.is_empty() {
        return Err(GpuError::NoAdapter {
            choice: choice.clone(),
            refused,
        });
    }
    Ok(taken)
}

/// The first adapter of each device.
fn one_per_device(adapters: Vec<AdapterSummary>) -> Vec<AdapterSummary> {
    let mut devices: Vec<AdapterSummary> = Vec::new();
    for adapter in adapters {
        let is_known = devices.iter().any(|device| device.is_same_device(&adapter));
        if !is_known {
            devices.push(adapter);
        }
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, is_software: bool) -> AdapterSummary {
        AdapterSummary {
            name: name.into(),
            backend: "vulkan".into(),
            is_software,
            pci_bus_id: String::new(),
        }
    }

    #[test]
    fn choices_refuse_with_a_reason() {
        let real = adapter("GeForce", false);
        let software = adapter("llvmpipe", true);
        let named = |name: &str| AdapterChoice::Named(name.into());
        assert_eq!(AdapterChoice::Real.refusal(&real), None);
        assert!(AdapterChoice::Real.refusal(&software).is_some());
        assert_eq!(AdapterChoice::AllowSoftware.refusal(&software), None);
        assert_eq!(named("LLVM").refusal(&software), None);
        assert!(named("LLVM").refusal(&real).is_some());
        assert_eq!(named("pipe Vulkan").refusal(&software), None);
        assert!(named("llvmpipe metal").refusal(&software).is_some());
        let exactly = AdapterChoice::Exactly(real.clone());
        assert_eq!(exactly.refusal(&real), None);
        let twin = AdapterSummary {
            pci_bus_id: "0000:02:00.0".into(),
            ..real
        };
        assert!(exactly.refusal(&twin).is_some());
    }

    #[test]
    fn a_device_counts_once() {
        let at = |backend: &str, bus: &str| AdapterSummary {
            backend: backend.into(),
            pci_bus_id: bus.into(),
            ..adapter("GeForce", false)
        };
        let other = adapter("Radeon", false);
        let seen = vec![
            at("vulkan", "1"),
            at("vulkan", "2"),
            at("dx12", ""),
            other.clone(),
            at("dx12", "2"),
        ];
        let devices = [at("vulkan", "1"), at("vulkan", "2"), other];
        assert_eq!(one_per_device(seen), devices);
    }

    #[test]
    fn the_error_names_what_was_seen() {
        let error = GpuError::NoAdapter {
            choice: AdapterChoice::Real,
            refused: vec![Refused {
                adapter: adapter("llvmpipe", true),
                reason: "a software adapter",
            }],
        };
        let text = "a real GPU was asked for; there is only llvmpipe, vulkan (a software adapter)";
        assert_eq!(error.to_string(), text);
    }
}
