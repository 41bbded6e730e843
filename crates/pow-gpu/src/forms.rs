//! From the form of the kernel that compiles at once to the fast one.

use crate::adapter::{self, AdapterSummary};
use crate::device::{Device, Form};
use crate::kernel::{Candidates, Fault, Kernel};
use crate::self_test::{Unfit, tested};
use crate::slot::CAPACITY;
use pow_core::search::CancelToken;
use pow_kernels::SearchParams;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread::{self, JoinHandle};
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

/// How far the traced form of the kernel is, which is the fast one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// It compiles, while the loop form searches.
    Compiling,
    /// It searches.
    InUse,
    /// It cannot be used, so the loop form goes on; why.
    Unusable(String),
    /// It was not asked for.
    NotWanted,
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
    current: Device,
    /// The device before `current`, until what is in flight on it is done.
    retiring: Option<Device>,
    traced: Traced,
    compiling: Option<Compiling>,
}

impl Forms {
    pub fn open(source: Source, wanted: KernelForm) -> Result<Self, Unfit> {
        let (form, traced) = match wanted {
            KernelForm::Best => (Form::Loop, Traced::Compiling),
            KernelForm::Loop => (Form::Loop, Traced::NotWanted),
            KernelForm::Traced => (Form::Traced, Traced::InUse),
        };
        let current = source.open(form, &CancelToken::new())?;
        let mut forms = Forms {
            source,
            wanted,
            current,
            retiring: None,
            traced,
            compiling: None,
        };
        if wanted == KernelForm::Best {
            match Compiling::start(forms.source.clone()) {
                Ok(compiling) => forms.compiling = Some(compiling),
                Err(fault) => forms.traced = Traced::Unusable(fault.to_string()),
            }
        }
        Ok(forms)
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
        &self.traced
    }

    /// The wgpu device that takes the next dispatch.
    pub fn wgpu(&self) -> &wgpu::Device {
        self.current.wgpu()
    }

    /// Takes the traced form if it has become ready.
    fn upgrade(&mut self) {
        let Some(compiled) = self.compiling.as_ref().and_then(Compiling::ready) else {
            return;
        };
        self.compiling = None;
        self.traced = match compiled {
            Ok(device) => {
                self.retiring = Some(std::mem::replace(&mut self.current, device));
                Traced::InUse
            }
            Err(Unfit::Faulty(fault)) => Traced::Unusable(fault.to_string()),
            Err(Unfit::Wrong) => Traced::Unusable("it computes wrong hashes".into()),
        };
    }
}

impl Kernel for Forms {
    fn capacity(&self) -> u32 {
        CAPACITY
    }

    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault> {
        self.upgrade();
        self.current.submit(params)
    }

    fn wait(&mut self, patience: Duration) -> Result<Option<Candidates>, Fault> {
        self.retiring.take_if(|device| device.is_idle());
        self.retiring
            .as_mut()
            .unwrap_or(&mut self.current)
            .wait(patience)
    }
}

/// How long to wait for a compiler that nobody needs any more. A program that
/// ends while a driver compiles can crash: seen with Mesa, whose compilation
/// takes a second or two. Where it takes minutes, which is to be feared of
/// DirectX's old compiler, Windows ends the thread before the driver.
const LEAVE: Duration = Duration::from_secs(10);

/// The traced form on its way, on a thread of its own: straight-line code of
/// some thousand operations takes some compilers very long.
#[derive(Debug)]
struct Compiling {
    compiled: Receiver<Result<Device, Unfit>>,
    thread: Option<JoinHandle<()>>,
    /// Set once nobody waits for the result.
    cancel: CancelToken,
}

impl Compiling {
    fn start(source: Source) -> Result<Self, Fault> {
        let (sender, compiled) = channel();
        let cancel = CancelToken::new();
        let cancelled = cancel.clone();
        // A device of its own, where that is possible: the compilation then
        // cannot hold up the search, nor a failure of it break the search.
        let work = move || {
            let _ = sender.send(source.open(Form::Traced, &cancelled));
        };
        let thread = thread::Builder::new()
            .name("pow-gpu compiler".into())
            .spawn(work)
            .map_err(Fault::new)?;
        Ok(Compiling {
            compiled,
            thread: Some(thread),
            cancel,
        })
    }

    /// The result, once it is there.
    fn ready(&self) -> Option<Result<Device, Unfit>> {
        match self.compiled.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(Unfit::Faulty(Fault::new("the compiler panicked"))))
            }
        }
    }
}

impl Drop for Compiling {
    fn drop(&mut self) {
        self.cancel.cancel();
        // Either there is a result, or the thread has sent it or panicked.
        let waited = self.compiled.recv_timeout(LEAVE);
        let gone = !matches!(waited, Err(RecvTimeoutError::Timeout));
        if let Some(thread) = self.thread.take_if(|_| gone) {
            // A panic was told as a missing result.
            let _ = thread.join();
        }
    }
}
