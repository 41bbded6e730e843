//! The engine.

use crate::adapter::{AdapterChoice, AdapterSummary, GpuError, allowed, summary};
use crate::dispatch::{Dispatcher, Sharing};
use crate::forms::{DeviceSource, KernelForm, KernelForms};
use crate::kernel::Failure;
use crate::self_test::SelfTestError;
use crate::upgrade::TracedStatus;
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};

/// How a GPU searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GpuSettings {
    /// What else the GPU does.
    pub sharing: Sharing,
    /// Which form of the kernel to use.
    pub form: KernelForm,
}

/// Searches on a GPU, from the thread that calls it.
///
/// Two dispatches are in flight, so that the device works on one while the host
/// looks at the other. A search that is cancelled, or has found its first hit,
/// leaves them behind; they end within two dispatches' time, and the next
/// search queues behind them.
///
/// A device that fails is opened anew, once in a search, and the search goes on
/// where it was; what was in flight is searched again. If it fails again, or
/// was handed in, the engine stays failed: every later search returns the
/// error, and another engine must be opened.
///
/// Dropping the engine waits for what is in flight, and for the compiler of the
/// traced form if it still runs, but for no more than ten seconds: a program
/// that ends while a driver compiles may crash.
#[derive(Debug)]
pub struct GpuEngine {
    adapter: AdapterSummary,
    dispatcher: Dispatcher<KernelForms>,
    reopened: u64,
    failed: Option<String>,
}

impl GpuEngine {
    /// Opens the best adapter that `choice` allows, compiles the kernel and
    /// compares a short search with the reference. If an adapter fails, the
    /// next one is tried.
    ///
    /// # Errors
    ///
    /// [`GpuError::NoAdapter`] if no adapter is of that kind; otherwise the
    /// error of the best adapter, if none could be opened.
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

    /// Searches on a device that the caller has, and may use for other work at
    /// the same time (say [`Sharing::WithTraining`] then). Its error handlers
    /// are left alone. It is not opened anew if it fails.
    ///
    /// The device needs no features, and no limits above
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
        Self::new(adapter, DeviceSource::Handed(device, queue), settings)
    }

    /// The adapter that was taken.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.adapter
    }

    /// How far the fast form of the kernel is.
    pub fn traced(&self) -> &TracedStatus {
        self.dispatcher.kernel().traced()
    }

    /// The device that takes the next dispatch: another one once the traced
    /// form is in use, or after a failure.
    pub fn device(&self) -> &wgpu::Device {
        self.dispatcher.kernel().wgpu()
    }

    /// How often the device failed and was opened anew.
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
    /// Says so if the traced form cannot be used.
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
