//! Measured rows on disk, unit by unit, so that a stopped run can resume.
//!
//! The first line of an experiment's file says, as JSON, how it was measured. Each
//! further line is one unit, and is synced before the next unit starts. If a line
//! was cut off, its unit is measured again.

use super::machine_info::MachineInfo;
use super::progress::PaperProgress;
use anyhow::{Context, bail};
use pow_core::body::UnixMillis;
use pow_ledger::files::StagedFile;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A directory of measured rows.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    machine: MachineInfo,
    /// Whether existing rows are thrown away.
    fresh: bool,
    /// When the first and the last unit was measured.
    when: Cell<Option<(UnixMillis, UnixMillis)>>,
}

/// The first line of an experiment's file. Rows are used again only if it is the
/// same.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ExperimentHeader {
    schema: String,
    experiment: String,
    machine: MachineInfo,
    plan: Value,
}

/// A further line: one unit.
#[derive(Debug, Serialize, Deserialize)]
struct UnitLine<U, R> {
    unit: U,
    /// When it was measured, in milliseconds since 1970.
    measured: u64,
    rows: Vec<R>,
}

const SCHEMA: &str = "burn-pow/paper/v0";

impl Store {
    /// Opens the store in `dir`, and creates the directory if needed. If `fresh` is
    /// set, existing rows are not used.
    ///
    /// # Errors
    ///
    /// If the directory cannot be created.
    pub fn open(dir: &Path, machine: MachineInfo, fresh: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        Ok(Store {
            dir: dir.to_owned(),
            machine,
            fresh,
            when: Cell::new(None),
        })
    }

    /// The rows of all `units` of an experiment, in that order. Units without rows
    /// are measured now. All rows are written as CSV too.
    ///
    /// # Errors
    ///
    /// If a unit cannot be measured, or a file cannot be read or written. Also if
    /// existing rows were measured with another plan or on another machine.
    pub fn measure<P, U, R>(
        &self,
        experiment: &str,
        plan: &P,
        units: &[U],
        progress: &PaperProgress,
        mut measure: impl FnMut(&U) -> anyhow::Result<Vec<R>>,
    ) -> anyhow::Result<Vec<R>>
    where
        P: Serialize,
        U: Serialize + DeserializeOwned + PartialEq + Clone,
        R: Serialize + DeserializeOwned,
    {
        let header = ExperimentHeader {
            schema: SCHEMA.into(),
            experiment: experiment.into(),
            machine: self.machine.clone(),
            plan: serde_json::to_value(plan)?,
        };
        let path = self.path(experiment, "jsonl");
        let (mut file, mut lines) = self.begin::<U, R>(&path, &header)?;
        for (at, unit) in units.iter().enumerate() {
            if lines.iter().any(|line| line.unit == *unit) {
                progress.skipped(experiment);
                continue;
            }
            progress.begins(experiment, at, units.len(), &serde_json::to_string(unit)?);
            let rows = measure(unit)?;
            let (unit, measured) = (unit.clone(), now());
            let line = UnitLine {
                unit,
                measured,
                rows,
            };
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            file.write_all(&text)?;
            file.sync_data()?;
            // Read back, so that a resumed run has exactly the same values.
            lines.push(serde_json::from_slice(&text)?);
            progress.ended(experiment);
        }
        let mut rows = Vec::new();
        for unit in units {
            let line = lines.iter().position(|line| line.unit == *unit);
            let line = lines.swap_remove(line.context("a unit has no rows")?);
            let when = UnixMillis(line.measured);
            let (first, last) = self.when.get().unwrap_or((when, when));
            self.when.set(Some((first.min(when), last.max(when))));
            rows.extend(line.rows);
        }
        self.write_csv(experiment, &rows)?;
        Ok(rows)
    }

    /// When the first and the last unit was measured, over all experiments so far.
    /// `None` before the first.
    pub fn when(&self) -> Option<(UnixMillis, UnixMillis)> {
        self.when.get()
    }

    /// The path of an experiment's file.
    pub fn path(&self, experiment: &str, extension: &str) -> PathBuf {
        self.dir.join(experiment).with_extension(extension)
    }

    /// Opens an experiment's file at the end of its last whole line, and reads the
    /// lines before it.
    fn begin<U, R>(
        &self,
        path: &Path,
        header: &ExperimentHeader,
    ) -> anyhow::Result<(File, Vec<UnitLine<U, R>>)>
    where
        U: DeserializeOwned,
        R: DeserializeOwned,
    {
        let text = match fs::read_to_string(path) {
            Ok(text) if !self.fresh => text,
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| path.display().to_string());
            }
            _ => String::new(),
        };
        // A line without its end was cut off.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        let mut read = Vec::new();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match lines.next() {
            Some(first) => {
                if serde_json::from_str::<ExperimentHeader>(first)
                    .ok()
                    .as_ref()
                    != Some(header)
                {
                    bail!(
                        "{} was measured with other options, on another machine or by another \
                         version; --fresh measures everything again",
                        path.display()
                    );
                }
                for (at, line) in lines.enumerate() {
                    let line = serde_json::from_str(line);
                    read.push(line.with_context(|| format!("{}:{}", path.display(), at + 2))?);
                }
                file.set_len(whole as u64)?;
            }
            None => {
                file.set_len(0)?;
                let mut first = serde_json::to_vec(header)?;
                first.push(b'\n');
                file.write_all(&first)?;
            }
        }
        file.seek(SeekFrom::End(0))?;
        Ok((file, read))
    }

    fn write_csv<R: Serialize>(&self, experiment: &str, rows: &[R]) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in rows {
            writer.serialize(row)?;
        }
        self.write(&self.path(experiment, "csv"), &writer.into_inner()?)
    }

    /// Writes a file. It appears whole or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, path: &Path, content: &[u8]) -> anyhow::Result<()> {
        let write = || {
            let mut file = StagedFile::create(path)?;
            file.write_all(content)?;
            file.publish()
        };
        write().with_context(|| path.display().to_string())
    }
}

/// The milliseconds since 1970 by the system's clock. 0 if it shows an earlier time.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
