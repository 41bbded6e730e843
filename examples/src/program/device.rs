//! The device that a program trains on.

use super::engine::{EngineArg, nothing_to_share};
use burn::tensor::Device;
use burn_pow::{Action, PowConfig, PowRun};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Where the training runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceArg {
    /// On the CPU.
    Cpu,
    /// On a GPU, if the program was built with the feature wgpu.
    Gpu,
}

impl DeviceArg {
    /// Opens the device, and the run that trains on it.
    pub fn open(
        self,
        action: Action,
        config: PowConfig,
        engine: EngineArg,
    ) -> anyhow::Result<(PowRun, Device)> {
        match (self, engine) {
            (DeviceArg::Cpu, EngineArg::Shared) => Err(nothing_to_share().into()),
            (DeviceArg::Cpu, EngineArg::Own(choice)) => {
                let run = PowRun::open(action, config.engine(choice))?;
                Ok((run, Device::flex()))
            }
            (DeviceArg::Gpu, engine) => gpu::open(action, config, engine),
        }
    }

    /// Opens the device without a run, and says which it is.
    ///
    /// # Errors
    ///
    /// Fails if there is no such device, or the program was built without it.
    pub fn alone(self) -> anyhow::Result<(Device, String)> {
        match self {
            DeviceArg::Cpu => Ok((Device::flex(), "CPU".into())),
            DeviceArg::Gpu => gpu::alone(),
        }
    }
}

#[cfg(feature = "wgpu")]
mod gpu {
    use super::*;
    use burn::tensor::wgpu::{WgpuSetup, wgpu::AdapterInfo};
    use pow_gpu::{GpuEngine, GpuSettings, Sharing};
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    /// Opens the adapter that wgpu prefers. This is a software adapter if there is no
    /// other. `CUBECL_WGPU_DEFAULT_DEVICE` names another adapter, for instance
    /// `DiscreteGpu(1)`.
    pub fn open(
        action: Action,
        config: PowConfig,
        engine: EngineArg,
    ) -> anyhow::Result<(PowRun, Device)> {
        // A replay trains several times in one process.
        static OPENED: Mutex<Option<(Device, WgpuSetup, String)>> = Mutex::new(None);
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((device, setup, adapter)) = opened.clone() {
            let config = config.adapter(adapter).hash_on_gpu(&setup);
            return Ok((PowRun::open(action, config)?, device));
        }
        let (device, setup, adapter) = start()?;
        // A closed stderr must not end the training.
        let _ = writeln!(std::io::stderr(), "training on {adapter}");
        *opened = Some((device.clone(), setup.clone(), adapter.clone()));
        let config = config.adapter(adapter).hash_on_gpu(&setup);
        let run = match engine {
            EngineArg::Own(choice) => PowRun::open(action, config.engine(choice))?,
            EngineArg::Shared => PowRun::open_with_engine(action, config, shared(setup)?)?,
        };
        Ok((run, device))
    }

    pub fn alone() -> anyhow::Result<(Device, String)> {
        let (device, _, adapter) = start()?;
        Ok((device, adapter))
    }

    /// The device, what Burn opened for it, and a text that says which adapter it is.
    fn start() -> anyhow::Result<(Device, WgpuSetup, String)> {
        let (device, setup) = Device::wgpu_options().init_with_setup()?;
        let adapter = describe(&setup.adapter.get_info());
        Ok((device, setup, adapter))
    }

    /// An engine that mines on Burn's own wgpu device. Its dispatches are short, so a
    /// kernel of the training waits about 10 ms at most.
    fn shared(setup: WgpuSetup) -> anyhow::Result<Box<GpuEngine>> {
        let settings = GpuSettings {
            sharing: Sharing::WithTraining,
            ..GpuSettings::default()
        };
        let engine = GpuEngine::with_device(setup.device, setup.queue, settings)?;
        Ok(Box::new(engine))
    }

    /// The adapter, its interface and its driver.
    fn describe(adapter: &AdapterInfo) -> String {
        let AdapterInfo { name, backend, .. } = adapter;
        let driver = [&adapter.driver, &adapter.driver_info].map(String::as_str);
        let driver = driver.join(" ");
        match driver.trim() {
            "" => format!("{name}, {backend}"),
            driver => format!("{name}, {backend}, driver {driver}"),
        }
    }
}

#[cfg(not(feature = "wgpu"))]
mod gpu {
    use super::*;
    use burn_pow::PowError;

    pub fn open(_: Action, _: PowConfig, _: EngineArg) -> anyhow::Result<(PowRun, Device)> {
        Err(missing().into())
    }

    pub fn alone() -> anyhow::Result<(Device, String)> {
        Err(missing().into())
    }

    fn missing() -> PowError {
        let how = "this program was built without GPU training; run it with: \
                   cargo run --release -p pow-examples --features wgpu --example NAME";
        PowError::Config(how.into())
    }
}
