//! Trainings that are stopped or refused, and one whose messages nobody reads.

use crate::program::{example, says, says_none};
use crate::runs::verified;
use pow_ledger::RunDir;
use std::io::Read;
use tempfile::TempDir;

tests! {
    mod #[cfg(unix)] ctrl_c;
    a_closed_stderr_does_not_end_the_training, what_is_refused_leaves_no_directory
}

/// A run that is not there yet, in a temporary directory.
fn new_run() -> (TempDir, RunDir) {
    let place = TempDir::new().unwrap();
    let run = RunDir::new(place.path().join("run"));
    (place, run)
}

fn a_closed_stderr_does_not_end_the_training() {
    let (_place, run) = new_run();
    let mut program = example("digits", &run, "--epochs 1 --zero-bits 4");
    drop(program.0.stderr.take());
    let mut stdout = String::new();
    let mut pipe = program.0.stdout.take().unwrap();
    pipe.read_to_string(&mut stdout).unwrap();
    assert!(program.0.wait().unwrap().success(), "{stdout}");
    says(&stdout, ["recorded        45 steps"]);
    verified(&run);
}

fn what_is_refused_leaves_no_directory() {
    for (options, code, words) in [
        ("--spacing nan", 2, "between 0.001 and 31536000"),
        ("--spacing 0", 2, "between 0.001 and 31536000"),
        ("--spacing 1e19", 2, "between 0.001 and 31536000"),
        ("--zero-bits 256", 1, "zero bits"),
        ("--mode gate --commit-every 2", 1, "commit interval of 1"),
        #[cfg(not(feature = "wgpu"))]
        ("--device gpu", 1, "--features wgpu"),
    ] {
        let (_place, run) = new_run();
        let stderr = example("digits", &run, options).ended(code).stderr;
        says(&stderr, [words]);
        says_none(&stderr, ["panicked"]);
        assert!(!run.path().exists(), "{options}");
    }
}

/// Windows has no program that presses Ctrl-C in another console.
#[cfg(unix)]
mod ctrl_c {
    use super::{RunDir, new_run};
    use crate::program::{Program, ends, example};
    use crate::runs::{has_ended, same, verified};
    use std::io::{BufRead, BufReader, Read};
    use std::process::{ChildStderr, Command};

    tests! {
        ends_the_mining_of_the_last_blocks, stops_the_training,
        pauses_a_run_that_resumes_to_the_same_end, twice_kills_the_program,
        a_scheduler_starts_the_same_command_until_the_run_has_ended
    }

    /// A training, whose standard error is read line by line.
    struct Training {
        program: Program,
        stderr: BufReader<ChildStderr>,
    }

    impl Training {
        fn start(run: &RunDir, options: &str) -> Self {
            let mut program = example("digits", run, options);
            let stderr = program.stderr();
            Training { program, stderr }
        }

        /// Whether a further line starts with these words. Reads up to that line.
        fn says(&mut self, words: &str) -> bool {
            let mut lines = self.stderr.by_ref().lines();
            lines.any(|line| line.unwrap().starts_with(words))
        }

        /// Waits for a line, and presses Ctrl-C.
        fn press_ctrl_c_at(&mut self, words: &str) {
            self.signal_at(words, "-INT");
        }

        /// Waits for a line, and sends a signal.
        fn signal_at(&mut self, words: &str, signal: &str) {
            assert!(self.says(words));
            let id = self.program.0.id().to_string();
            let sent = Command::new("kill").args([signal, &id]).status().unwrap();
            assert!(sent.success());
        }

        fn exit_code(&mut self) -> Option<i32> {
            self.program.0.wait().unwrap().code()
        }
    }

    fn ends_the_mining_of_the_last_blocks() {
        let (_place, run) = new_run();
        // No block is ever found.
        let mut training = Training::start(&run, "--epochs 1 --zero-bits 200");
        training.press_ctrl_c_at("mining the last 46 steps…");
        assert!(training.says(
            "error: stopped before the chain was finished (blocks mined: 0; steps in none of them: 46)"
        ));
        assert_eq!(training.exit_code(), Some(1));
        assert!(run.artifact().exists());
    }

    fn stops_the_training() {
        let (_place, run) = new_run();
        let mut training = Training::start(&run, "--epochs 1000 --zero-bits 4");
        training.press_ctrl_c_at("epoch 1/1000 train");
        assert!(!training.says("error"));
        assert_eq!(training.exit_code(), Some(0));
        assert_eq!(verified(&run).chain.unwrap().ending, Some("stopped"));
    }

    fn pauses_a_run_that_resumes_to_the_same_end() {
        let (place, run) = new_run();
        let options = "--epochs 20 --zero-bits 4 --checkpoint-every 15";
        let mut training = Training::start(&run, &format!("{options} --pause"));
        training.press_ctrl_c_at("epoch 2/20 train");
        assert!(training.says("paused (blocks mined: "));
        assert_eq!(training.exit_code(), Some(0));
        assert!(!has_ended(&run));
        ends("digits", &run, &format!("{options} --resume"));
        let whole = RunDir::new(place.path().join("whole"));
        ends("digits", &whole, options);
        same(&run, &whole);
    }

    fn a_scheduler_starts_the_same_command_until_the_run_has_ended() {
        let (place, run) = new_run();
        let options = "--epochs 20 --zero-bits 4 --checkpoint-every 15";
        let requeued = format!("{options} --requeue");
        // It was killed before genesis was mined.
        std::fs::create_dir(run.path()).unwrap();
        std::fs::write(run.config(), "{}").unwrap();
        std::fs::write(run.chain(), "POW").unwrap();
        for (epoch, signal) in [(2, "-TERM"), (4, "-USR1"), (6, "-KILL")] {
            let mut training = Training::start(&run, &requeued);
            training.signal_at(&format!("epoch {epoch}/20 train"), signal);
            let is_killed = signal == "-KILL";
            assert!(training.says("paused (blocks mined: ") != is_killed);
            assert_eq!(training.exit_code(), (!is_killed).then_some(0));
            assert!(!has_ended(&run));
        }
        ends("digits", &run, &requeued);
        let whole = RunDir::new(place.path().join("whole"));
        ends("digits", &whole, options);
        same(&run, &whole);
        let chain = std::fs::read(run.chain()).unwrap();
        let mut again = Training::start(&run, &requeued);
        assert!(again.says("nothing to do: the run has ended: completed after 900 steps"));
        assert_eq!(again.exit_code(), Some(0));
        assert_eq!(std::fs::read(run.chain()).unwrap(), chain);
    }

    fn twice_kills_the_program() {
        let (_place, run) = new_run();
        let mut training = Training::start(&run, "--epochs 1000 --zero-bits 200");
        // The first one stops the training. Then the end is mined.
        training.press_ctrl_c_at("epoch 1/1000 train");
        training.press_ctrl_c_at("stopping; a second signal");
        assert_eq!(training.exit_code(), Some(130));
    }
}
