//! A checked run that is read again, block by block, without a browser.

use pow_ledger::{Durability, RunDir};
use pow_tests::fixture::{CONFIG, Fixture};
use pow_tests::stream::Stream;
use pow_web::host::{FileId, Host, HostFile};
use pow_web::records::RecordError;
use pow_web::request::VerifyRequest;
use pow_web::session::{Checked, Session};
use std::io::{Error, Result};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

tests! {
    blocks_of_a_long_chain_are_found_again, what_changed_meanwhile_is_an_error,
    only_good_blocks_are_shown, nothing_but_the_names_of_a_run_is_taken_for_one
}

/// One file in memory, which may change.
#[derive(Clone)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn new(bytes: Vec<u8>) -> Self {
        Memory(Arc::new(Mutex::new(bytes)))
    }

    fn verify(&self) -> (Session<Memory>, Checked) {
        let len = self.0.lock().unwrap().len();
        let request = serde_json::json!({
            "run": {
                "name": "chain.pow",
                "chain_alone": true,
                "files": { "chain.pow": { "id": 0, "len": len } },
            }
        });
        let request: VerifyRequest = serde_json::from_value(request).unwrap();
        Session::verify(self, &request, &mut |_| {}).unwrap()
    }
}

impl Host for Memory {
    fn read(&self, _: FileId, offset: u64, len: u32) -> Result<Vec<u8>> {
        let bytes = self.0.lock().unwrap();
        let from = offset as usize;
        let piece = bytes.get(from..from + len as usize);
        piece
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Error::other("gone"))
    }
}

/// More blocks than there are marks, so that marks are dropped.
const BLOCKS: usize = 40_000;

fn blocks_of_a_long_chain_are_found_again() {
    let dir = TempDir::new().unwrap();
    let run = RunDir::new(dir.path().join("run"));
    let (_files, mut writer) = run.create(CONFIG, Durability::Grouped).unwrap();
    let mut stream = Stream::default();
    for (block, body) in stream.by_ref().take(BLOCKS - 1) {
        writer.append(&block, &body).unwrap();
    }
    let (block, body) = stream.finish();
    writer.append(&block, &body).unwrap();
    let (session, checked) = Memory::new(std::fs::read(run.chain()).unwrap()).verify();
    assert!(checked.holds, "{}", checked.report);
    assert_eq!(checked.overview.blocks, BLOCKS as u64);
    let last = BLOCKS as u64 - 1;
    for height in [
        0, 1, 2, 3, 16_383, 16_384, 16_385, 32_767, 32_769, 39_998, last,
    ] {
        let page = session.block(height, 0).unwrap();
        assert_eq!(page.row.height, height);
        let rows = session.rows(height, 3).unwrap();
        assert_eq!(rows[0].height, height);
        assert_eq!(rows.len() as u64, 3.min(BLOCKS as u64 - height));
        assert_eq!(rows[0].hash, page.row.hash);
        if let Some(step) = page.row.first_step {
            let found = session.search(&step.to_string()).unwrap();
            assert_eq!(found[0].block, height, "step {step}");
        }
        let found = session.search(&page.row.hash).unwrap();
        assert_eq!((found[0].block, found[0].what), (height, "block hash"));
    }
    assert!(matches!(
        session.block(BLOCKS as u64, 0),
        Err(RecordError::None(_))
    ));
    assert!(session.rows(BLOCKS as u64, 9).unwrap().is_empty());
    assert!(session.search("99999999").unwrap().is_empty());
}

fn what_changed_meanwhile_is_an_error() {
    let file = Fixture::default().file();
    let host = Memory::new(file.to_bytes());
    let (session, _) = host.verify();
    let blocks = session.rows(0, 100).unwrap().len();
    let start = file.boundaries()[2];
    for at in [start, start + 20, start + 60, start + 220] {
        host.0.lock().unwrap()[at] ^= 1;
        assert!(session.block(2, 0).is_err(), "byte {at}");
        host.0.lock().unwrap()[at] ^= 1;
    }
    host.0.lock().unwrap().truncate(start + 20);
    assert!(session.block(2, 0).is_err());
    assert!(session.rows(0, blocks as u64).is_err());
    assert!(session.search("abcdef").is_err());
}

fn only_good_blocks_are_shown() {
    let file = Fixture::default().file();
    let mut bytes = file.to_bytes();
    bytes[file.boundaries()[2] + 40] ^= 1;
    let (session, checked) = Memory::new(bytes).verify();
    assert!(!checked.holds);
    assert_eq!(checked.overview.blocks, 2);
    assert_eq!(session.rows(0, 100).unwrap().len(), 2);
    assert!(session.block(2, 0).is_err());
    assert!(session.search("#2").unwrap().is_empty());
}

fn nothing_but_the_names_of_a_run_is_taken_for_one() {
    use pow_audit::source::RunSource;
    use pow_web::run::{HostRun, RunFiles};
    let digest = "ab".repeat(32);
    let upper = digest.to_uppercase();
    let files = [
        format!("anchors/{digest}.ots"),
        format!("anchors/{upper}.ots"),
        format!("anchors/{digest}.txt"),
        format!("anchors/inner/{digest}.ots"),
        format!("signatures/{digest}.minisig"),
        format!("signatures/{digest}.txt"),
        format!("checkpoints/{digest}/state.json"),
        format!("checkpoints/{upper}/state.json"),
        format!("{digest}.ots"),
    ];
    let file = HostFile {
        id: FileId(0),
        len: 0,
    };
    let files = RunFiles {
        name: "run".into(),
        chain_alone: false,
        files: files.map(|path| (path, file)).into(),
    };
    let run = HostRun::new(Memory::new(Vec::new()), files);
    assert_eq!(run.anchors().unwrap().len(), 1);
    assert_eq!(run.signatures().unwrap().len(), 1);
    assert_eq!(run.checkpoints().unwrap().unwrap().len(), 1);
}
