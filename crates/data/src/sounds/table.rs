//! Sounds and their pictures as TSV: lines of `sound<TAB>picture`, or `sound<TAB>picture<TAB>class`.

use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::table_lines::{is_heading, not_a_file, records};

/// What such a file is used as.
const WANTED: &str = "sounds with pictures (lines of sound, tab, picture)";
/// The name of the first column where the first line is a heading.
const HEADING: &str = "sound";

/// A line: two files below the folder of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) sound: PathBuf,
    pub(super) picture: PathBuf,
    /// What the sound means: a sound is no wrong one for the pictures of its class.
    pub(super) class: Option<String>,
}

/// The lines of `path`. A first line whose first field is `sound` is a heading, unless a file is called so; those that begin with `#`
/// are remarks.
///
/// # Errors
/// If it is no UTF-8 text, a line has another form than the first, a file is not there, or there is no line.
pub(super) fn lines(path: &Path) -> Result<Vec<Line>, DataError> {
    let unfit = |problem: String| DataError::WrongKind { path: path.to_owned(), wanted: WANTED, problem };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found: Vec<Line> = Vec::new();
    for (number, (line, record)) in records(path, b'\t', WANTED)?.into_iter().enumerate() {
        let wrong = |problem: String| unfit(format!("line {line} {problem}"));
        let fields: Vec<&str> = record.iter().collect();
        let (sound, picture, class) = match fields.as_slice() {
            fields if number == 0 && is_heading(fields, HEADING, folder) => continue,
            ["", ..] | [_, "", ..] | [_, _, ""] => return Err(wrong("has an empty field".into())),
            [sound, picture] => (*sound, *picture, None),
            [sound, picture, class] => (*sound, *picture, Some((*class).to_owned())),
            other => {
                return Err(wrong(format!(
                    "has {} fields, separated by tabs, in place of two or three",
                    other.len()
                )));
            }
        };
        let [sound, picture] = [sound, picture].map(|file| folder.join(file));
        for file in [&sound, &picture] {
            if let Some(why) = not_a_file(file) {
                return Err(wrong(format!(
                    "names {}, which {why}; give paths relative to the folder of the table",
                    file.display()
                )));
            }
        }
        if found.first().is_some_and(|first| first.class.is_some() != class.is_some()) {
            return Err(wrong(
                "has a class where the first line has none, or none where that has one".into(),
            ));
        }
        found.push(Line { sound, picture, class });
    }
    match found.is_empty() {
        true => Err(unfit("it has no line with a sound".into())),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Line>, DataError> {
        read_beside(text, &[])
    }

    fn read_beside(text: &str, others: &[&str]) -> Result<Vec<Line>, DataError> {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a b.wav", "c.png"].iter().chain(others) {
            std::fs::write(folder.path().join(file), b"").unwrap();
        }
        let path = folder.path().join("sounds.tsv");
        std::fs::write(&path, text).unwrap();
        lines(&path)
    }

    #[test]
    fn lines_name_sounds_pictures_and_classes() {
        let found = read("sound\tpicture\n# one\na b.wav\tc.png\n").unwrap();
        assert_eq!((found.len(), &found[0].class), (1, &None));
        assert!(found[0].sound.ends_with("a b.wav") && found[0].picture.ends_with("c.png"));
        // A file may be called as a heading is.
        let found = read_beside("sound\tc.png\na b.wav\tc.png\n", &["sound"]).unwrap();
        assert!(found.len() == 2 && found[0].sound.ends_with("sound"));
        assert_eq!(read("a b.wav\tc.png\tсемь").unwrap()[0].class.as_deref(), Some("семь"));
        for (text, words) in [
            ("a b.wav", "line 1 has 1 fields"),
            ("a b.wav\t\n", "line 1 has an empty field"),
            ("a b.wav\td.png", "line 1 names"),
            ("a b.wav\tc.png\na b.wav\tc.png\t7", "line 2 has a class"),
            ("sound\tpicture", "no line with a sound"),
            ("sound files\tpicture\na b.wav\tc.png", "line 1 names"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("sounds.tsv"), "{message}");
        }
    }
}
