//! Several engines that work as one.

mod plan;
mod speed;

use plan::{Piece, Plan};
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};
use speed::EngineSpeed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

/// Several engines that search one range, each on its own thread: several GPUs,
/// or the CPU and a GPU.
///
/// The range is divided into pieces. A faster engine gets longer pieces; speed
/// is measured in the pieces before. Pieces get shorter towards the end of the
/// range, so all engines finish at about the same time. The first engine starts
/// alone. The others join if the search takes longer than about 2 ms. So the
/// first engine should be the one that answers soonest, which is the CPU.
///
/// With [`HitLimit::Any`], which a [`Miner`](crate::Miner) uses, the first
/// engine that has a hit stops the others. With [`HitLimit::First`], the parts
/// before a hit are searched to their end, because an earlier nonce may be a
/// hit too.
///
/// If an engine fails or panics, the others search its piece, and it gets no
/// more pieces. [`failures`](Engine::failures) and the name report it. The
/// search fails only if all engines have failed.
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

/// How long the first engine searches alone, if its speed is known.
const ALONE: Duration = Duration::from_millis(2);

/// How many nonces it searches alone, if its speed is not yet known.
const ALONE_AT_FIRST: u64 = 1 << 14;

impl Coordinator {
    /// Makes one engine of several. `first` starts each search, and `others`
    /// join.
    pub fn new(first: Box<dyn Engine>, others: Vec<Box<dyn Engine>>) -> Self {
        let members = std::iter::once(first).chain(others).map(Member::new);
        Coordinator {
            members: members.collect(),
        }
    }

    /// Carries out the plan, as far as the engines can.
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
        // Most searches of low difficulty end here, without a thread.
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

/// An engine, with its speed and its failure.
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

    /// Its own failure, or the failures of its parts.
    fn failures(&self) -> Vec<EngineError> {
        match &self.failed {
            Some(error) => vec![error.clone()],
            None => self.engine.failures(),
        }
    }

    /// `None` if it has failed.
    fn speed(&self) -> Option<EngineSpeed> {
        self.failed.is_none().then_some(self.speed)
    }

    /// Searches one piece after another, until no piece is left.
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

    /// The answer, if it is a valid answer for this piece.
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
