//! The adapters that the system has.

use crate::kernel::Fault;
use std::fmt;

/// An adapter: a device, as one of the system's graphics interfaces shows it.
/// The same device may appear once for each interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdapterSummary {
    /// The driver's name for the device.
    pub name: String,
    /// The interface: `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// Whether it is a software adapter, which runs on the CPU.
    pub is_software: bool,
    /// Its PCI bus id, which distinguishes two devices with the same name.
    /// Empty if the interface does not tell it.
    pub pci_bus_id: String,
}

impl AdapterSummary {
    pub(super) fn has_words(&self, words: &str) -> bool {
        let text = self.to_string().to_lowercase();
        let words = words.to_lowercase();
        words.split_whitespace().all(|word| text.contains(word))
    }

    /// Whether both are probably the same device.
    pub(super) fn is_same_device(&self, other: &AdapterSummary) -> bool {
        if self.pci_bus_id.is_empty() || other.pci_bus_id.is_empty() {
            self.name == other.name
        } else {
            self.pci_bus_id == other.pci_bus_id
        }
    }
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.name, self.backend)
    }
}

/// All adapters, best one first.
pub fn list_adapters() -> Vec<AdapterSummary> {
    enumerate()
        .into_iter()
        .map(|(summary, _)| summary)
        .collect()
}

/// Finds an adapter again. A wgpu adapter opens only one device.
pub fn find(wanted: &AdapterSummary) -> Result<wgpu::Adapter, Fault> {
    (enumerate().into_iter())
        .find_map(|(summary, adapter)| (summary == *wanted).then_some(adapter))
        .ok_or_else(|| Fault::new("the adapter is gone"))
}

fn enumerate() -> Vec<(AdapterSummary, wgpu::Adapter)> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // No validation layers. They are for developing graphics code.
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    adapters.sort_by_key(|adapter| rank(&adapter.get_info()));
    adapters
        .into_iter()
        .map(|adapter| (summary(&adapter.get_info()), adapter))
        .collect()
}

pub fn summary(info: &wgpu::AdapterInfo) -> AdapterSummary {
    AdapterSummary {
        name: info.name.clone(),
        backend: info.backend.to_string(),
        is_software: is_software(info),
        pci_bus_id: info.device_pci_bus_id.clone(),
    }
}

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    let name = info.name.to_lowercase();
    // Not every driver tells its type, so names count too.
    let names = ["llvmpipe", "softpipe", "swiftshader", "basic render"];
    info.device_type == wgpu::DeviceType::Cpu || names.iter().any(|known| name.contains(known))
}

/// The rank of an adapter. Lower is better: real before software, discrete
/// before integrated.
fn rank(info: &wgpu::AdapterInfo) -> (bool, u8) {
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::VirtualGpu => 1,
        wgpu::DeviceType::IntegratedGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    (is_software(info), kind)
}
