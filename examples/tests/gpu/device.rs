//! The device that the tests of this process share.

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Burn's device, and what it is made of.
pub struct Gpu {
    pub device: Device,
    pub setup: WgpuSetup,
}

/// The device, which can be opened only once, or why there is none.
pub fn gpu() -> &'static Result<Gpu, String> {
    static GPU: OnceLock<Result<Gpu, String>> = OnceLock::new();
    GPU.get_or_init(|| {
        let opened = Device::wgpu_options().init_with_setup();
        let (device, setup) = opened.map_err(|error| error.to_string())?;
        Ok(Gpu { device, setup })
    })
}

/// The device for one training at a time: Burn draws random numbers for all from
/// one generator.
pub fn alone() -> (MutexGuard<'static, ()>, &'static Gpu) {
    static TRAINING: Mutex<()> = Mutex::new(());
    let guard = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
    (guard, gpu().as_ref().unwrap())
}
