//! Running `scripts/check_proof.py`.

use crate::python;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

/// Runs the script on files.
pub fn check_proof<A: AsRef<OsStr>>(arguments: &[A]) -> Output {
    python::script("check_proof.py", arguments)
}

/// Proofs to be judged by one process.
pub struct Batch {
    dir: TempDir,
    files: Vec<PathBuf>,
}

impl Batch {
    pub fn new() -> Self {
        Batch {
            dir: TempDir::new().unwrap(),
            files: Vec::new(),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn add(&mut self, proof: &[u8]) {
        let path = self.dir.path().join(self.files.len().to_string());
        std::fs::write(&path, proof).unwrap();
        self.files.push(path);
    }

    /// The verdict on each proof, in order, without the file's name.
    pub fn verdicts(&self, options: &[&str]) -> Vec<String> {
        let mut arguments: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
        arguments.extend(self.files.iter().map(|file| file.as_os_str()));
        // With a single file the script prints what is shown as well.
        arguments.extend(self.files.first().map(|file| file.as_os_str()));
        let output = check_proof(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty(), "{stderr}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let verdicts = stdout.lines().zip(&self.files).map(|(line, file)| {
            let prefix = format!("{}: ", file.display());
            line.strip_prefix(&prefix).unwrap().to_owned()
        });
        let verdicts: Vec<String> = verdicts.collect();
        assert_eq!(verdicts.len(), self.files.len());
        let all_hold = verdicts.iter().all(|verdict| verdict.starts_with("SHOWN"));
        assert_eq!(output.status.code(), Some(i32::from(!all_hold)));
        verdicts
    }
}
