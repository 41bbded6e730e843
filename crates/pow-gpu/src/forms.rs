//! The two forms of the kernel, and devices for them.

use crate::adapter::{self, AdapterSummary};
use crate::device::{Device, Form};
use crate::kernel::{Candidates, Fault, Kernel};
use crate::self_test::{Unfit, tested};
use crate::upgrade::{Traced, Upgrading};
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
pub enum Source {
    /// An adapter, on which any number of devices can be opened.
    Adapter(AdapterSummary),
    /// Handed in.
    Handed(wgpu::Device, wgpu::Queue),
}

impl Source {
    /// A device with that form of the kernel, which has found what the
    /// reference finds.
    fn open(&self, form: Form, cancel: &CancelToken) -> Result<Device, Unfit> {
        let device = match self {
            Source::Adapter(summary) => Device::open(&adapter::find(summary)?, form)?,
            Source::Handed(device, queue) => Device::shared(device.clone(), queue.clone(), form)?,
        };
        tested(device, cancel)
    }
}

/// The kernel in whichever form there is, the better one as soon as it is
/// ready.
#[derive(Debug)]
pub struct Forms {
    source: Source,
    wanted: KernelForm,
    kernel: Upgrading<Device>,
}

impl Forms {
    /// Opens what `wanted` begins with.
    pub fn open(source: Source, wanted: KernelForm) -> Result<Self, Unfit> {
        let open = |form| source.open(form, &CancelToken::new());
        let kernel = match wanted {
            KernelForm::Best => {
                let source = source.clone();
                // A device of its own, where that is possible: the compilation
                // then cannot hold up the search, nor a failure of it break the
                // search.
                Upgrading::new(open(Form::Loop)?, move |cancel| {
                    source.open(Form::Traced, cancel)
                })
            }
            KernelForm::Loop => Upgrading::settled(open(Form::Loop)?, Traced::NotWanted),
            KernelForm::Traced => Upgrading::settled(open(Form::Traced)?, Traced::InUse),
        };
        Ok(Forms {
            source,
            wanted,
            kernel,
        })
    }

    /// Opens everything anew, if that is possible; what was in flight is lost.
    pub fn reopen(&mut self) -> Result<(), Fault> {
        if let Source::Handed(..) = self.source {
            return Err(Fault::new(
                "the device was handed in and cannot be reopened",
            ));
        }
        match Self::open(self.source.clone(), self.wanted) {
            Ok(forms) => *self = forms,
            Err(Unfit::Faulty(fault)) => return Err(fault),
            Err(Unfit::Wrong) => return Err(Fault::new("it then computed wrong hashes")),
        }
        Ok(())
    }

    /// How far the traced form is.
    pub fn traced(&self) -> &Traced {
        self.kernel.traced()
    }

    /// The wgpu device that takes the next dispatch.
    pub fn wgpu(&self) -> &wgpu::Device {
        self.kernel.current().wgpu()
    }
}

impl Kernel for Forms {
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
