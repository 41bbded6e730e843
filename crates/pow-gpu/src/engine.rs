//! The engine.

use crate::adapter::{AdapterChoice, AdapterSummary, GpuError, candidates};
use crate::device::Device;
use crate::pace::Pace;
use crate::search::{Failure, search};
use pow_core::header::{Header, Nonce};
use pow_core::search::{
    CancelToken, Engine, EngineError, Found, HitLimit, Job, NonceRange, Reference,
};
use pow_core::target::Target;

/// Searches on a GPU. The engine that has met a device error stays failed:
/// every later search returns that error, and another engine must be opened.
#[derive(Debug)]
pub struct GpuEngine {
    adapter: AdapterSummary,
    device: Device,
    pace: Pace,
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
    /// use pow_gpu::{AdapterChoice, GpuEngine, GpuError};
    /// let nobody = AdapterChoice::Named("no such adapter".into());
    /// assert!(matches!(GpuEngine::open(&nobody), Err(GpuError::NoAdapter { .. })));
    /// ```
    pub fn open(choice: &AdapterChoice) -> Result<Self, GpuError> {
        let mut first_error = None;
        for (summary, adapter) in candidates(choice)? {
            match Self::open_adapter(summary, &adapter) {
                Ok(engine) => return Ok(engine),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| GpuError::NoAdapter {
            choice: choice.clone(),
            refused: Vec::new(),
        }))
    }

    /// The adapter that was taken.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.adapter
    }

    fn open_adapter(summary: AdapterSummary, adapter: &wgpu::Adapter) -> Result<Self, GpuError> {
        let device = Device::open(adapter).map_err(|message| GpuError::Open {
            adapter: summary.clone(),
            message,
        })?;
        let mut engine = GpuEngine {
            adapter: summary,
            device,
            pace: Pace::new(),
            failed: None,
        };
        engine.self_test()?;
        Ok(engine)
    }

    /// Compares a search across the end of the nonces with the reference.
    fn self_test(&mut self) -> Result<(), GpuError> {
        let header = Header::from_bytes(&std::array::from_fn(|i| i as u8));
        let mut target = [0xff; 32];
        target[31] = 0x07;
        let target = Target::from_le_bytes(target);
        let Ok(range) = NonceRange::new(Nonce(u32::MAX - 255), 512) else {
            unreachable!("512 nonces are a range")
        };
        let job = Job::new(header, target, range);
        let cancel = CancelToken::new();
        let expected = Reference.search(&job, HitLimit::All, &cancel);
        let found = self.search(&job, HitLimit::All, &cancel);
        match (found, expected) {
            (Err(EngineError::Device { message, .. }), _) => Err(GpuError::Open {
                adapter: self.adapter.clone(),
                message,
            }),
            (Ok(found), Ok(expected)) if found.hits == expected.hits => Ok(()),
            _ => Err(GpuError::SelfTest {
                adapter: self.adapter.clone(),
            }),
        }
    }

    fn device_error(&self, message: String) -> EngineError {
        EngineError::Device {
            engine: self.name(),
            message,
        }
    }
}

impl Engine for GpuEngine {
    fn name(&self) -> String {
        format!("gpu ({})", self.adapter)
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        if let Some(message) = &self.failed {
            return Err(self.device_error(message.clone()));
        }
        search(&mut self.device, &mut self.pace, job, limit, cancel).map_err(
            |failure| match failure {
                Failure::Device(message) => {
                    self.failed = Some(message.clone());
                    self.device_error(message)
                }
                Failure::FalseHit(nonce) => EngineError::FalseHit {
                    engine: self.name(),
                    nonce: nonce.0,
                },
            },
        )
    }
}
