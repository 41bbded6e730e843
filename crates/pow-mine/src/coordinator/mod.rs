//! Several engines that work as one.

mod plan;
mod speed;

use crate::worker::Worker;
use plan::{Piece, Plan};
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};
use speed::EngineSpeed;
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
/// If an engine proposes a wrong nonce, its piece is searched again, by whichever
/// engine is free. With its third wrong nonce since its last hit, the engine has
/// failed. If an engine fails or panics, the others search its piece, and it gets no
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
            .filter(|(_, member)| !member.worker.has_failed())
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
            && !first.worker.has_failed()
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
            Some(error) if is_unfinished => Err(EngineError::Device {
                engine: self.name(),
                message: format!("all its engines failed, at last {error}"),
            }),
            _ => Ok(found),
        }
    }

    fn wrong_nonces(&self) -> u64 {
        let each = self
            .members
            .iter()
            .map(|member| member.worker.wrong_nonces());
        each.sum()
    }

    fn failures(&self) -> Vec<EngineError> {
        let failed = self.members.iter().map(|member| member.worker.failures());
        failed.flatten().collect()
    }
}

/// An engine, with its speed.
struct Member {
    worker: Worker,
    speed: EngineSpeed,
}

impl Member {
    fn new(engine: Box<dyn Engine>) -> Self {
        Member {
            worker: Worker::new(engine),
            speed: EngineSpeed::default(),
        }
    }

    fn name(&self) -> String {
        let name = self.worker.name();
        match self.worker.has_failed() {
            true => format!("{name}, failed"),
            false => name,
        }
    }

    /// `None` if it has failed.
    fn speed(&self) -> Option<EngineSpeed> {
        (!self.worker.has_failed()).then_some(self.speed)
    }

    /// Searches one piece after another, until no piece is left.
    fn work(&mut self, number: usize, plan: &Plan) {
        while !self.worker.has_failed()
            && let Some(piece) = plan.take(number, None)
        {
            self.search(number, plan, &piece);
        }
    }

    fn search(&mut self, number: usize, plan: &Plan, piece: &Piece) {
        let began = Instant::now();
        match (self.worker).search(&piece.job, plan.limit(), &piece.cancel) {
            Ok(found) => plan.report(number, piece, &found, began.elapsed()),
            Err(_) => {
                if self.worker.has_failed() {
                    plan.leave(number);
                }
                plan.give_back(piece);
            }
        }
    }
}
