//! The engine.

use crate::adapter::{AdapterChoice, AdapterSummary, GpuError, allowed, summary};
use crate::dispatch::{Dispatcher, Sharing};
use crate::kernel::Failure;
use crate::kernel_forms::{DeviceSource, KernelForm, KernelForms};
use crate::self_test::SelfTestError;
use crate::upgrade::TracedStatus;
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};

/// How a GPU searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GpuSettings {
    /// What else the GPU is used for.
    pub sharing: Sharing,
    /// The form of the kernel.
    pub form: KernelForm,
}

/// Searches on a GPU. The calling thread controls the GPU.
///
/// Two dispatches are in flight, so the device works on one while the host
/// reads the results of the other. A search that is cancelled, or has found its
/// first hit, does not wait for them. They end within the time of two
/// dispatches, and the next search waits for that.
///
/// A device that fails is opened again, once in a search. The search then
/// continues, and the dispatches in flight are repeated. If the device fails
/// again, or if the caller gave it, the engine has failed: every later search
/// returns the error, and the caller must open another engine.
///
/// Dropping the engine waits for the dispatches in flight, and for the compiler
/// of the traced form if it is still running, because a program that ends while
/// a driver compiles may crash. It waits for the compiler for at most ten
/// seconds.
#[derive(Debug)]
pub struct GpuEngine {
    adapter: AdapterSummary,
    dispatcher: Dispatcher<KernelForms>,
    reopened: u64,
    failed: Option<String>,
}

impl GpuEngine {
    /// Opens the best adapter that `choice` allows, compiles the kernel, and
    /// compares a short search with the reference. If an adapter fails, the
    /// next one is tried.
    ///
    /// # Errors
    ///
    /// [`GpuError::NoAdapter`] if `choice` allows no adapter. If none of the
    /// allowed adapters can be opened: the error of the best one.
    ///
    /// ```
    /// use pow_gpu::{AdapterChoice, GpuEngine, GpuError, GpuSettings};
    /// let nobody = AdapterChoice::Named("no such adapter".into());
    /// let opened = GpuEngine::open(&nobody, GpuSettings::default());
    /// assert!(matches!(opened, Err(GpuError::NoAdapter { .. })));
    /// ```
    pub fn open(choice: &AdapterChoice, settings: GpuSettings) -> Result<Self, GpuError> {
        let mut first_error = None;
        for adapter in allowed(choice)? {
            match Self::new(adapter.clone(), DeviceSource::Adapter(adapter), settings) {
                Ok(engine) => return Ok(engine),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| GpuError::NoAdapter {
            choice: choice.clone(),
            refused: Vec::new(),
        }))
    }

    /// Searches on a device of the caller. The caller may use it for other work
    /// at the same time, with [`Sharing::WithTraining`]. This does not change
    /// the device's error handlers. The device is not opened again if it fails.
    ///
    /// The device needs no features and no limits above
    /// [`wgpu::Limits::downlevel_defaults`].
    ///
    /// # Errors
    ///
    /// [`GpuError`] if the device fails or computes wrong hashes.
    pub fn with_device(
        device: wgpu::Device,
        queue: wgpu::Queue,
        settings: GpuSettings,
    ) -> Result<Self, GpuError> {
        let adapter = summary(&device.adapter_info());
        Self::new(adapter, DeviceSource::Given(device, queue), settings)
    }

    /// The adapter.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.adapter
    }

    /// The status of the traced form of the kernel, which is the fast one.
    pub fn traced(&self) -> &TracedStatus {
        self.dispatcher.kernel().traced()
    }

    /// The device for the next dispatch. It changes when the traced form is
    /// first used, and after a failure.
    pub fn device(&self) -> &wgpu::Device {
        self.dispatcher.kernel().wgpu()
    }

    /// How many times the device failed and was opened again.
    pub fn reopened(&self) -> u64 {
        self.reopened
    }

    fn new(
        adapter: AdapterSummary,
        source: DeviceSource,
        settings: GpuSettings,
    ) -> Result<Self, GpuError> {
        match KernelForms::open(source, settings.form) {
            Ok(forms) => Ok(GpuEngine {
                adapter,
                dispatcher: Dispatcher::new(forms, settings.sharing),
                reopened: 0,
                failed: None,
            }),
            Err(SelfTestError::Faulty(fault)) => Err(GpuError::Open {
                adapter,
                message: fault.to_string(),
            }),
            Err(SelfTestError::Wrong) => Err(GpuError::SelfTest { adapter }),
        }
    }

    fn fail(&mut self, failure: Failure) -> EngineError {
        let engine = self.name();
        match failure {
            Failure::Device(fault) => {
                let message = self.failed.insert(fault.to_string()).clone();
                EngineError::Device { engine, message }
            }
            Failure::FalseHit(nonce) => EngineError::FalseHit {
                engine,
                nonce: nonce.0,
            },
        }
    }
}

impl Engine for GpuEngine {
    /// The adapter's name. Says so if the traced form cannot be used.
    fn name(&self) -> String {
        match self.traced() {
            TracedStatus::Unusable(_) => format!("gpu ({}, loop form)", self.adapter),
            _ => format!("gpu ({})", self.adapter),
        }
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        if let Some(message) = &self.failed {
            return Err(EngineError::Device {
                engine: self.name(),
                message: message.clone(),
            });
        }
        let reopen = |forms: &mut KernelForms| {
            forms.reopen()?;
            self.reopened += 1;
            Ok(())
        };
        self.dispatcher
            .search_with_another(job, limit, cancel, reopen)
            .map_err(|failure| self.fail(failure))
    }
}
