//! A file system that is soon full.

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A mounted tmpfs, unmounted and removed when it is dropped.
#[derive(Debug)]
pub struct Tmpfs(TempDir);

impl Tmpfs {
    /// Mounts a tmpfs that holds `size`, such as `64k`; says why it cannot.
    pub fn mount(size: &str) -> Result<Self, String> {
        let dir = TempDir::new().map_err(|error| error.to_string())?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .output()
            .map_err(|error| format!("mount: {error}"))?;
        if output.status.success() {
            Ok(Tmpfs(dir))
        } else {
            let stderr = String::from_utf8_lossy(&output.stderr);
            Err(stderr.lines().next().unwrap_or("mount failed").into())
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // What cannot be unmounted stays behind; the test has its verdict.
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}
