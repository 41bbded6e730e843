//! The two forms of the kernel, and the devices that run them.

use crate::adapter::{self, AdapterSummary};
use crate::device::{Device, ShaderForm};
use crate::kernel::{Candidates, Fault, Kernel};
use crate::self_test::{SelfTestError, run_self_test};
use crate::upgrade::{TracedStatus, Upgrading};
use pow_core::search::CancelToken;
use pow_kernels::SearchParams;
use std::time::Duration;

/// The form of the kernel. Both forms find the same hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelForm {
    /// First the loop form, then the traced form as soon as it is compiled.
    #[default]
    Best,
    /// Only the loop form.
    Loop,
    /// Only the traced form. Opening the engine takes as long as compiling it.
    Traced,
}

/// Where devices come from.
#[derive(Clone, Debug)]
pub enum DeviceSource {
    /// An adapter. Any number of devices can be opened on it.
    Adapter(AdapterSummary),
    /// Given by the caller.
    Given(wgpu::Device, wgpu::Queue),
}

impl DeviceSource {
    /// A device with this form of the kernel. It has passed the self-test.
    fn open(&self, form: ShaderForm, cancel: &CancelToken) -> Result<Device, SelfTestError> {
        let device = match self {
            DeviceSource::Adapter(summary) => Device::open(&adapter::find(summary)?, form)?,
            DeviceSource::Given(device, queue) => {
                Device::shared(device.clone(), queue.clone(), form)?
            }
        };
        run_self_test(device, cancel)
    }
}

/// The kernel, in the better form as soon as that is ready.
#[derive(Debug)]
pub struct KernelForms {
    source: DeviceSource,
    wanted: KernelForm,
    kernel: Upgrading<Device>,
}

impl KernelForms {
    /// Opens the form that `wanted` starts with.
    pub fn open(source: DeviceSource, wanted: KernelForm) -> Result<Self, SelfTestError> {
        let open = |form| source.open(form, &CancelToken::new());
        let kernel = match wanted {
            KernelForm::Best => {
                let source = source.clone();
                // If possible, this is a separate device. Then compiling cannot
                // delay the search, and an error of the compiler cannot break
                // it.
                Upgrading::new(open(ShaderForm::Loop)?, move |cancel| {
                    source.open(ShaderForm::Traced, cancel)
                })
            }
            KernelForm::Loop => {
                Upgrading::settled(open(ShaderForm::Loop)?, TracedStatus::NotWanted)
            }
            KernelForm::Traced => {
                Upgrading::settled(open(ShaderForm::Traced)?, TracedStatus::InUse)
            }
        };
        Ok(KernelForms {
            source,
            wanted,
            kernel,
        })
    }

    /// Opens everything again, if that is possible. Dispatches in flight are
    /// lost.
    pub fn reopen(&mut self) -> Result<(), Fault> {
        if let DeviceSource::Given(..) = self.source {
            return Err(Fault::new(
                "the device was given by the caller and cannot be opened again",
            ));
        }
        match Self::open(self.source.clone(), self.wanted) {
            Ok(forms) => *self = forms,
            Err(SelfTestError::Faulty(fault)) => return Err(fault),
            Err(SelfTestError::Wrong) => return Err(Fault::new("it then computed wrong hashes")),
        }
        Ok(())
    }

    /// The status of the traced form.
    pub fn traced(&self) -> &TracedStatus {
        self.kernel.traced()
    }

    /// The wgpu device for the next dispatch.
    pub fn wgpu(&self) -> &wgpu::Device {
        self.kernel.current().wgpu()
    }
}

impl Kernel for KernelForms {
    fn capacity(&self) -> u32 {
        self.kernel.capacity()
    }

    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault> {
        self.kernel.submit(params)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Option<Candidates>, Fault> {
        self.kernel.wait(timeout)
    }
}
