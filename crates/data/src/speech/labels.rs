//! Where the phonemes of a recording are, as festival's and EST's label files say it.

use std::path::Path;

use crate::error::DataError;

/// A phoneme of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Phone {
    /// Where it ends, in seconds.
    pub end: f64,
    /// What it is called.
    pub name: String,
}

/// The phonemes in a label file: in each line the end of a phoneme in seconds, a number that means nothing here, and the
/// phoneme's name. Lines up to one that is `#` are a header.
///
/// # Errors
/// If the file cannot be read, a line has another form, or the ends are not in order.
pub fn read_labels(path: &Path) -> Result<Vec<Phone>, DataError> {
    let text = std::fs::read_to_string(path).map_err(|source| DataError::io("read", path, source))?;
    let wrong = |line: usize, problem: &str| DataError::WrongKind {
        path: path.to_owned(),
        wanted: "the places of phonemes",
        problem: format!("line {line} {problem}; write `END 125 PHONEME`, the end in seconds"),
    };
    let lines: Vec<&str> = text.lines().collect();
    let header = lines.iter().position(|line| line.trim() == "#").map_or(0, |place| place + 1);
    let mut phones: Vec<Phone> = Vec::new();
    for (number, line) in lines.iter().enumerate().skip(header) {
        let mut words = line.split_whitespace();
        let Some(end) = words.next() else { continue };
        let (Some(_), Some(name), None) = (words.next(), words.next(), words.next()) else {
            return Err(wrong(number + 1, "has not three words"));
        };
        let end: f64 = end.parse().map_err(|_| wrong(number + 1, "does not begin with a number"))?;
        let before = phones.last().map_or(0.0, |phone| phone.end);
        if !end.is_finite() || end < before {
            return Err(wrong(number + 1, "ends before the line above it"));
        }
        phones.push(Phone { end, name: name.to_owned() });
    }
    Ok(phones)
}
