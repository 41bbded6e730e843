//! From a kernel that is there to a better one that is still being compiled.

use crate::kernel::{Candidates, Fault, Kernel};
use crate::self_test::SelfTestError;
use pow_core::search::CancelToken;
use pow_kernels::SearchParams;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How far the traced form of the kernel is, which is the fast one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TracedStatus {
    /// It compiles, while the loop form searches.
    Compiling,
    /// It searches.
    InUse,
    /// It cannot be used, so the loop form goes on; why.
    Unusable(String),
    /// It was not asked for.
    NotWanted,
}

/// Runs a kernel, and another one as soon as that is ready.
#[derive(Debug)]
pub struct Upgrading<K> {
    current: K,
    /// The kernel before `current`, with how many dispatches are in flight on
    /// it.
    retiring: Option<(K, usize)>,
    in_flight: usize,
    traced: TracedStatus,
    compiling: Option<Compiling<K>>,
}

impl<K: Kernel + Send + 'static> Upgrading<K> {
    /// A kernel that stays.
    pub fn settled(kernel: K, traced: TracedStatus) -> Self {
        Upgrading {
            current: kernel,
            retiring: None,
            in_flight: 0,
            traced,
            compiling: None,
        }
    }

    /// A kernel in loop form, and one in traced form that `compile` opens and
    /// tests on a thread of its own. Once nobody wants that any more, its token
    /// is cancelled.
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

    /// The kernel that takes the next dispatch.
    pub fn current(&self) -> &K {
        &self.current
    }

    /// Takes the other kernel if it has become ready.
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

    fn wait(&mut self, patience: Duration) -> Result<Option<Candidates>, Fault> {
        self.retiring.take_if(|(_, in_flight)| *in_flight == 0);
        let (kernel, in_flight) = match &mut self.retiring {
            Some((kernel, in_flight)) => (kernel, in_flight),
            None => (&mut self.current, &mut self.in_flight),
        };
        let candidates = kernel.wait(patience)?;
        if candidates.is_some() {
            *in_flight = in_flight.saturating_sub(1);
        }
        Ok(candidates)
    }
}

/// How long to wait for a compiler that nobody needs any more. A program that
/// ends while a driver compiles can crash: seen with Mesa, whose compilation
/// takes a second or two. Where it takes minutes, which is to be feared of
/// DirectX's old compiler, Windows ends the thread before the driver.
const LEAVE: Duration = Duration::from_secs(10);

/// A kernel on its way.
#[derive(Debug)]
struct Compiling<K> {
    compiled: Receiver<Result<K, SelfTestError>>,
    thread: Option<JoinHandle<()>>,
    /// Set once nobody waits for the result.
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
            // Nobody may be left to take it.
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

    /// The result, once it is there.
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
            // A panic was told as a missing result.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
