//! A stranger's run does nothing to the page, and the page sends nothing.

use super::browser::{browse, folder};
use pow_tests::fixture::{Fixture, Plan};
use serde_json::json;
use std::net::TcpListener;

tests! {
    Browser: texts_stay_texts, nothing_can_be_sent
}

/// A name that would run a script, end the page's own script, and turn the writing direction.
const HOSTILE: &str = "<script>document.title='taken'</script><img src=x onerror=alert(1)> \u{202e}evil\u{2066}\u{200b} -->";

fn texts_stay_texts() {
    let plan = Plan::default();
    let run = Fixture::record_with(
        &plan,
        |genesis| genesis.name = HOSTILE.into(),
        |recorder| recorder.finish_after([&[0u64, 1, 2][..], &[3, 4]]),
    );
    let shown = browse(&[json!([folder(run.run.path())]), json!([])]);
    let (shown, bare) = (&shown[0], &shown[1]);
    assert_eq!(shown.scripts, bare.scripts, "no element came from the run");
    let name = shown
        .block
        .iter()
        .find(|row| row[1] == "name of the run")
        .unwrap();
    let escaped = pow_audit::display::printable(HOSTILE);
    assert_eq!(name[2], format!("“{escaped}”"));
    let all = format!("{shown:?}");
    assert!(!all.contains('\u{202e}') && !all.contains('\u{2066}'));
}

fn nothing_can_be_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let run = Fixture::default();
    let path = run.run.path().to_owned();
    // What a script in the page tries is refused by the page's own policy.
    let caught =
        std::panic::catch_unwind(|| browse(&[json!([folder(&path), {"try_to_send": address}])]));
    let refused = caught.unwrap_err();
    let words = refused.downcast_ref::<String>().unwrap();
    assert!(words.contains("Content Security Policy"), "{words}");
    assert!(listener.accept().is_err(), "something was sent");
}
