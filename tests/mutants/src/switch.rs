//! Added to pow-core's copy: switches mutants on, and notes which ones a test reaches.
//!
//! `MUTANT=17` switches mutant 17 on. `MUTANT=reach` switches none on, and appends the number of
//! each mutant that the process reaches to the file that `MUTANT_REACHED` names.

extern crate std;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::io::Write as _;

const UNREAD: u32 = u32::MAX;
const REACH: u32 = u32::MAX - 1;

/// The mutant that is on; 0 for none.
static MODE: AtomicU32 = AtomicU32::new(UNREAD);

/// Whether mutant `id` is on.
#[inline(always)]
pub fn on(id: u32) -> bool {
    let mode = MODE.load(Relaxed);
    mode == id || (mode >= REACH && special(mode, id))
}

#[cold]
fn special(mode: u32, id: u32) -> bool {
    if mode == UNREAD {
        let mode = match std::env::var("MUTANT").as_deref() {
            Ok("reach") => REACH,
            Ok(id) => id.parse().unwrap_or(0),
            Err(_) => 0,
        };
        MODE.store(mode, Relaxed);
        return on(id);
    }
    static SEEN: [AtomicBool; 1 << 14] = [const { AtomicBool::new(false) }; 1 << 14];
    if !SEEN[id as usize].swap(true, Relaxed) {
        let path = std::env::var_os("MUTANT_REACHED").expect("MUTANT_REACHED");
        let file = std::fs::File::options().append(true).create(true).open(path);
        let line = std::format!("{id}\n");
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of mutants");
    }
    false
}
