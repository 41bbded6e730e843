//! Kernels that only have a number, and replace each other.

use super::*;
use std::collections::VecDeque;
use std::sync::mpsc::Sender;

/// A kernel that answers each dispatch with its own number and that of the
/// dispatch.
#[derive(Debug)]
struct Numbered {
    number: u32,
    in_flight: VecDeque<u32>,
    dropped: Option<Sender<u32>>,
}

impl Numbered {
    fn new(number: u32) -> Self {
        Numbered {
            number,
            in_flight: VecDeque::new(),
            dropped: None,
        }
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        if let Some(dropped) = &self.dropped {
            dropped.send(self.number).expect("the test listens");
        }
    }
}

impl Kernel for Numbered {
    fn capacity(&self) -> u32 {
        1
    }

    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault> {
        self.in_flight.push_back(params.start);
        Ok(())
    }

    fn wait(&mut self, _: Duration) -> Result<Option<Candidates>, Fault> {
        let Some(start) = self.in_flight.pop_front() else {
            return Err(Fault::new("nothing in flight"));
        };
        Ok(Some(Candidates {
            found: self.number,
            nonces: vec![start],
        }))
    }
}

fn submit(kernel: &mut Upgrading<Numbered>, start: u32) {
    let params = SearchParams {
        start,
        ..SearchParams::new([0; 8], [0; 3], 0)
    };
    assert_eq!(kernel.submit(&params), Ok(()));
}

/// The number of the kernel that answers, and of the dispatch.
fn answer(kernel: &mut Upgrading<Numbered>) -> (u32, u32) {
    let candidates = kernel.wait(Duration::ZERO).expect("no fault");
    let candidates = candidates.expect("it is done at once");
    (candidates.found, candidates.nonces[0])
}

/// A kernel whose successor is `compiled`, as soon as the test sends the
/// signal.
fn compiled_on_demand(
    compiled: impl FnOnce() -> Result<Numbered, SelfTestError> + Send + 'static,
) -> (Upgrading<Numbered>, Sender<()>) {
    let (now, when) = channel();
    let kernel = Upgrading::new(Numbered::new(1), move |_| {
        when.recv().expect("the test says when");
        compiled()
    });
    (kernel, now)
}

/// The result of a compilation.
type Compiled = fn() -> Result<Numbered, SelfTestError>;

/// Lets the compiler finish.
fn finish(kernel: &mut Upgrading<Numbered>, now: &Sender<()>) {
    now.send(()).expect("the compiler waits");
    let compiling = kernel.compiling.as_ref().expect("it still compiles");
    let thread = compiling.thread.as_ref().expect("not joined yet");
    while !thread.is_finished() {
        thread::yield_now();
    }
}

#[test]
fn what_is_in_flight_ends_on_the_kernel_that_has_it() {
    let (dropped, drops) = channel();
    let (mut kernel, now) = compiled_on_demand(|| Ok(Numbered::new(2)));
    kernel.current.dropped = Some(dropped);
    submit(&mut kernel, 10);
    submit(&mut kernel, 11);
    assert_eq!(answer(&mut kernel), (1, 10));
    assert_eq!(*kernel.traced(), TracedStatus::Compiling);

    finish(&mut kernel, &now);
    submit(&mut kernel, 12);
    assert_eq!(*kernel.traced(), TracedStatus::InUse);
    assert_eq!(answer(&mut kernel), (1, 11));
    submit(&mut kernel, 13);
    assert!(drops.try_recv().is_err());
    assert_eq!(answer(&mut kernel), (2, 12));
    assert_eq!(drops.try_recv(), Ok(1), "the first one is not kept");
    assert_eq!(answer(&mut kernel), (2, 13));
}

#[test]
fn what_cannot_be_used_is_told_and_not_used() {
    let cases: [(Compiled, &str); 3] = [
        (
            || Err(SelfTestError::Faulty(Fault::new("too long"))),
            "too long",
        ),
        (|| Err(SelfTestError::Wrong), "it computes wrong hashes"),
        (|| panic!("in the driver"), "the compiler panicked"),
    ];
    for (compiled, why) in cases {
        let (mut kernel, now) = compiled_on_demand(compiled);
        submit(&mut kernel, 10);
        finish(&mut kernel, &now);
        submit(&mut kernel, 11);
        assert_eq!(*kernel.traced(), TracedStatus::Unusable(why.into()));
        assert_eq!(answer(&mut kernel), (1, 10));
        assert_eq!(answer(&mut kernel), (1, 11));
    }
}

#[test]
fn dropping_it_tells_the_compiler_and_waits() {
    let (ended, ends) = channel();
    let kernel = Upgrading::new(Numbered::new(1), move |cancel| {
        while !cancel.is_cancelled() {
            thread::yield_now();
        }
        ended.send(()).expect("the test listens");
        Err(SelfTestError::Wrong)
    });
    drop(kernel);
    assert_eq!(ends.try_recv(), Ok(()));
}
