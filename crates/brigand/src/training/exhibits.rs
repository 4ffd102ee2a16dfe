//! What a system shows, as files.

use std::path::Path;

use crate::error::Result;
use crate::files::{FileError, write_atomically};
use crate::pictures::{AnimationStyle, Picture, animate};

/// Writes lines of text, with a line end after each.
pub(super) fn write_text(path: &Path, lines: &[String]) -> Result<()> {
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    write(path, text.as_bytes())
}

/// Writes a moving picture.
pub(super) fn write_animation(path: &Path, frames: &[Picture]) -> Result<()> {
    write(path, &animate(frames, AnimationStyle::default())?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(FileError::when("create", folder))?;
    }
    Ok(write_atomically(path, bytes)?)
}
