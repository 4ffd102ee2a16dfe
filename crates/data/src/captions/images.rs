//! Images that a text file lists with their captions, or a table with their tags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brigand_core::{Error, Result};

use super::{Captions, Words, caption_tokens, of_shared_captions};
use crate::dataset::Dataset;
use crate::folder::{Readable, of_read, read_images, square_images};
use crate::notes::Notes;
use crate::options::{LONGEST, Options};
use crate::pixels;
use crate::table_lines::{not_a_file, records};
use crate::tags::TagTable;
use crate::text::Tokens;

/// Orders in which the tags of an image are read, so that their order has no meaning.
const ORDERS: usize = 3;

/// The image and the captions of each line of a list, with the number of the line from 1.
type ListedImages = Vec<(u64, PathBuf, Vec<String>)>;

/// A tab and a caption behind each image, which may have several lines. Lines that begin with `#` are remarks.
fn lines_of_captions(list: &Path) -> Result<ListedImages> {
    let root = list.parent().unwrap_or(Path::new(""));
    let lines = records(list, b'\t', "images with captions (lines of image, tab, caption)")?;
    lines
        .into_iter()
        .map(|(line, record)| {
            let wrong = |what: &str| wrong_line(list, line, what);
            let fields: Vec<&str> = record.iter().collect();
            let (image, caption) = match fields.as_slice() {
                ["", ..] => return Err(wrong("it names no image")),
                [] | [_] => return Err(wrong("it has no tab; write IMAGE<tab>CAPTION")),
                [image, caption @ ..] => (image, caption.join(" ")),
            };
            let path = root.join(image);
            if let Some(why) = not_a_file(&path) {
                return Err(wrong(&format!(
                    "the image {} {why}; give paths relative to the folder of the list",
                    path.display()
                )));
            }
            Ok((line, path, vec![caption]))
        })
        .collect()
}

/// The tags of each image in a few orders.
fn lines_of_tags(list: &Path) -> Result<ListedImages> {
    let table = TagTable::read(list)?;
    Ok(table
        .rows()
        .map(|(line, image, tags)| {
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            let turned = |by: usize| {
                let (before, after) = tags.split_at(by);
                [after, before].concat().join(", ")
            };
            let captions = (0..tags.len().clamp(1, ORDERS)).map(turned).collect();
            (line, image.clone(), captions)
        })
        .collect())
}

fn wrong_line(list: &Path, line: u64, what: &str) -> Error {
    Error::Data(format!("{}: line {line}: {what}", list.display()))
}

/// The images that the UTF-8 file `list` names, relative to its folder, with their captions, by `data.tokens` and at most
/// `data.length` tokens. Images that cannot be read are left out and noted.
///
/// # Errors
/// If the list cannot be read, has no line, a line is none, a caption is empty or too long, an image does not exist, or none
/// can be read.
pub(crate) fn load_captioned(
    list: &Path,
    (tokens, length): (Tokens, usize),
    options: &Options,
) -> Result<(Dataset, Captions)> {
    pixels::check(options)?;
    let listed = match list.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        true => lines_of_tags(list)?,
        false => lines_of_captions(list)?,
    };
    let (mut paths, mut captions): (Vec<PathBuf>, Vec<Vec<Vec<String>>>) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut longest = (0, 0);
    for (line, path, texts) in listed {
        let image = path.display().to_string();
        let number = *known.entry(path.clone()).or_insert_with(|| {
            paths.push(path);
            captions.push(Vec::new());
            paths.len() - 1
        });
        for text in texts {
            let words = caption_tokens(&text, tokens);
            if words.is_empty() {
                let what = format!("the caption of {image} has no word; give it one or delete the line");
                return Err(wrong_line(list, line, &what));
            }
            longest = longest.max((words.len(), line));
            if let Some(own) = captions.get_mut(number) {
                own.push(words);
            }
        }
    }
    if longest.0 > length {
        let advice = if longest.0 <= LONGEST {
            format!("set data.length={}, or shorten it", longest.0)
        } else {
            format!("shorten it, data.length is at most {LONGEST}")
        };
        let what = format!("its caption has {} tokens, more than data.length={length}; {advice}", longest.0);
        return Err(wrong_line(list, longest.1, &what));
    }
    if paths.is_empty() {
        return Err(Error::Data(format!(
            "{} has no line; write an image with its caption on each",
            list.display()
        )));
    }
    with_images(list, (&paths, captions), (tokens, length), options)
}

/// The images of `paths` that can be read, and the captions of those.
fn with_images(
    list: &Path,
    (paths, captions): (&[PathBuf], Vec<Vec<Vec<String>>>),
    (tokens, length): (Tokens, usize),
    options: &Options,
) -> Result<(Dataset, Captions)> {
    let Readable { images, are_read, unreadable } = read_images((list, paths), Vec::new(), options)?;
    let kept: Vec<_> = of_read(captions, &are_read).collect();
    let words = Words::of(kept.iter().flatten(), tokens, length)?;
    let captions = Captions::new(words, &kept, of_shared_captions(&kept))?;
    let notes = Notes { unreadable, ..Notes::default() };
    let set = square_images(&list.display().to_string(), &images, None, options)?.with_notes(notes);
    Ok((set, captions))
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::{CAPTION, HostField, MEANING, Source};
    use brigand_core::random::Stream;

    use super::*;
    use crate::{Spec, open};

    /// A folder with two small images and a list of them.
    fn listed(list: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "b c.png"] {
            image::RgbImage::from_pixel(4, 4, image::Rgb([200, 0, 0]))
                .save(folder.path().join(name))
                .unwrap();
        }
        std::fs::write(folder.path().join("torn.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        for name in ["list", "list.csv"] {
            std::fs::write(folder.path().join(name), list).unwrap();
        }
        folder
    }

    fn opened(name: &str, list: &str, options: &Options) -> Result<crate::RunData> {
        let folder = listed(list);
        let spec: Spec = format!("captions:{}", folder.path().join(name).display()).parse().unwrap();
        open(&spec, options)
    }

    /// The caption of each image in one draw, and their meanings.
    fn captions(source: &dyn Source, step: u64) -> (Vec<String>, Vec<u32>) {
        let numbers: Vec<usize> = (0..source.count()).collect();
        let batch = source.get(&numbers, &mut Stream::new(1, "a test", step)).unwrap();
        let schema = source.schema();
        let field = schema.tokens(CAPTION).unwrap();
        match (&batch[CAPTION.0], &batch[MEANING.0]) {
            (HostField::Indices(tokens), HostField::Indices(meanings)) => {
                let texts = tokens.values.chunks(field.length).map(|row| field.text(row));
                (texts.collect(), meanings.values.clone())
            }
            _ => panic!("other fields"),
        }
    }

    #[test]
    fn images_have_the_captions_of_all_their_lines() {
        let list = "\u{feff}a.png\tA red square\n\na.png\tein rotes Quadrat\r\n# no.png\tno\nb c.png\tКвадрат!\ntorn.png\tx\n";
        let data = opened("list", list, &Options::default()).unwrap();
        assert_eq!((data.notes.unreadable.len(), data.dataset.as_ref().unwrap().len()), (1, 2));
        let seen: std::collections::BTreeSet<String> =
            (0..20).map(|step| captions(data.sources[0].as_ref(), step).0.remove(0)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["a red square", "ein rotes quadrat"]);
        assert_eq!(captions(data.sources[0].as_ref(), 0).0[1], "квадрат");
    }

    #[test]
    fn tags_are_read_in_any_order_and_equal_ones_mean_the_same() {
        let data = opened(
            "list.csv",
            "file,tags\na.png,blue hair|red eyes\nb c.png,red eyes|blue hair\n",
            &Options::default(),
        );
        let data = data.unwrap();
        let seen: std::collections::BTreeSet<String> =
            (0..20).map(|step| captions(data.sources[0].as_ref(), step).0.remove(0)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["blue hair red eyes", "red eyes blue hair"]);
        assert_eq!(captions(data.sources[0].as_ref(), 0).1, [0, 0]);
    }

    #[test]
    fn lists_that_cannot_be_trained_on_are_refused_with_their_line() {
        let refused = |name: &str, list: &str, options: &Options| {
            opened(name, list, options).err().unwrap().to_string()
        };
        let options = Options::default();
        let message = refused("list", "a.png\tx\nc.png\ty\n", &options);
        assert!(message.contains("line 2") && message.contains("c.png does not exist"), "{message}");
        let message = refused("list", "a.png\t ?\n", &options);
        assert!(
            message.contains("line 1: the caption of") && message.contains("a.png has no word"),
            "{message}"
        );
        assert!(refused("list", "a.png x\n", &options).contains("has no tab"));
        assert!(refused("list", "\tx\n", &options).contains("names no image"));
        assert!(refused("list", "\n\n", &options).contains("has no line"));
        assert!(refused("list", "torn.png\tx\n", &options).contains("torn.png"));
        assert!(refused("list.csv", "a.png\n", &options).contains("has no word"));
        assert!(refused("list.csv", "c.png,x\n", &options).contains("does not exist"));
        assert!(refused("list", ".\tx\n", &options).contains("is a folder"));
        let short = Options { length: Some(2), ..Options::default() };
        let message = refused("list", "a.png\tx y\na.png\tx y z\n", &short);
        assert!(message.contains("line 2") && message.contains("set data.length=3"), "{message}");
        let message = refused("list.csv", "file,tags\n# a remark\n\na.png,x\nb c.png,x|y z\n", &short);
        assert!(message.contains("line 5: its caption has 3 tokens"), "{message}");
        let message = refused("list", "# a remark\n\na.png\t \n", &short);
        assert!(message.contains("line 3: the caption"), "{message}");
        let folder = listed("");
        std::fs::write(folder.path().join("list"), b"a.png\tx\na.png\tcaf\xe9\n").unwrap();
        let spec: Spec = format!("captions:{}", folder.path().join("list").display()).parse().unwrap();
        let message = open(&spec, &options).err().unwrap().to_string();
        assert!(message.contains("line 2 is no UTF-8; convert"), "{message}");
    }
}
