//! Several engines as one.

mod plan;
mod speed;

use plan::{Piece, Plan};
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};
use speed::EngineSpeed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

/// Several engines, each on a thread of its own, that search one range: several
/// GPUs, or the CPU and a GPU.
///
/// Pieces of the range are as long as the engine that takes them is fast, as
/// measured in the pieces before, and get shorter towards the end, so that all
/// engines come back at about the same time. The first engine begins alone, and
/// the others join in where a search lasts longer than about 2 ms: give the one
/// first that answers soonest, which is the CPU.
///
/// With [`HitLimit::Any`], which is what a [`Miner`](crate::Miner) asks for, the
/// first engine that has a hit stops the others. With [`HitLimit::First`] the
/// parts before a hit are searched to their end, because an earlier nonce may
/// hold as well.
///
/// What an engine that fails or panics left undone, the others search. It takes
/// no part any more; [`failures`](Engine::failures) and the name tell of it. Only
/// once all have failed is it an error.
///
/// ```
/// use pow_core::header::{Header, Nonce};
/// use pow_core::search::*;
/// use pow_core::target::Target;
/// use pow_mine::Coordinator;
///
/// let mut both = Coordinator::new(Box::new(Reference), vec![Box::new(Reference)]);
/// let range = NonceRange::new(Nonce(0), 50_000)?;
/// let job = Job::new(Header::from_bytes(&[0; 80]), Target::LIMIT, range);
/// let found = both.search(&job, HitLimit::All, &CancelToken::new())?;
/// assert_eq!(found.scanned, 50_000);
/// assert!(both.failures().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Coordinator {
    members: Vec<Member>,
}

/// How long the first engine searches alone, once its speed is known.
const ALONE: Duration = Duration::from_millis(2);

/// How many nonces it searches alone before.
const ALONE_AT_FIRST: u64 = 1 << 14;

impl Coordinator {
    /// The engine that begins, and those that join in.
    pub fn new(first: Box<dyn Engine>, others: Vec<Box<dyn Engine>>) -> Self {
        let members = std::iter::once(first).chain(others).map(Member::new);
        Coordinator {
            members: members.collect(),
        }
    }

    /// Carries out the plan as far as the engines can.
    fn carry_out(&mut self, plan: &Plan) {
        let mut at_work: Vec<(usize, &mut Member)> = self
            .members
            .iter_mut()
            .enumerate()
            .filter(|(_, member)| member.failed.is_none())
            .collect();
        let Some((number, first)) = at_work.first_mut() else {
            return;
        };
        let alone = plan.nonces_in(*number, ALONE).unwrap_or(ALONE_AT_FIRST);
        let alone = alone.max(1);
        if let Some(piece) = plan.take(*number, Some(alone)) {
            first.search(*number, plan, &piece);
        }
        if plan.remaining() <= alone
            && first.failed.is_none()
            && let Some(rest) = plan.take(*number, Some(alone))
        {
            first.search(*number, plan, &rest);
        }
        // Most searches of a small difficulty end here, without a thread.
        if plan.remaining() == 0 {
            return;
        }
        thread::scope(|scope| {
            let mut at_work = at_work.into_iter();
            let here = at_work.next();
            for (number, member) in at_work {
                scope.spawn(move || member.work(number, plan));
            }
            if let Some((number, member)) = here {
                member.work(number, plan);
            }
        });
    }
}

impl Engine for Coordinator {
    fn name(&self) -> String {
        let names: Vec<String> = self.members.iter().map(Member::name).collect();
        names.join(" + ")
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        let speeds = self.members.iter().map(Member::speed).collect();
        let plan = Plan::new(*job, limit, cancel.clone(), speeds);
        self.carry_out(&plan);
        let is_unfinished = plan.remaining() > 0 && !cancel.is_cancelled();
        let (found, speeds) = plan.finish();
        for (member, speed) in self.members.iter_mut().zip(speeds) {
            member.speed = speed.unwrap_or_default();
        }
        match self.failures().pop() {
            Some(error) if is_unfinished => Err(error),
            _ => Ok(found),
        }
    }

    fn failures(&self) -> Vec<EngineError> {
        let failed = self.members.iter().map(Member::failures);
        failed.flatten().collect()
    }
}

/// An engine, and what is known of it.
struct Member {
    engine: Box<dyn Engine>,
    speed: EngineSpeed,
    failed: Option<EngineError>,
}

impl Member {
    fn new(engine: Box<dyn Engine>) -> Self {
        Member {
            engine,
            speed: EngineSpeed::default(),
            failed: None,
        }
    }

    fn name(&self) -> String {
        let name = self.engine.name();
        match self.failed {
            Some(_) => format!("{name}, failed"),
            None => name,
        }
    }

    /// Its own, or those of its parts.
    fn failures(&self) -> Vec<EngineError> {
        match &self.failed {
            Some(error) => vec![error.clone()],
            None => self.engine.failures(),
        }
    }

    /// None if it takes no part.
    fn speed(&self) -> Option<EngineSpeed> {
        self.failed.is_none().then_some(self.speed)
    }

    /// Searches piece after piece until there is none left.
    fn work(&mut self, number: usize, plan: &Plan) {
        while self.failed.is_none()
            && let Some(piece) = plan.take(number, None)
        {
            self.search(number, plan, &piece);
        }
    }

    fn search(&mut self, number: usize, plan: &Plan, piece: &Piece) {
        let began = Instant::now();
        // A panic must not leave the others waiting for this piece.
        let searched = catch_unwind(AssertUnwindSafe(|| {
            (self.engine).search(&piece.job, plan.limit(), &piece.cancel)
        }));
        let searched = searched.unwrap_or_else(|_| Err(self.device_error("it panicked")));
        match searched.and_then(|found| self.checked(found, plan.limit(), piece)) {
            Ok(found) => plan.report(number, piece, &found, began.elapsed()),
            Err(error) => {
                self.failed = Some(error);
                plan.give_back(number, piece);
            }
        }
    }

    /// The answer, if it is one to this piece.
    fn checked(&self, found: Found, limit: HitLimit, piece: &Piece) -> Result<Found, EngineError> {
        let job = &piece.job;
        found.check_for(job, self.engine.as_ref())?;
        let is_done = found.scanned == job.range().len()
            || piece.cancel.is_cancelled()
            || (limit.is_one() && !found.hits.is_empty());
        if is_done && found.scanned <= job.range().len() {
            Ok(found)
        } else {
            Err(self.device_error("it did not search the whole range"))
        }
    }

    fn device_error(&self, message: &str) -> EngineError {
        EngineError::Device {
            engine: self.engine.name(),
            message: message.into(),
        }
    }
}
