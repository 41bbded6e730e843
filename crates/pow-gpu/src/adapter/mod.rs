//! The choice of an adapter.

mod installed;

pub use installed::{AdapterSummary, find, list_adapters, summary};

use std::fmt;

/// Which adapters may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The real GPU that looks fastest. No software adapter, because it is
    /// slower than hashing on the CPU.
    #[default]
    Real,
    /// A real GPU if there is one, else a software adapter. For tests.
    AllowSoftware,
    /// The first adapter, real or software, whose name and backend contain each
    /// word of this text. Upper and lower case are the same. Examples:
    /// `llvmpipe`, `4090 vulkan`.
    Named(String),
    /// This adapter, from [`list_adapters`].
    Exactly(AdapterSummary),
}

impl AdapterChoice {
    /// The choice of the environment. `POW_GPU_ADAPTER` has words from the name
    /// or backend of the adapter ([`Named`](Self::Named)). If it is not set or
    /// empty, `POW_GPU_SOFTWARE=1` allows a software adapter
    /// ([`AllowSoftware`](Self::AllowSoftware)). Otherwise only a real GPU is
    /// allowed ([`Real`](Self::Real)).
    pub fn from_env() -> Self {
        match std::env::var("POW_GPU_ADAPTER") {
            Ok(name) if !name.is_empty() => AdapterChoice::Named(name),
            _ if std::env::var("POW_GPU_SOFTWARE").is_ok_and(|value| value == "1") => {
                AdapterChoice::AllowSoftware
            }
            _ => AdapterChoice::Real,
        }
    }

    /// The adapters that this choice allows, best one first. Each device is
    /// listed only once. Two adapters with the same name count as one device,
    /// unless the system tells their bus ids. If there is a real GPU, software
    /// adapters are left out, unless this choice names them.
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

    /// Why this choice does not allow the adapter. `None` if it does.
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

/// An adapter that the choice does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The adapter.
    pub adapter: AdapterSummary,
    /// Why it is not allowed.
    pub reason: &'static str,
}

/// Why no GPU could be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// The choice allows none of the adapters.
    #[error("asked for {choice}, found {}", describe(refused))]
    NoAdapter {
        /// The choice.
        choice: AdapterChoice,
        /// All adapters, and why each is not allowed.
        refused: Vec<Refused>,
    },
    /// The adapter's driver failed.
    #[error("adapter {adapter}: {message}")]
    Open {
        /// The adapter.
        adapter: AdapterSummary,
        /// What happened, in the driver's words.
        message: String,
    },
    /// The adapter did not pass the self-test: it missed hits, or proposed
    /// nonces that are no hits.
    #[error("adapter {adapter} computes wrong hashes")]
    SelfTest {
        /// The adapter.
        adapter: AdapterSummary,
    },
}

fn describe(refused: &[Refused]) -> String {
    if refused.is_empty() {
        return String::from("no adapter");
    }
    let seen: Vec<String> = refused
        .iter()
        .map(|Refused { adapter, reason }| format!("{adapter} ({reason})"))
        .collect();
    format!("only {}", seen.join("; "))
}

/// The adapters that `choice` allows, best one first.
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
        let text = "asked for a real GPU, found only llvmpipe, vulkan (a software adapter)";
        assert_eq!(error.to_string(), text);
    }
}
