//! Stopping a program from outside: Ctrl-C, and what schedulers send.

use burn::train::Interrupter;
use burn_pow::Pauser;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a signal stops.
static CURRENT: Mutex<Option<Running>> = Mutex::new(None);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// A training, and how it is stopped.
struct Running {
    interrupter: Interrupter,
    /// Present if a signal pauses the run.
    pauser: Option<Pauser>,
}

/// The first Ctrl-C stops the training or the mining, or pauses the run with `pauser`,
/// and the second kills the program.
/// SIGTERM, SIGHUP and SIGUSR1 do the same. Schedulers send one of them before they take
/// the machine away. If a program trains several times, as in a replay, the first signal
/// stops the newest training.
///
/// # Errors
///
/// If the system refuses the handler.
pub fn stop_on_signal(interrupter: Interrupter, pauser: Option<Pauser>) -> anyhow::Result<()> {
    let running = Running {
        interrupter,
        pauser,
    };
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if current.replace(running).is_some() {
        return Ok(());
    }
    drop(current);
    ctrlc::set_handler(stop)?;
    #[cfg(unix)]
    {
        let mut asked = signal_hook::iterator::Signals::new([signal_hook::consts::SIGUSR1])?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || asked.forever().for_each(|_| stop()))?;
    }
    Ok(())
}

fn stop() {
    if STOPPED.swap(true, Ordering::Relaxed) {
        std::process::exit(130);
    }
    let _ = writeln!(
        io::stderr(),
        "stopping; a second signal, such as Ctrl-C, kills the program"
    );
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    match current.as_ref() {
        Some(Running {
            pauser: Some(pauser),
            ..
        }) => pauser.pause(),
        Some(running) => running.interrupter.stop(Some("a signal")),
        None => {}
    }
}

/// Whether the program was asked to stop.
pub fn was_stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}
