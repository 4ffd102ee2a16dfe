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
    /// A comma and tags, between which stand commas or semicolons.
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
                let tags: Vec<&str> = rest.split([',', ';']).map(str::trim).collect();
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
    let wrong = |line: usize, what: String| {
        Error::Data(format!("{}: line {}: {what}", list.display(), line + 1))
    };
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
                return Err(wrong(line, format!("the caption of {image} has no word; give it one or delete the line")));
            }
            longest = longest.max((words.len(), line));
            if let Some(own) = captions.get_mut(number) {
                own.push(words);
            }
        }
    }
    if longest.0 > length {
        let what = format!("its caption has {0} tokens, more than data.length={length}; set data.length={0}", longest.0);
        return Err(wrong(longest.1, what));
    }
    if paths.is_empty() {
        return Err(Error::Data(format!("{} has no line; write an image with its caption on each", list.display())));
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
