//! A stranger's run does nothing to the page, and the page sends nothing.

use super::browser::{browse, drive, folder, page};
use pow_tests::fixture::{Fixture, Plan};
use serde_json::json;
use std::net::TcpListener;
use std::path::Path;
use tempfile::TempDir;

tests! {
    Browser: texts_stay_texts, nothing_can_be_sent
}

/// A name that would run a script, end the page's own script, and turn the writing direction.
const HOSTILE: &str = "<script>document.title='taken'</script><img src=x onerror=alert(1)> \u{202e}evil\u{2066}\u{200b} -->";

fn texts_stay_texts() {
    let run = Fixture::record_with(
        &Plan::default(),
        |genesis| genesis.name = HOSTILE.into(),
        |recorder| recorder.finish_after([&[0u64, 1, 2][..], &[3, 4], &[5, 6]]),
    );
    let shown = browse(&[json!([folder(run.run.path()), {"block": 0}]), json!([])]);
    let (shown, bare) = (&shown[0], &shown[1]);
    assert_eq!(shown.scripts, bare.scripts, "no element came from the run");
    let name = shown
        .block
        .iter()
        .find(|row| row[1] == "name of the run")
        .unwrap();
    let escaped = pow_audit::display::printable(HOSTILE);
    assert_eq!(name[2], format!("“{escaped}”"));
    let all = [&shown.block.concat()[..], &shown.cells].concat().concat() + &shown.raw;
    for hidden in ['\u{202e}', '\u{2066}', '\u{200b}'] {
        assert!(!all.contains(hidden), "{hidden:?}");
    }
}

/// Whether something reaches a server, although a script in the page tries.
fn reaches(page: &Path) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drive(page, &[json!([{"try_to_send": address}])]);
    listener.accept().is_ok()
}

fn nothing_can_be_sent() {
    assert!(!reaches(&page()));
    // With another policy the same script does reach it, so the test would notice.
    let dir = TempDir::new().unwrap();
    let open = dir.path().join("open.html");
    let text = std::fs::read_to_string(page()).unwrap();
    assert!(text.contains("default-src 'none'; "));
    std::fs::write(&open, text.replacen("default-src 'none'; ", "", 1)).unwrap();
    assert!(reaches(&open));
}
