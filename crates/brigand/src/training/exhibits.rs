//! What a system shows, as files.

use std::path::Path;

use crate::error::Result;
use crate::files::{FileError, write_atomically};

/// Writes lines of text, with a line end after each.
pub(super) fn write_text(path: &Path, lines: &[String]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(FileError::when("create", folder))?;
    }
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    Ok(write_atomically(path, text.as_bytes())?)
}
