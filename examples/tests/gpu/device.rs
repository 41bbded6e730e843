//! The device that the tests of this process share.

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Burn's device, and the parts of wgpu behind it.
pub struct Gpu {
    pub device: Device,
    pub setup: WgpuSetup,
}

/// The device, which can be opened only once; or the reason why there is none.
pub fn gpu() -> &'static Result<Gpu, String> {
    static GPU: OnceLock<Result<Gpu, String>> = OnceLock::new();
    GPU.get_or_init(|| {
        let opened = Device::wgpu_options().init_with_setup();
        let (device, setup) = opened.map_err(|error| error.to_string())?;
        Ok(Gpu { device, setup })
    })
}

/// The device, for one training at a time, because Burn has one random generator
/// for all.
pub fn alone() -> (MutexGuard<'static, ()>, &'static Gpu) {
    static TRAINING: Mutex<()> = Mutex::new(());
    let guard = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
    (guard, gpu().as_ref().unwrap())
}
