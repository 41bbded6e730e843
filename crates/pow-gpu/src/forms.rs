//! The two forms of the kernel, and devices for them.

use crate::adapter::{self, AdapterSummary};
use crate::device::{Device, ShaderForm};
use crate::kernel::{Candidates, Fault, Kernel};
use crate::self_test::{SelfTestError, run_self_test};
use crate::upgrade::{TracedStatus, Upgrading};
use pow_core::search::CancelToken;
use pow_kernels::SearchParams;
use std::time::Duration;

/// Which form of the kernel to search with. They find the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelForm {
    /// The loop form at once, and the traced form as soon as it is compiled.
    #[default]
    Best,
    /// The loop form only.
    Loop,
    /// The traced form only: opening takes as long as compiling does.
    Traced,
}

/// Where devices come from.
#[derive(Clone, Debug)]
pub enum DeviceSource {
    /// An adapter, on which any number of devices can be opened.
    Adapter(AdapterSummary),
    /// Handed in.
    Handed(wgpu::Device, wgpu::Queue),
}

impl DeviceSource {
    /// A device with that form of the kernel, which has found what the
    /// reference finds.
    fn open(&self, form: ShaderForm, cancel: &CancelToken) -> Result<Device, SelfTestError> {
        let device = match self {
            DeviceSource::Adapter(summary) => Device::open(&adapter::find(summary)?, form)?,
            DeviceSource::Handed(device, queue) => {
                Device::shared(device.clone(), queue.clone(), form)?
            }
        };
        run_self_test(device, cancel)
    }
}

/// The kernel in whichever form there is, the better one as soon as it is
/// ready.
#[derive(Debug)]
pub struct KernelForms {
    source: DeviceSource,
    wanted: KernelForm,
    kernel: Upgrading<Device>,
}

impl KernelForms {
    /// Opens what `wanted` begins with.
    pub fn open(source: DeviceSource, wanted: KernelForm) -> Result<Self, SelfTestError> {
        let open = |form| source.open(form, &CancelToken::new());
        let kernel = match wanted {
            KernelForm::Best => {
                let source = source.clone();
                // A device of its own, where that is possible: the compilation
                // then cannot hold up the search, nor a failure of it break the
                // search.
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

    /// Opens everything anew, if that is possible; what was in flight is lost.
    pub fn reopen(&mut self) -> Result<(), Fault> {
        if let DeviceSource::Handed(..) = self.source {
            return Err(Fault::new(
                "the device was handed in and cannot be reopened",
            ));
        }
        match Self::open(self.source.clone(), self.wanted) {
            Ok(forms) => *self = forms,
            Err(SelfTestError::Faulty(fault)) => return Err(fault),
            Err(SelfTestError::Wrong) => return Err(Fault::new("it then computed wrong hashes")),
        }
        Ok(())
    }

    /// How far the traced form is.
    pub fn traced(&self) -> &TracedStatus {
        self.kernel.traced()
    }

    /// The wgpu device that takes the next dispatch.
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

    fn wait(&mut self, patience: Duration) -> Result<Option<Candidates>, Fault> {
        self.kernel.wait(patience)
    }
}
