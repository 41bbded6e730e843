//! A process that mines, is stopped with SIGSTOP and goes on.
//!
//! It sleeps for 3 seconds, or for as many as `POW_SUSPEND_SECONDS` says.

use super::{Block, Recorder, SPACING};
use pow_core::search::Engine;
use pow_cpu::{CpuEngine, Kernel, Priority, Threads};
use pow_mine::{ChainClock, Miner};
use std::io::{BufRead, BufReader, Lines, Write};
use std::num::NonZeroUsize;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

tests! { difficulty_is_back_after_a_sleep }

/// The variable that makes this program the process that mines.
pub const CHILD: &str = "POW_TEST_MINES_UNTIL_KILLED";

/// Blocks until difficulty fits the machine. It starts at 16 zero bits.
const WARM_UP: usize = 400;

/// Blocks in which difficulty must be back, and blocks in which it is then measured.
const BACK: usize = 50;
const MEASURED: usize = 150;

/// Mines, and prints for each block its work, its hashes and the nanoseconds since the
/// start of the process. Ends if nobody reads.
pub fn mine_until_killed() {
    let one = NonZeroUsize::MIN;
    let engine = CpuEngine::new(Kernel::fastest(), Threads::new(one), Priority::Normal);
    let engine: Box<dyn Engine> = Box::new(engine);
    let mut recorder = Recorder::new(Miner::new(engine), ChainClock::new(None), 16);
    let (began, mut stdout) = (Instant::now(), std::io::stdout());
    loop {
        let Block { work, hashes, .. } = recorder.mine();
        let line = writeln!(stdout, "{work} {hashes} {}", began.elapsed().as_nanos());
        if line.and_then(|()| stdout.flush()).is_err() {
            return;
        }
    }
}

/// The process, which is killed at the end of the test.
struct Mining {
    child: Child,
    blocks: Lines<BufReader<ChildStdout>>,
}

/// A line of the process.
#[derive(Clone, Copy, Debug)]
struct Line {
    work: f64,
    hashes: f64,
    seconds: f64,
}

impl Mining {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        Mining {
            child,
            blocks: BufReader::new(stdout).lines(),
        }
    }

    fn next(&mut self) -> Line {
        let line = self.blocks.next().unwrap().unwrap();
        let mut numbers = line.split(' ').map(|number| number.parse::<f64>().unwrap());
        let mut number = || numbers.next().unwrap();
        Line {
            work: number(),
            hashes: number(),
            seconds: number() / 1e9,
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Mining {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How much harder the blocks are than the machine is fast, by what they really took.
fn factor(before: Line, blocks: &[Line]) -> f64 {
    let total = |of: fn(&Line) -> f64| blocks.iter().map(of).sum::<f64>();
    let took = blocks.last().unwrap().seconds - before.seconds;
    let rate = total(|line| line.hashes) / took;
    let work = total(|line| line.work) / blocks.len() as f64;
    work / rate / (SPACING as f64 / 1000.0)
}

/// What other programs take of the machine disturbs a measurement, so there are three.
fn difficulty_is_back_after_a_sleep() {
    let seconds = std::env::var("POW_SUSPEND_SECONDS").map_or(3.0, |text| text.parse().unwrap());
    let mut ratios = Vec::new();
    while !ratios
        .last()
        .is_some_and(|ratio| (0.5..2.0).contains(ratio))
    {
        assert!(
            ratios.len() < 3,
            "after the sleep, in times of before: {ratios:?}"
        );
        ratios.push(after_a_sleep(seconds));
    }
}

/// How difficulty is after a sleep, in times of what it was before.
fn after_a_sleep(seconds: f64) -> f64 {
    let mut mining = Mining::start();
    let mut last = mining.next();
    let mut blocks = Vec::new();
    for _ in 0..WARM_UP {
        last = mining.next();
        blocks.push(last);
    }
    let before = factor(
        blocks[WARM_UP - MEASURED - 1],
        &blocks[WARM_UP - MEASURED..],
    );
    mining.signal("-STOP");
    sleep(Duration::from_secs_f64(seconds));
    mining.signal("-CONT");
    // Blocks from before the stop may still be in the pipe.
    let asleep = loop {
        let line = mining.next();
        let passed = line.seconds - last.seconds;
        last = line;
        if passed > seconds / 2.0 {
            break passed;
        }
    };
    let mut after = vec![last];
    for _ in 0..BACK + MEASURED {
        after.push(mining.next());
    }
    let at_once = factor(after[0], &after[1..11]);
    let back = factor(after[BACK], &after[BACK + 1..]);
    println!(
        "asleep for {asleep:.1} s: difficulty was {before:.2} times what the machine can do, then \
         {at_once:.4}, and {BACK} blocks later {back:.4}"
    );
    back / before
}
