//! Lines of tables: CSV, and TSV without quotes.

use std::path::Path;

use csv::StringRecord;

use crate::error::DataError;
use crate::text::read_text;

/// The records of the UTF-8 table `path` with the lines that they stand in, counted from 1. Empty lines and remarks (`#`) are left
/// out; with a tab as `separator` quotes have no meaning and spaces around fields are left out. `wanted` is what the table is used as.
///
/// # Errors
/// If it cannot be read or is no UTF-8 text.
pub(crate) fn records(
    path: &Path,
    separator: u8,
    wanted: &'static str,
) -> Result<Vec<(u64, StringRecord)>, DataError> {
    let text = read_text(path)?;
    let bytes = text.as_bytes();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .quoting(separator != b'\t')
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        // A name in quotes may begin or end with a space.
        .trim(if separator == b'\t' { csv::Trim::All } else { csv::Trim::None })
        .from_reader(bytes);
    let unfit = |error: csv::Error| DataError::WrongKind {
        path: path.to_owned(),
        wanted,
        problem: error.to_string(),
    };
    reader
        .records()
        .map(|record| record.map(|record| (line_of(&record, bytes), record)).map_err(unfit))
        .collect()
}

/// Whether the first `fields` of a table in `folder` are a heading: the first one is `name`, and no file is called so.
pub(crate) fn is_heading(fields: &[&str], name: &str, folder: &Path) -> bool {
    fields.first().is_some_and(|first| first.trim() == name) && !folder.join(name).is_file()
}

/// Why `path` is not the file that a table names, if it is not one.
pub(crate) fn not_a_file(path: &Path) -> Option<&'static str> {
    match (path.is_file(), path.is_dir()) {
        (true, _) => None,
        (false, true) => Some("is a folder and no file"),
        (false, false) => Some("does not exist"),
    }
}

/// The line of `record` in the `bytes` it was read from. The position that the reader gives includes empty lines and remarks before
/// the record.
fn line_of(record: &StringRecord, bytes: &[u8]) -> u64 {
    let without = |line: &&[u8]| line.trim_ascii().is_empty() || line.starts_with(b"#");
    record.position().map_or(0, |place| {
        let rest = bytes.get(place.byte() as usize..).unwrap_or_default();
        place.line() + rest.split(|byte| *byte == b'\n').take_while(without).count() as u64
    })
}
