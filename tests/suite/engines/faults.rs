//! Engines that are wrong or get lost while a miner seals blocks.

use super::{Fake, lie};
use pow_core::block::{Block, Template};
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::header::HeaderTime;
use pow_core::search::{
    CancelToken, Engine, EngineError, Found, HitLimit, Job, NonceRange, Reference,
};
use pow_mine::{Coordinator, CpuShare, MineError, Miner};
use pow_tests::fixture::bits;

tests! {
    a_wrong_nonce_is_counted_and_searched_again, seldom_wrong_is_not_failed,
    always_wrong_is_replaced_by_the_cpu, a_lost_device_is_replaced_by_the_cpu,
    nothing_is_left_out_of_the_search, a_panic_and_an_idle_engine_are_replaced_too,
    engines_that_are_all_lost_are_replaced, without_a_replacement_it_is_an_error,
    a_stop_ends_it, one_of_several_may_be_wrong
}

/// So hard that no hit of an easier job meets it by chance, and soon mined.
fn template(height: u32) -> Template {
    Template {
        height: Height::new(height).unwrap(),
        prev: BlockHash([3; 32]),
        time: HeaderTime(1_700_000_000),
        bits: bits(18),
        commitment: BodyCommitment([4; 32]),
    }
}

/// What an engine that is never wrong finds first.
fn honest(height: u32) -> Block {
    let mut miner = Miner::new(Box::new(Reference));
    *mine(&mut miner, height).unwrap().block()
}

fn mine(miner: &mut Miner, height: u32) -> Result<pow_mine::Mined, MineError> {
    miner.mine(&template(height), &CancelToken::new())
}

/// What an engine does in a search.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Honest,
    Wrong,
    Lost,
    Panics,
    /// Says that it searched nothing.
    Idle,
}

/// An engine that answers by the number of the search, counted from 0.
fn engine(answer: impl Fn(usize) -> Answer + Send + 'static) -> Box<dyn Engine> {
    let mut searches = 0;
    Box::new(Fake(
        move |job: &Job, limit: HitLimit, cancel: &CancelToken| {
            let number = searches;
            searches += 1;
            match answer(number) {
                Answer::Honest => Reference.search(job, limit, cancel),
                Answer::Wrong => lie(job, limit, cancel),
                Answer::Lost => Err(EngineError::Device {
                    engine: "fake".into(),
                    message: "device lost".into(),
                }),
                Answer::Panics => panic!("a fake panic, which belongs to the test"),
                Answer::Idle => Ok(Found::default()),
            }
        },
    ))
}

fn or_cpu(engine: Box<dyn Engine>) -> Miner {
    Miner::new(engine).or_cpu(CpuShare::default())
}

fn failures(miner: &Miner) -> Vec<String> {
    miner.failures().iter().map(ToString::to_string).collect()
}

fn a_wrong_nonce_is_counted_and_searched_again() {
    for wrong in 0..3 {
        let mut miner = or_cpu(engine(move |search| match search == wrong {
            true => Answer::Wrong,
            false => Answer::Honest,
        }));
        for height in 20..25 {
            assert_eq!(*mine(&mut miner, height).unwrap().block(), honest(height));
        }
        assert_eq!((miner.wrong_nonces(), miner.failures()), (1, vec![]));
        assert_eq!(miner.engine_name(), "fake");
    }
}

/// Two wrong nonces before each hit, for ever.
fn seldom_wrong_is_not_failed() {
    let mut wrong = 0;
    let mut miner = or_cpu(Box::new(Fake(
        move |job: &Job, limit, cancel: &CancelToken| {
            if wrong < 2 {
                wrong += 1;
                return lie(job, limit, cancel);
            }
            let found = Reference.search(job, limit, cancel)?;
            if !found.hits.is_empty() {
                wrong = 0;
            }
            Ok(found)
        },
    )));
    for height in 20..30 {
        assert_eq!(*mine(&mut miner, height).unwrap().block(), honest(height));
    }
    assert_eq!((miner.wrong_nonces(), miner.failures()), (20, vec![]));
}

fn always_wrong_is_replaced_by_the_cpu() {
    let mut miner = or_cpu(engine(|_| Answer::Wrong));
    for height in 20..23 {
        assert_eq!(*mine(&mut miner, height).unwrap().block(), honest(height));
    }
    assert_eq!(miner.wrong_nonces(), 3);
    assert!(failures(&miner)[0].starts_with("engine fake proposed nonce"));
    assert_eq!(miner.failures().len(), 1);
    assert!(miner.engine_name().starts_with("cpu"));
}

fn a_lost_device_is_replaced_by_the_cpu() {
    // At once, in the middle of a block or between blocks.
    for lost in [0, 1, 2, 5, 9] {
        let mut miner = or_cpu(engine(move |search| match search < lost {
            true => Answer::Honest,
            false => Answer::Lost,
        }));
        for height in 20..30 {
            assert_eq!(
                *mine(&mut miner, height).unwrap().block(),
                honest(height),
                "{lost}"
            );
        }
        assert_eq!(failures(&miner), ["engine fake: device lost"]);
        assert!(miner.engine_name().starts_with("cpu"));
    }
}

/// The device is lost in the very search that would have found the first hit, in the
/// second piece of the range.
fn nothing_is_left_out_of_the_search() {
    let is_late = |height: &u32| (70_000..150_000).contains(&honest(*height).header.nonce.0);
    let height = (20..500).find(is_late).unwrap();
    for fault in [Answer::Lost, Answer::Wrong] {
        let mut miner = or_cpu(engine(move |search| match search {
            0 => Answer::Honest,
            _ => fault,
        }));
        assert_eq!(
            *mine(&mut miner, height).unwrap().block(),
            honest(height),
            "{fault:?}"
        );
        assert_eq!(miner.failures().len(), 1);
    }
}

fn a_panic_and_an_idle_engine_are_replaced_too() {
    for (answer, says) in [
        (Answer::Panics, "engine fake: it panicked"),
        (
            Answer::Idle,
            "engine fake: it did not search the whole range",
        ),
    ] {
        let mut miner = or_cpu(engine(move |_| answer));
        assert_eq!(*mine(&mut miner, 20).unwrap().block(), honest(20));
        assert_eq!(failures(&miner), [says]);
    }
}

fn engines_that_are_all_lost_are_replaced() {
    let first = engine(|search| {
        if search < 3 {
            Answer::Honest
        } else {
            Answer::Lost
        }
    });
    let second = engine(|_| Answer::Wrong);
    let mut miner = or_cpu(Box::new(Coordinator::new(first, vec![second])));
    for height in 20..30 {
        let mined = mine(&mut miner, height).unwrap();
        assert!(
            template(height)
                .bits
                .decode()
                .unwrap()
                .is_met_by(mined.hash())
        );
    }
    // Each part is named, and the whole is not.
    let failures = failures(&miner);
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert_eq!(failures[0], "engine fake: device lost");
    assert!(failures[1].starts_with("engine fake proposed nonce"));
    assert_eq!(miner.wrong_nonces(), 3);
    assert!(miner.engine_name().starts_with("cpu"));
}

fn without_a_replacement_it_is_an_error() {
    for answer in [Answer::Wrong, Answer::Lost, Answer::Panics, Answer::Idle] {
        let mut miner = Miner::new(engine(move |_| answer));
        for _ in 0..2 {
            let mined = mine(&mut miner, 20);
            assert!(
                matches!(mined, Err(MineError::Engine(_))),
                "{answer:?}: {mined:?}"
            );
        }
        assert_eq!(miner.failures().len(), 1);
    }
}

/// Also if the engine that it stops is wrong or lost in that moment.
fn a_stop_ends_it() {
    for answer in [Answer::Wrong, Answer::Lost] {
        let cancel = CancelToken::new();
        let stop = cancel.clone();
        let mut miner = or_cpu(engine(move |_| {
            stop.cancel();
            answer
        }));
        let mined = miner.mine(&template(20), &cancel);
        assert!(
            matches!(mined, Err(MineError::Cancelled)),
            "{answer:?}: {mined:?}"
        );
    }
}

/// Its piece is searched again, and it stays.
fn one_of_several_may_be_wrong() {
    for wrong in 0..4 {
        let both = move |search| {
            if search == wrong {
                Answer::Wrong
            } else {
                Answer::Honest
            }
        };
        let mut engine = Coordinator::new(engine(both), vec![engine(|_| Answer::Honest)]);
        let range = NonceRange::new(pow_core::header::Nonce(5), 600_000).unwrap();
        // As a check that the fake is wrong at all: no hit of an easier job meets this.
        let job = super::job(12, pow_tests::oracle::target(100_000), 5, range.len());
        let found = engine
            .search(&job, HitLimit::All, &CancelToken::new())
            .unwrap();
        assert_eq!(found, super::all(&mut Reference, &job).unwrap());
        assert_eq!(
            (engine.wrong_nonces(), engine.failures()),
            (1, vec![]),
            "{wrong}"
        );
    }
}
