//! `metrics.jsonl`: what was measured while training, one JSON object a line.
//!
//! ```json
//! {"step":20,"time":1.25,"discriminator_loss":1.31,"generator_loss":0.74}
//! ```
//!
//! `step` comes first, then `time` when known, then the measurements in the order of their names.
//! `time` is the clock's and the only entry that differs between two runs of the same recipe. JSON has
//! no number for NaN and the infinities: they are the strings `"NaN"`, `"Infinity"`, `"-Infinity"`.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::files::{FileError, write_atomically};

/// Why measurements could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is no record.
    #[error("line {line} of {} is no record: {reason}; correct or delete that line", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A measurement has a name the record itself needs.
    #[error(
        "a measurement cannot be called {0:?}: every record has an entry of that name; call it otherwise"
    )]
    ReservedName(String),
}

impl From<MetricsError> for brigand_core::Error {
    fn from(error: MetricsError) -> Self {
        Self::other(error)
    }
}

/// What was measured at one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The training step, counted from 1 (0 is before training).
    pub step: u64,
    /// Seconds of training so far, in all processes that trained the run. Depends on the machine: no part of what a
    /// recipe determines.
    pub time: Option<f64>,
    /// The measurements by name.
    pub values: BTreeMap<String, f64>,
}

impl Record {
    fn to_line(&self) -> Result<String, MetricsError> {
        let mut entries = vec![format!("\"step\":{}", self.step)];
        if let Some(time) = self.time {
            entries.push(format!("\"time\":{}", number(time)));
        }
        for (name, value) in &self.values {
            if name == "step" || name == "time" {
                return Err(MetricsError::ReservedName(name.clone()));
            }
            entries.push(format!("{}:{}", Value::from(name.as_str()), number(*value)));
        }
        Ok(format!("{{{}}}\n", entries.join(",")))
    }

    fn from_line(line: &[u8]) -> Result<Self, String> {
        let mut entries: BTreeMap<String, Value> =
            serde_json::from_slice(line).map_err(|reason| reason.to_string())?;
        let step = entries.remove("step").and_then(|step| step.as_u64()).ok_or("it has no step number")?;
        let mut record = Record { step, ..Record::default() };
        for (name, entry) in entries {
            let value = parsed(&entry).ok_or_else(|| format!("{name:?} is {entry}, no number"))?;
            if name == "time" {
                record.time = Some(value);
            } else {
                record.values.insert(name, value);
            }
        }
        Ok(record)
    }
}

/// The shortest digits that give the number back exactly, or a name in quotes.
fn number(value: f64) -> String {
    match value {
        _ if value.is_nan() => "\"NaN\"".to_owned(),
        f64::INFINITY => "\"Infinity\"".to_owned(),
        f64::NEG_INFINITY => "\"-Infinity\"".to_owned(),
        _ => format!("{value:?}"),
    }
}

fn parsed(entry: &Value) -> Option<f64> {
    match entry.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => entry.as_f64(),
    }
}

/// An open `metrics.jsonl` to which records are appended. Every record is handed to the operating
/// system at once, so a killed process loses none.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    length: u64,
}

impl MetricsLog {
    /// Opens the file, or begins it. A last line without its end, torn off by a power cut or a full
    /// disk, is cut off first.
    ///
    /// # Errors
    /// [`MetricsError::File`] when the file cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, MetricsError> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(path).map_err(FileError::when("open", path))?;
        let written = std::fs::read(path).map_err(FileError::when("read", path))?;
        let whole = written.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole < written.len() {
            file.set_len(whole as u64).map_err(FileError::when("repair", path))?;
        }
        Ok(MetricsLog { path: path.to_owned(), file, length: whole as u64 })
    }

    /// Adds a record at the end. When the disk is full nothing of it stays behind.
    ///
    /// # Errors
    /// [`MetricsError::ReservedName`] for a measurement called `step` or `time`,
    /// [`MetricsError::File`] when it cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<(), MetricsError> {
        let line = record.to_line()?;
        if let Err(reason) = self.file.write_all(line.as_bytes()) {
            // Should this fail too, the next opening repairs it.
            let _ = self.file.set_len(self.length);
            return Err(FileError::new("write", &self.path, reason).into());
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Makes all records so far survive a power cut.
    ///
    /// # Errors
    /// [`MetricsError::File`] when the operating system cannot.
    pub fn sync(&mut self) -> Result<(), MetricsError> {
        Ok(self.file.sync_all().map_err(FileError::when("sync", &self.path))?)
    }
}

/// All records of a `metrics.jsonl`, in their order in the file. A torn last line is left out.
///
/// # Errors
/// [`MetricsError::File`] when it cannot be read, [`MetricsError::Damaged`] when a line before the
/// last is no record.
pub fn read(path: &Path) -> Result<Vec<Record>, MetricsError> {
    let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
    Ok(whole_lines(path, &bytes)?.into_iter().map(|(_, record)| record).collect())
}

/// Drops the records after `step`, for a run that continues there; the others stay as they are, byte
/// for byte. A file that does not exist has none.
///
/// # Errors
/// As [`read`], and when the file cannot be replaced.
pub fn truncate_after(path: &Path, step: u64) -> Result<(), MetricsError> {
    if !path.exists() {
        return Ok(());
    }
    let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
    let mut kept = Vec::with_capacity(bytes.len());
    for (line, record) in whole_lines(path, &bytes)? {
        if record.step <= step {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    }
    if kept != bytes {
        write_atomically(path, &kept)?;
    }
    Ok(())
}

/// The lines that are records, without their ends.
fn whole_lines<'a>(path: &Path, bytes: &'a [u8]) -> Result<Vec<(&'a [u8], Record)>, MetricsError> {
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    // What follows the last line end is either nothing or torn.
    let ended = lines.len() - 1;
    let mut records = Vec::with_capacity(ended);
    for (index, line) in lines.into_iter().take(ended).enumerate() {
        match Record::from_line(line) {
            Ok(record) => records.push((line, record)),
            // A power cut can leave a last line of the right length filled with zeros.
            Err(_) if index + 1 == ended => {}
            Err(reason) => {
                return Err(MetricsError::Damaged { path: path.to_owned(), line: index + 1, reason });
            }
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(step: u64, loss: f64) -> Record {
        let values = BTreeMap::from([("generator_loss".to_owned(), loss), ("a \"name\"".to_owned(), -0.25)]);
        Record { step, time: Some(0.5), values }
    }

    fn log_of(steps: &[u64]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        for &step in steps {
            log.append(&record(step, step as f64 / 8.0)).unwrap();
        }
        log.sync().unwrap();
        (folder, path)
    }

    #[test]
    fn lines_are_json_in_a_fixed_order() {
        let line = Record { time: None, ..record(3, 1e-7) }.to_line().unwrap();
        assert_eq!(line, "{\"step\":3,\"a \\\"name\\\"\":-0.25,\"generator_loss\":1e-7}\n");
        let (_folder, path) = log_of(&[1, 2]);
        assert_eq!(read(&path).unwrap(), [record(1, 0.125), record(2, 0.25)]);
    }

    #[test]
    fn values_that_are_no_numbers_survive() {
        let line = record(1, f64::NAN).to_line().unwrap();
        assert!(line.contains("\"generator_loss\":\"NaN\""), "{line}");
        assert!(Record::from_line(line.trim().as_bytes()).unwrap().values["generator_loss"].is_nan());
        for value in [f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX, -0.0] {
            let line = record(1, value).to_line().unwrap();
            assert_eq!(Record::from_line(line.trim().as_bytes()).unwrap(), record(1, value), "{line}");
        }
    }

    #[test]
    fn reserved_names_are_refused() {
        let values = BTreeMap::from([("time".to_owned(), 1.0)]);
        let message = Record { values, ..Record::default() }.to_line().unwrap_err().to_string();
        assert!(message.contains("\"time\""), "{message}");
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_repaired() {
        let (_folder, path) = log_of(&[1, 2, 3]);
        let bytes = std::fs::read(&path).unwrap();
        let end_of_second =
            bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 1;
        for cut in end_of_second..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(read(&path).unwrap().len(), 2);
            MetricsLog::open(&path).unwrap().append(&record(9, 1.0)).unwrap();
            let steps: Vec<u64> = read(&path).unwrap().iter().map(|record| record.step).collect();
            assert_eq!(steps, [1, 2, 9]);
        }
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_named() {
        let (_folder, path) = log_of(&[1, 2, 3]);
        let text = std::fs::read_to_string(&path).unwrap().replace("\"step\":2", "\"stop\":2");
        std::fs::write(&path, text).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("line 2 of") && message.contains("no step number"), "{message}");
    }

    #[test]
    fn truncation_keeps_the_lines_up_to_a_step_byte_for_byte() {
        let (folder, path) = log_of(&[10, 20, 30]);
        let bytes = std::fs::read(&path).unwrap();
        truncate_after(&path, 30).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        truncate_after(&path, 29).unwrap();
        let shorter = std::fs::read(&path).unwrap();
        assert_eq!(shorter, bytes[..shorter.len()]);
        assert_eq!(read(&path).unwrap().len(), 2);
        truncate_after(&path, 9).unwrap();
        assert!(std::fs::read(&path).unwrap().is_empty());
        truncate_after(&folder.path().join("absent"), 9).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_says_so() {
        let mut log = MetricsLog::open(Path::new("/dev/null")).unwrap();
        log.file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let message = log.append(&record(1, 1.0)).unwrap_err().to_string();
        assert!(message.contains("free some space"), "{message}");
    }

    proptest! {
        #[test]
        fn any_bytes_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("metrics.jsonl");
            std::fs::write(&path, &bytes).unwrap();
            let _ = read(&path);
            let mut log = MetricsLog::open(&path).unwrap();
            prop_assert!(log.append(&record(1, 1.0)).is_ok());
            let written = std::fs::read(&path).unwrap();
            let last = record(1, 1.0).to_line().unwrap();
            prop_assert!(written.ends_with(last.as_bytes()));
        }
    }
}
