//! The labels of maps: their names and colours.

use std::path::Path;

use brigand_core::batch::MapLabel;

use crate::background::colour;
use crate::error::DataError;

/// The most labels that a map of bytes can have.
const MOST: usize = 256;

/// The labels in a text file: in each line a colour as `#rrggbb` and, if it has one, a name. The first is label 0.
///
/// # Errors
/// [`DataError::WrongKind`] if a line is none, a colour stands for two labels, or there are none or too many.
pub(crate) fn read_palette(path: &Path) -> Result<Vec<MapLabel>, DataError> {
    let wrong =
        |problem: String| DataError::WrongKind { path: path.to_owned(), wanted: "a palette", problem };
    let bytes = std::fs::read(path).map_err(|source| DataError::io("read", path, source))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| wrong("it is no text; write #rrggbb NAME in each line".into()))?;
    let mut labels: Vec<MapLabel> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (first, name) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let found = colour(first).ok_or_else(|| {
            wrong(format!(
                "line {} begins with `{first}`; write #rrggbb NAME, for example #3366cc sea",
                number + 1
            ))
        })?;
        if let Some(before) = labels.iter().position(|label| label.colour == found) {
            return Err(wrong(format!("line {}: label {before} has the colour {first} already", number + 1)));
        }
        let name = match name.trim() {
            "" => labels.len().to_string(),
            name => name.to_owned(),
        };
        labels.push(MapLabel { name, colour: found });
    }
    match labels.len() {
        0 => Err(wrong("it is empty; write #rrggbb NAME in each line".into())),
        1..=MOST => Ok(labels),
        count => Err(wrong(format!("it has {count} labels; a map has at most {MOST}"))),
    }
}

/// A colour of its own for each label that has none: the bits of the number, three by three, become the high bits of red, green
/// and blue, as in the colour map of the PASCAL VOC challenge.
pub(crate) fn default_colour(label: u8) -> [u8; 3] {
    let mut colour = [0_u8; 3];
    for place in 0..3 {
        for (channel, level) in colour.iter_mut().enumerate() {
            let bit = u16::from(label) >> (3 * place + channel) & 1;
            *level |= (bit as u8) << (7 - place);
        }
    }
    colour
}
