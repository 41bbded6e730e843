//! What genesis declares about the machine and the program.

use crate::config::PowConfig;
use burn::tensor::Device;
use pow_core::body::{CodeDigests, Environment, MAX_TEXT};
use pow_core::hash::FileDigest;
use std::sync::OnceLock;

/// The Burn version that this crate is built with. Its manifest pins it.
pub(crate) const BURN_VERSION: &str = "0.22.1";

/// Describes the device, with the adapter that the program named, and the
/// instruction sets that kernels may choose at run time. Results are bit-exact only
/// if these are equal.
pub(crate) fn environment(device: Option<&Device>, adapter: Option<&str>) -> Environment {
    let name = device.map_or_else(|| "none".into(), |device| format!("{device:?}"));
    let backend = backend(&name);
    let mut device = match adapter {
        Some(adapter) => format!("{adapter}; {name}"),
        None => name,
    };
    device.truncate(device.floor_char_boundary(MAX_TEXT));
    let threads = std::env::var("RAYON_NUM_THREADS")
        .ok()
        .and_then(|threads| threads.parse().ok())
        .or_else(|| {
            let cores = std::thread::available_parallelism().ok()?;
            u32::try_from(cores.get()).ok()
        })
        .unwrap_or(0);
    Environment {
        burn: BURN_VERSION.into(),
        backend,
        device,
        cpu: cpu(),
        threads,
    }
}

/// The backend's name. Burn shows it inside its wrappers:
/// `Device<Autodiff { device: Flex(Cpu), .. }>`. Burn calls all of its GPU backends
/// `Cube`.
fn backend(device: &str) -> String {
    let mut words = device.split(|c: char| !c.is_alphanumeric());
    let wrappers = ["", "Device", "Autodiff", "device", "Cube"];
    let name = words.find(|word| !wrappers.contains(word));
    name.unwrap_or("unknown").into()
}

/// The architecture and the detected instruction sets, in a fixed order.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn cpu() -> String {
    let sets = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512dq", is_x86_feature_detected!("avx512dq")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512fp16", is_x86_feature_detected!("avx512fp16")),
    ];
    let found = sets.iter().filter(|set| set.1).map(|set| set.0);
    [std::env::consts::ARCH]
        .into_iter()
        .chain(found)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The architecture. We know of nothing detected at run time that its kernels depend
/// on.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn cpu() -> String {
    std::env::consts::ARCH.into()
}

/// Digests of the running program. A part that cannot be read is absent.
pub(crate) fn code(config: &PowConfig) -> CodeDigests {
    CodeDigests {
        executable: executable(),
        lockfile: config.lockfile.as_deref().map(FileDigest::of),
        revision: config.revision.clone(),
    }
}

/// Digest of the running executable's bytes. It is read once, because the file may be
/// rebuilt while the program runs.
pub(crate) fn executable() -> Option<FileDigest> {
    static DIGEST: OnceLock<Option<FileDigest>> = OnceLock::new();
    *DIGEST.get_or_init(|| {
        let bytes = std::env::current_exe().and_then(std::fs::read).ok()?;
        Some(FileDigest::of(&bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_is_named_without_its_wrappers() {
        for device in [Device::flex(), Device::flex().autodiff()] {
            let named = environment(Some(&device), None);
            assert_eq!(named.backend, "Flex", "{device:?}");
            assert_eq!(named.device, format!("{device:?}"));
        }
        assert_eq!(environment(None, None).backend, "none");
        // The text that Burn shows for a GPU. A build without GPU support cannot make one.
        let gpu =
            "Device<Autodiff { device: Cube(Wgpu(WgpuDevice { kind: Cpu, backend: Auto })) }>";
        assert_eq!(backend(gpu), "Wgpu");
    }

    #[test]
    fn the_adapter_stands_before_the_device_and_is_no_backend() {
        let device = Device::flex();
        let named = environment(Some(&device), Some("GeForce, vulkan"));
        assert_eq!(named.device, format!("GeForce, vulkan; {device:?}"));
        assert_eq!(named.backend, "Flex");
        let long = environment(Some(&device), Some(&"é".repeat(MAX_TEXT / 2)));
        assert_eq!(long.device.len(), MAX_TEXT);
    }

    #[test]
    fn the_burn_version_is_the_one_that_is_built() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
        let lock = std::fs::read_to_string(lock).unwrap();
        let expected = format!("name = \"burn\"\nversion = \"{BURN_VERSION}\"\n");
        assert!(lock.contains(&expected), "{expected}");
    }
}
