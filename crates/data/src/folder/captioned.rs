//! Images that a text file lists with their captions or tags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brigand_core::{Error, Result};

use super::{SIZE, decode, images_of_size};
use crate::captions::{Captions, Words, caption_tokens, of_shared_captions};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::load::Options;
use crate::notes::{Notes, Skipped};
use crate::text::{Tokens, read_text};
use crate::{parallel, pixels};

/// What a line of the list has behind the path of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// A tab and a caption; an image may have several lines.
    Captions,
    /// A comma and tags, between which stand commas, semicolons or bars.
    Tags,
}

/// Orders in which the tags of an image are read, so that their order has no meaning.
const ORDERS: usize = 3;

impl Listing {
    /// The path and the captions of a line.
    fn read(self, line: &str) -> std::result::Result<(&str, Vec<String>), &'static str> {
        let (separator, without) = match self {
            Self::Captions => ('\t', "it has no tab; write IMAGE<tab>CAPTION"),
            Self::Tags => (',', "it has no comma; write IMAGE,TAG;TAG"),
        };
        let (image, rest) = line.split_once(separator).ok_or(without)?;
        if image.trim().is_empty() {
            return Err("it names no image");
        }
        let captions = match self {
            Self::Captions => vec![rest.to_owned()],
            Self::Tags => {
                let tags: Vec<&str> = rest.split([',', ';', '|']).map(str::trim).collect();
                let tags: Vec<&str> = tags.into_iter().filter(|tag| !tag.is_empty()).collect();
                let turned = |by: usize| {
                    let (before, after) = tags.split_at(by);
                    [after, before].concat().join(", ")
                };
                (0..tags.len().clamp(1, ORDERS)).map(turned).collect()
            }
        };
        Ok((image.trim(), captions))
    }
}

/// The images that the UTF-8 file `list` names, relative to its folder, with their captions, by `data.tokens` and at most
/// `data.length` tokens. Images that cannot be read are left out and noted.
///
/// # Errors
/// If the list cannot be read, has no line, a line is none, a caption is empty or too long, an image does not exist, or none
/// can be read.
pub(crate) fn load_captioned(
    list: &Path,
    listing: Listing,
    (tokens, length): (Tokens, usize),
    options: &Options,
) -> Result<(Dataset, Captions)> {
    pixels::check(options)?;
    let text = read_text(list)?;
    let wrong =
        |line: usize, what: String| Error::Data(format!("{}: line {}: {what}", list.display(), line + 1));
    let root = list.parent().unwrap_or(Path::new(""));
    let (mut paths, mut captions): (Vec<PathBuf>, Vec<Vec<Vec<String>>>) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut longest = (0, 0);
    for (line, content) in text.lines().enumerate().filter(|(_, content)| !content.trim().is_empty()) {
        let (image, texts) = listing.read(content).map_err(|what| wrong(line, what.to_owned()))?;
        let path = root.join(image);
        let number = match known.get(&path) {
            Some(number) => *number,
            None if path.is_file() => {
                known.insert(path.clone(), paths.len());
                paths.push(path);
                captions.push(Vec::new());
                paths.len() - 1
            }
            None => {
                return Err(wrong(
                    line,
                    format!(
                        "the image {} does not exist; give paths relative to the folder of the list",
                        path.display()
                    ),
                ));
            }
        };
        for text in texts {
            let words = caption_tokens(&text, tokens);
            if words.is_empty() {
                return Err(wrong(
                    line,
                    format!("the caption of {image} has no word; give it one or delete the line"),
                ));
            }
            longest = longest.max((words.len(), line));
            if let Some(own) = captions.get_mut(number) {
                own.push(words);
            }
        }
    }
    if longest.0 > length {
        let what = format!(
            "its caption has {0} tokens, more than data.length={length}; set data.length={0}",
            longest.0
        );
        return Err(wrong(longest.1, what));
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
    let size = options.size.unwrap_or(SIZE);
    let read = parallel::map(paths, |path| decode::read(path, size, options.background));
    let (mut images, mut kept, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for ((path, own), read) in paths.iter().zip(captions).zip(read) {
        match read {
            Ok(image) => {
                images.push(image);
                kept.push(own);
            }
            Err(reason) => unreadable.push(Skipped { path: path.clone(), reason }),
        }
    }
    if let (true, Some(Skipped { path: first, reason })) = (images.is_empty(), unreadable.first().cloned()) {
        let (path, count) = (list.to_owned(), unreadable.len());
        return Err(DataError::NothingReadable { path, count, first, reason }.into());
    }
    let words = Words::of(kept.iter().flatten(), tokens, length)?;
    let captions = Captions::new(words, &kept, of_shared_captions(&kept))?;
    let notes = Notes { unreadable, ..Notes::default() };
    let set = images_of_size(&list.display().to_string(), &images, None, size, options)?.with_notes(notes);
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
        std::fs::write(folder.path().join("list"), list).unwrap();
        folder
    }

    fn opened(kind: &str, list: &str, options: &Options) -> Result<crate::RunData> {
        let folder = listed(list);
        let spec: Spec = format!("{kind}:{}", folder.path().join("list").display()).parse().unwrap();
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
        let list =
            "\u{feff}a.png\tA red square\n\na.png\tein rotes Quadrat\r\nb c.png\tКвадрат!\ntorn.png\tx\n";
        let data = opened("captions", list, &Options::default()).unwrap();
        assert_eq!((data.notes.unreadable.len(), data.dataset.as_ref().unwrap().len()), (1, 2));
        let seen: std::collections::BTreeSet<String> =
            (0..20).map(|step| captions(data.sources[0].as_ref(), step).0.remove(0)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["a red square", "ein rotes quadrat"]);
        assert_eq!(captions(data.sources[0].as_ref(), 0).0[1], "квадрат");
    }

    #[test]
    fn tags_are_read_in_any_order_and_equal_ones_mean_the_same() {
        let data =
            opened("tags", "a.png,blue hair; red eyes\nb c.png,red eyes|blue hair\n", &Options::default());
        let data = data.unwrap();
        let seen: std::collections::BTreeSet<String> =
            (0..20).map(|step| captions(data.sources[0].as_ref(), step).0.remove(0)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["blue hair red eyes", "red eyes blue hair"]);
        assert_eq!(captions(data.sources[0].as_ref(), 0).1, [0, 0]);
    }

    #[test]
    fn lists_that_cannot_be_trained_on_are_refused_with_their_line() {
        let refused = |kind: &str, list: &str, options: &Options| {
            opened(kind, list, options).err().unwrap().to_string()
        };
        let options = Options::default();
        let message = refused("captions", "a.png\tx\nc.png\ty\n", &options);
        assert!(message.contains("line 2") && message.contains("c.png does not exist"), "{message}");
        assert!(
            refused("captions", "a.png\t ?\n", &options).contains("line 1: the caption of a.png has no word")
        );
        assert!(refused("captions", "a.png x\n", &options).contains("has no tab"));
        assert!(refused("captions", "\tx\n", &options).contains("names no image"));
        assert!(refused("captions", "\n\n", &options).contains("has no line"));
        assert!(refused("captions", "torn.png\tx\n", &options).contains("torn.png"));
        assert!(refused("tags", "a.png\n", &options).contains("has no comma"));
        assert!(refused("tags", "a.png,;\n", &options).contains("has no word"));
        let short = Options { length: Some(2), ..Options::default() };
        let message = refused("captions", "a.png\tx y\na.png\tx y z\n", &short);
        assert!(message.contains("line 2") && message.contains("set data.length=3"), "{message}");
    }
}
