//! Replaces a kernel by a better one, which is still being compiled.

use crate::kernel::{Candidates, Fault, Kernel};
use crate::self_test::SelfTestError;
use pow_core::search::CancelToken;
use pow_kernels::SearchParams;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The status of the kernel's traced form, which is the fast one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TracedStatus {
    /// It is being compiled. The loop form searches.
    Compiling,
    /// It searches.
    InUse,
    /// It cannot be used, for this reason. The loop form searches.
    Unusable(String),
    /// It was not asked for.
    NotWanted,
}

/// Runs a kernel, and then another one as soon as that is ready.
#[derive(Debug)]
pub struct Upgrading<K> {
    current: K,
    /// The kernel before `current`, and how many dispatches are in flight on
    /// it.
    retiring: Option<(K, usize)>,
    in_flight: usize,
    traced: TracedStatus,
    compiling: Option<Compiling<K>>,
}

impl<K: Kernel + Send + 'static> Upgrading<K> {
    /// A kernel that is not replaced.
    pub fn settled(kernel: K, traced: TracedStatus) -> Self {
        Upgrading {
            current: kernel,
            retiring: None,
            in_flight: 0,
            traced,
            compiling: None,
        }
    }

    /// A kernel in loop form. `compile` opens and tests the one in traced form,
    /// on its own thread. Its token is cancelled if nobody needs the result any
    /// more.
    pub fn new(
        kernel: K,
        compile: impl FnOnce(&CancelToken) -> Result<K, SelfTestError> + Send + 'static,
    ) -> Self {
        let mut upgrading = Self::settled(kernel, TracedStatus::Compiling);
        match Compiling::start(compile) {
            Ok(compiling) => upgrading.compiling = Some(compiling),
            Err(fault) => upgrading.traced = TracedStatus::Unusable(fault.to_string()),
        }
        upgrading
    }

    /// How far the traced form is.
    pub fn traced(&self) -> &TracedStatus {
        &self.traced
    }

    /// The kernel for the next dispatch.
    pub fn current(&self) -> &K {
        &self.current
    }

    /// Takes the other kernel if it is ready.
    fn upgrade(&mut self) {
        let Some(compiled) = self.compiling.as_ref().and_then(Compiling::ready) else {
            return;
        };
        self.compiling = None;
        self.traced = match compiled {
            Ok(kernel) => {
                let before = std::mem::replace(&mut self.current, kernel);
                self.retiring = Some((before, std::mem::take(&mut self.in_flight)));
                TracedStatus::InUse
            }
            Err(SelfTestError::Faulty(fault)) => TracedStatus::Unusable(fault.to_string()),
            Err(SelfTestError::Wrong) => TracedStatus::Unusable("it computes wrong hashes".into()),
        };
    }
}

impl<K: Kernel + Send + 'static> Kernel for Upgrading<K> {
    fn capacity(&self) -> u32 {
        self.current.capacity()
    }

    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault> {
        self.upgrade();
        self.current.submit(params)?;
        self.in_flight += 1;
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) -> Result<Option<Candidates>, Fault> {
        self.retiring.take_if(|(_, in_flight)| *in_flight == 0);
        let (kernel, in_flight) = match &mut self.retiring {
            Some((kernel, in_flight)) => (kernel, in_flight),
            None => (&mut self.current, &mut self.in_flight),
        };
        let candidates = kernel.wait(timeout)?;
        if candidates.is_some() {
            *in_flight = in_flight.saturating_sub(1);
        }
        Ok(candidates)
    }
}

/// How long to wait for a compiler that nobody needs any more. A program that
/// ends while a driver compiles can crash. This happened with Mesa, which
/// compiles for a second or two. DirectX's old compiler may need minutes, but
/// Windows ends the thread before the driver.
const LEAVE: Duration = Duration::from_secs(10);

/// A kernel that is being compiled.
#[derive(Debug)]
struct Compiling<K> {
    compiled: Receiver<Result<K, SelfTestError>>,
    thread: Option<JoinHandle<()>>,
    /// Cancelled if nobody waits for the result.
    cancel: CancelToken,
}

impl<K: Send + 'static> Compiling<K> {
    fn start(
        compile: impl FnOnce(&CancelToken) -> Result<K, SelfTestError> + Send + 'static,
    ) -> Result<Self, Fault> {
        let (sender, compiled) = channel();
        let cancel = CancelToken::new();
        let cancelled = cancel.clone();
        let work = move || {
            // Perhaps nobody waits for the result any more.
            let _ = sender.send(compile(&cancelled));
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

    /// The result, if it is ready.
    fn ready(&self) -> Option<Result<K, SelfTestError>> {
        match self.compiled.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(SelfTestError::Faulty(Fault::new(
                "the compiler panicked",
            )))),
        }
    }
}

impl<K> Drop for Compiling<K> {
    fn drop(&mut self) {
        self.cancel.cancel();
        let waited = self.compiled.recv_timeout(LEAVE);
        let gone = !matches!(waited, Err(RecvTimeoutError::Timeout));
        if let Some(thread) = self.thread.take_if(|_| gone) {
            // A panic was already reported as a missing result.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
