//! `pow mine`.

use crate::program::{Outcome, pow};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// Bitcoin's headers: hex and hash.
fn bitcoin() -> Vec<(String, String)> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/bitcoin-headers.json"
    );
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let headers = vectors["headers"].as_array().unwrap();
    headers
        .iter()
        .map(|vector| (text(&vector["header"]), text(&vector["hash"])))
        .collect()
}

fn nonce(header: &str) -> u32 {
    u32::from_str_radix(&header[152..], 16)
        .unwrap()
        .swap_bytes()
}

/// Mines the nonces from `start` to `end` on the CPU.
fn mine(header: &str, start: u32, end: u32, more: &[&str]) -> Outcome {
    let (start, end) = (start.to_string(), end.to_string());
    let range = ["--engine", "cpu", "--start", &start, "--end", &end];
    pow(&[&["mine", header], &range[..], more].concat())
}

#[test]
fn finds_what_satoshi_found() {
    let (header, hash) = &bitcoin()[0];
    let outcome = mine(header, 2_083_230_000, 2_083_240_000, &[]);
    outcome.expect(0, &["nonce   2083236893\n", hash, header, " MH/s"]);
}

#[test]
fn finds_bitcoin_s_nonces() {
    for (header, hash) in bitcoin() {
        let nonce = nonce(&header);
        // The header's own nonce does not count.
        let blank = format!("{}00000000", &header[..152]);
        for (start, end) in [(nonce, nonce), (nonce - 3000, nonce.saturating_add(3000))] {
            let outcome = mine(&blank, start, end, &["--json"]);
            outcome.expect(0, &[]);
            let found: Value = serde_json::from_str(&outcome.stdout).unwrap();
            assert_eq!(found["schema"], "burn-pow/mine/v0");
            assert_eq!(found["found"], true);
            assert_eq!(found["nonce"], nonce);
            assert_eq!(found["hash"], hash);
            assert_eq!(found["header"], header);
            assert!(found["hashes"].as_u64().unwrap() > u64::from(nonce - start));
            assert!(found["mhs"].as_f64().unwrap() > 0.0);
        }
    }
}

#[test]
fn a_range_without_a_hit_is_exit_code_1() {
    let (header, _) = &bitcoin()[0];
    let outcome = mine(header, 2_083_236_894, 2_083_240_000, &[]);
    let words = ["no nonce from 2083236894 to 2083240000", "hashes  3107 at"];
    outcome.expect(1, &words);
    let outcome = mine(header, 0, 999, &["--json"]);
    outcome.expect(1, &[]);
    let found: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(found["found"], false);
    assert_eq!(found["nonce"], Value::Null);
    assert_eq!(found["hashes"], 1000);
}

#[test]
fn every_engine_mines() {
    let (header, hash) = &bitcoin()[0];
    for engine in ["auto", "all"] {
        let range = ["--start", "2083230000", "--end", "2083240000"];
        pow(&[&["mine", header, "--engine", engine], &range[..]].concat()).expect(0, &[hash]);
    }
}

#[test]
fn the_header_may_come_from_stdin() {
    let (header, hash) = &bitcoin()[0];
    let from_stdin = |text: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pow"))
            .args(["mine", "-", "--engine", "cpu", "--start", "2083236893"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        Outcome::of(child.wait_with_output().unwrap())
    };
    from_stdin(&format!("{header}\n")).expect(0, &[hash]);
    from_stdin("").expect(2, &["stdin: a header is 160 hex digits long, this is 0"]);
    from_stdin(&format!("{header}00")).expect(2, &["this is 162"]);
}

#[test]
fn malformed_headers_are_exit_code_2() {
    let (header, _) = &bitcoin()[0];
    let foreign = format!("+{}", &header[1..]);
    for hex in ["", "00", &header[1..], &foreign] {
        pow(&["mine", hex]).expect(2, &["--help", "hex digits"]);
    }
    // Bits of a negative target.
    let negative = format!("{}0100800100000000", &header[..144]);
    pow(&["mine", &negative]).expect(2, &["the header's bits: "]);
    mine(header, 5, 4, &[]).expect(2, &["--end 4 lies before --start 5"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_tells_where_to_go_on() {
    use std::io::{BufRead, BufReader};
    // No nonce meets this target.
    let (header, _) = &bitcoin()[0];
    let hopeless = format!("{}0100010300000000", &header[..144]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_pow"))
        .args(["mine", &hopeless, "--engine", "cpu"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("mining with cpu"), "{line}");
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(killed.success());
    line.clear();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("pow: cancelled after "), "{line}");
    assert!(line.contains("go on with --start "), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(2));
}
