//! Labels of images as CSV: lines of `file,label|label`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Tags;
use crate::error::DataError;
use crate::folder::of_read;
use crate::table_lines::{is_heading, not_a_file, records};

/// What such a file is used as.
const WANTED: &str = "labels of images (lines of file,label|label)";
/// The name of the first column where the first line is a heading.
const HEADING: &str = "file";
/// Images that have a label at the least: of fewer none is left to be measured on.
const FEWEST: usize = 2;

/// A line for each image: its file and the labels that hold for it.
#[derive(Debug)]
pub(crate) struct TagTable {
    /// The images, as they stand in the lines, below the folder of the table.
    pub(crate) images: Vec<PathBuf>,
    /// The labels of each.
    labels: Vec<BTreeSet<String>>,
    /// The numbers of the lines, counted from 1.
    lines: Vec<u64>,
}

fn unfit(path: &Path, problem: String) -> DataError {
    DataError::WrongKind { path: path.to_owned(), wanted: WANTED, problem }
}

impl TagTable {
    /// The lines of `path`. A file stands in quotes where it has a comma; a first line whose first field is `file` is a heading,
    /// unless a file is called so. An image may have no label.
    ///
    /// # Errors
    /// If it is no UTF-8 text, a line has another form, an image is not there or has two lines, or there is no line.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut images, mut labels, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let mut of_image = BTreeMap::new();
        for (number, (line, record)) in records(path, b',', WANTED)?.into_iter().enumerate() {
            let wrong = |problem: String| unfit(path, format!("line {line} {problem}"));
            let fields: Vec<&str> = record.iter().collect();
            let (file, named) = match fields.as_slice() {
                fields if number == 0 && is_heading(fields, HEADING, folder) => continue,
                [file, ..] if file.trim().is_empty() => return Err(wrong("names no file".into())),
                [file] => (*file, ""),
                [file, named] => (*file, *named),
                more => {
                    return Err(wrong(format!(
                        "has {} fields in place of two; labels are separated by |, and a file with a comma stands in quotes",
                        more.len()
                    )));
                }
            };
            // Spaces around a name are left out unless they are part of it.
            let file = if folder.join(file).is_file() { file } else { file.trim() };
            let image = folder.join(file);
            if let Some(why) = not_a_file(&image) {
                return Err(wrong(format!(
                    "names {}, which {why}; give paths below the folder of the table, and `file,labels` as a heading",
                    image.display()
                )));
            }
            if let Some(first) = of_image.insert(image.clone(), line) {
                return Err(wrong(format!("is another one for {file}, after line {first}")));
            }
            images.push(image);
            lines.push(line);
            labels.push(
                named
                    .split('|')
                    .map(str::trim)
                    .filter(|label| !label.is_empty())
                    .map(str::to_owned)
                    .collect(),
            );
        }
        match images.is_empty() {
            true => Err(unfit(path, "it has no line with an image".into())),
            false => Ok(Self { images, labels, lines }),
        }
    }

    /// Of each image the number of its line, its file and its labels.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, &PathBuf, &BTreeSet<String>)> {
        self.lines
            .iter()
            .zip(&self.images)
            .zip(&self.labels)
            .map(|((line, image), labels)| (*line, image, labels))
    }

    /// The labels of the images of which `kept` is true, and the labels that are left out because only one of those has them.
    ///
    /// # Errors
    /// If no label remains.
    pub(crate) fn tags(
        &self,
        path: &Path,
        kept: &[bool],
    ) -> Result<(Tags, Vec<String>), brigand_core::Error> {
        let kept: Vec<&BTreeSet<String>> = of_read(&self.labels, kept).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for label in kept.iter().copied().flatten() {
            *counts.entry(label).or_insert(0) += 1;
        }
        let (names, rare): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(_, count)| *count >= FEWEST);
        let names: Vec<String> = names.into_iter().map(|(name, _)| name.to_owned()).collect();
        if names.is_empty() {
            return Err(unfit(path, format!("no label holds for {FEWEST} images or more")).into());
        }
        let values = kept.iter().flat_map(|labels| names.iter().map(|name| labels.contains(name))).collect();
        let rare = rare.into_iter().map(|(name, _)| name.to_owned()).collect();
        Ok((Tags::new(names, values)?, rare))
    }
}

/// The labels of images as such a file, which `tags:FILE.csv` reads again: a line for each file and its labels.
///
/// # Errors
/// If a file's name is no text.
pub fn tag_table(rows: &[(PathBuf, Vec<&str>)]) -> Result<Vec<u8>, DataError> {
    // A name that begins with # would else be read as a remark.
    let mut writer = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(Vec::new());
    let failed = |file: &Path, problem: String| DataError::WrongKind {
        path: file.to_owned(),
        wanted: "a name in a CSV file",
        problem,
    };
    let heading = Path::new(HEADING);
    writer.write_record([HEADING, "labels"]).map_err(|error| failed(heading, error.to_string()))?;
    for (file, labels) in rows {
        let name =
            file.to_str().ok_or_else(|| failed(file, "it is no UTF-8 text; rename the file".into()))?;
        writer.write_record([name, &labels.join("|")]).map_err(|error| failed(file, error.to_string()))?;
    }
    writer.into_inner().map_err(|error| failed(heading, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a table of these lines, and images of these names, which are not decoded here.
    fn table(lines: &str, images: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for image in images {
            std::fs::write(folder.path().join(image), b"").unwrap();
        }
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, lines).unwrap();
        (folder, path)
    }

    #[test]
    fn lines_become_labels_and_those_of_one_image_are_left_out() {
        let lines =
            "\u{feff}file,labels\na.png,кот|dog\n\"b, c.png\", dog |\nd.png,кот|bird\n# a remark\ne.png,\n";
        let (_folder, path) = table(lines, &["a.png", "b, c.png", "d.png", "e.png"]);
        let table = TagTable::read(&path).unwrap();
        assert_eq!(table.images.len(), 4);
        let (tags, rare) = table.tags(&path, &[true; 4]).unwrap();
        assert_eq!(
            (tags.names.as_slice(), rare),
            (&["dog".to_owned(), "кот".to_owned()][..], vec!["bird".into()])
        );
        assert_eq!(tags.values, [true, true, true, false, false, true, false, false]);
        // An image that cannot be read takes its labels along.
        let message = table.tags(&path, &[true, false, false, false]).unwrap_err().to_string();
        assert!(message.contains("no label holds for 2 images"), "{message}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rows =
            [(PathBuf::from("a, b.png"), vec!["x", "two words"]), (PathBuf::from("c.png"), Vec::new())];
        let bytes = tag_table(&rows).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), "file,labels\n\"a, b.png\",x|two words\nc.png,\n");
        let (_folder, path) = table(&String::from_utf8(bytes).unwrap(), &["a, b.png", "c.png"]);
        let labels = TagTable::read(&path).unwrap().labels;
        assert_eq!(labels, [BTreeSet::from(["x".to_owned(), "two words".to_owned()]), BTreeSet::new()]);
    }

    #[test]
    fn names_that_look_like_remarks_or_have_spaces_are_kept() {
        let names = ["#h.png", " lead.png", "tail.png ", "plain.png"];
        let rows: Vec<_> = names.iter().map(|name| (PathBuf::from(name), vec!["x"])).collect();
        let (folder, path) = table(&String::from_utf8(tag_table(&rows).unwrap()).unwrap(), &names);
        let read = TagTable::read(&path).unwrap();
        assert_eq!(read.images, names.map(|name| folder.path().join(name)));
        // By hand a name may have spaces around it.
        let (folder, path) = table("a.png , x\n", &["a.png"]);
        assert_eq!(TagTable::read(&path).unwrap().images, [folder.path().join("a.png")]);
    }

    #[test]
    fn lines_of_another_form_are_named() {
        for (lines, words) in [
            ("a.png,x\nb.png,x", "line 2 names"),
            ("a.png,x\n\na.png,y", "line 3 is another one for a.png, after line 1"),
            ("a.png,x,y", "line 1 has 3 fields"),
            (",x", "line 1 names no file"),
            ("file,labels\n", "no line with an image"),
            ("", "no line with an image"),
        ] {
            let (_folder, path) = table(lines, &["a.png"]);
            let message = TagTable::read(&path).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("labels.csv"), "{message}");
        }
        // A file may be called as a heading is.
        let (_folder, path) = table("file,x\na.png,x\n", &["file", "a.png"]);
        assert_eq!(TagTable::read(&path).unwrap().images.len(), 2);
        let (_folder, path) = table("", &[]);
        std::fs::write(&path, b"a.png,\xff\xfe").unwrap();
        assert!(TagTable::read(&path).unwrap_err().to_string().contains("UTF-8"));
    }
}
