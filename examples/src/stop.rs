//! Ctrl-C.

use burn::train::Interrupter;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lets the first Ctrl-C stop whatever goes on, and the second kill the program.
///
/// # Errors
///
/// [`ctrlc::Error`] if the system refuses, or somebody handles Ctrl-C already.
pub fn stop_on_ctrl_c(interrupter: Interrupter) -> Result<(), ctrlc::Error> {
    let again = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if again.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        // A closed stderr must not keep the stop from happening.
        let _ = writeln!(
            std::io::stderr(),
            "stopping; Ctrl-C again kills the program"
        );
        interrupter.stop(Some("Ctrl-C"));
    })
}
