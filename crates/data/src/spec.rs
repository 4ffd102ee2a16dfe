//! Names of data, as on the command line and in recipes.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use brigand_core::batch::SampleKind;

use super::catalogue::{self, Entry};
use super::error::DataError;
use super::text::grammar::LENGTH as GRAMMAR_LENGTH;
use super::text::{MOST_TOKENS, oracle};
use super::toy::Toy;
use crate::files::path_of;

/// A data SPEC: `digits`, a downloadable set (`mnist`, `fashion-mnist`, `cifar10`), `idx:IMAGES[,LABELS]`,
/// `folder:DIR`, one picture (`stones`, `image:FILE`), two domains (`scenes`, `unpaired:SPEC_A,SPEC_B`), pairs of them
/// (`scene-pairs`, `pairs:DIR`, `pairs:DIR_A,DIR_B`), a toy distribution (`ring8`, `swiss-roll`, ...),
/// `lines:FILE`, `grammar`, `oracle` or `oracle:TOKENS` (text).
///
/// It is parsed from that text and prints as it again, with `~` at the beginning of a path replaced by the user's folder.
/// In `idx:` the first comma ends the path of the images, in `pairs:` that of the first folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// The handwritten digits that are part of Brigand.
    Digits,
    /// A set of the catalogue of downloads.
    Catalogue(&'static Entry),
    /// IDX files, gzip or plain.
    Idx {
        /// File with the images.
        images: PathBuf,
        /// File with the labels.
        labels: Option<PathBuf>,
    },
    /// A folder of images.
    Folder(PathBuf),
    /// One picture that is all the data.
    Image(PathBuf),
    /// The drawn picture of paving stones that is part of Brigand.
    Stones,
    /// A distribution of points.
    Toy(Toy),
    /// A UTF-8 file with a sequence of tokens in each line.
    Lines(PathBuf),
    /// Lines of the arithmetic grammar.
    Grammar,
    /// Lines of a random LSTM.
    Oracle {
        /// Tokens of its vocabulary, the end of a line among them.
        vocabulary: usize,
    },
    /// The drawn pictures of two domains that are part of Brigand.
    Scenes,
    /// Two data sets of images as two domains.
    Unpaired(Box<Spec>, Box<Spec>),
    /// The drawn pictures of two domains, each with its partner.
    ScenePairs,
    /// Images of two domains that belong together.
    Pairs {
        /// Folder of the images, or of the first domain's.
        first: PathBuf,
        /// Folder of the second domain's, with equal names; without it both are halves of one image.
        second: Option<PathBuf>,
    },
}

impl Spec {
    /// Of text: the most tokens of a line where no other number is given.
    pub fn text_length(&self) -> Option<usize> {
        match self {
            Self::Lines(_) => Some(32),
            Self::Grammar => Some(GRAMMAR_LENGTH),
            Self::Oracle { .. } => Some(oracle::LENGTH),
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Folder(_)
            | Self::Image(_)
            | Self::Stones
            | Self::Toy(_)
            | Self::Scenes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::Pairs { .. } => None,
        }
    }

    /// Whether its samples are images or points, which decides the defaults of systems. Text counts as images: systems
    /// of sequences have the same defaults for everything.
    pub fn sample_kind(&self) -> SampleKind {
        match self {
            Self::Toy(_) => SampleKind::Points,
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Folder(_)
            | Self::Image(_)
            | Self::Stones
            | Self::Scenes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::Pairs { .. }
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. } => SampleKind::Image,
        }
    }

    /// Whether its authors keep a part for measuring.
    pub fn is_divided(&self) -> bool {
        match self {
            Self::Catalogue(_) => true,
            Self::Digits
            | Self::Idx { .. }
            | Self::Folder(_)
            | Self::Image(_)
            | Self::Stones
            | Self::Toy(_)
            | Self::Scenes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::Pairs { .. }
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. } => false,
        }
    }

    /// Whether its images are brought to one size even where none is asked for.
    pub fn is_always_scaled(&self) -> bool {
        match self {
            Self::Folder(_) | Self::Image(_) | Self::Stones | Self::Pairs { .. } => true,
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Toy(_)
            | Self::Scenes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. } => false,
        }
    }

    /// The same with absolute paths, for use from any working directory. Stays as it is where that has no form that is
    /// read again as the same SPEC: a path that is no UTF-8, or a comma that a working directory would bring into
    /// `idx:`.
    ///
    /// # Errors
    /// If the working directory is not known.
    pub fn absolute(&self) -> Result<Self, DataError> {
        let absolute = self.with_absolute_paths()?;
        let read_again = absolute.to_string().parse::<Self>();
        Ok(if read_again.is_ok_and(|again| again == absolute) { absolute } else { self.clone() })
    }

    fn with_absolute_paths(&self) -> Result<Self, DataError> {
        let of = |path: &PathBuf| {
            std::path::absolute(path).map_err(|source| DataError::io("find the place of", path, source))
        };
        Ok(match self {
            Self::Idx { images, labels } => {
                Self::Idx { images: of(images)?, labels: labels.as_ref().map(of).transpose()? }
            }
            Self::Folder(folder) => Self::Folder(of(folder)?),
            Self::Image(file) => Self::Image(of(file)?),
            Self::Lines(file) => Self::Lines(of(file)?),
            Self::Unpaired(first, second) => Self::Unpaired(
                Box::new(first.with_absolute_paths()?),
                Box::new(second.with_absolute_paths()?),
            ),
            Self::Pairs { first, second } => {
                Self::Pairs { first: of(first)?, second: second.as_ref().map(of).transpose()? }
            }
            Self::Digits
            | Self::Catalogue(_)
            | Self::Stones
            | Self::Toy(_)
            | Self::Scenes
            | Self::ScenePairs
            | Self::Grammar
            | Self::Oracle { .. } => self.clone(),
        })
    }

    /// Every name a SPEC can begin with.
    pub fn names() -> Vec<&'static str> {
        let mut names = vec!["digits"];
        names.extend(catalogue::entries().iter().map(|entry| entry.name));
        names.extend([
            "idx:IMAGES[,LABELS]",
            "folder:DIR",
            "stones",
            "image:FILE",
            "scenes",
            "unpaired:SPEC_A,SPEC_B",
        ]);
        names.extend(["scene-pairs", "pairs:DIR", "pairs:DIR_A,DIR_B"]);
        names.extend(Toy::ALL.iter().map(|toy| toy.name()));
        names.extend(["lines:FILE", "grammar", "oracle", "oracle:TOKENS"]);
        names
    }

    /// Whether it reads image files of the user's, which may be transparent.
    pub fn reads_image_files(&self) -> bool {
        match self {
            Self::Folder(_) | Self::Image(_) | Self::Pairs { .. } => true,
            Self::Unpaired(first, second) => first.reads_image_files() || second.reads_image_files(),
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Stones
            | Self::Toy(_)
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. }
            | Self::Scenes
            | Self::ScenePairs => false,
        }
    }

    /// Whether it is images of two domains.
    pub fn has_two_domains(&self) -> bool {
        match self {
            Self::Scenes | Self::Unpaired(..) | Self::ScenePairs | Self::Pairs { .. } => true,
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Folder(_)
            | Self::Image(_)
            | Self::Stones
            | Self::Toy(_)
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. } => false,
        }
    }

    /// Whether it is one picture, which systems of many samples have no use for.
    pub fn is_one_picture(&self) -> bool {
        match self {
            Self::Image(_) | Self::Stones => true,
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Folder(_)
            | Self::Toy(_)
            | Self::Scenes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::Pairs { .. }
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. } => false,
        }
    }
}

impl FromStr for Spec {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let incomplete = |form| DataError::IncompleteSpec { given: text.to_owned(), form };
        if let Some(both) = text.strip_prefix("unpaired:") {
            // A path may have commas of its own: the first that leaves two specs is meant.
            let many = |spec: &Self| !spec.has_two_domains() && !spec.is_one_picture();
            let spec = |text: &str| text.parse().ok().filter(many);
            let split = |(comma, _): (usize, &str)| {
                let (first, second) = both.split_at(comma);
                Some(Self::Unpaired(Box::new(spec(first)?), Box::new(spec(second.get(1..)?)?)))
            };
            return both
                .match_indices(',')
                .find_map(split)
                .ok_or_else(|| incomplete("unpaired:SPEC_A,SPEC_B, each a SPEC of images of its own"));
        }
        if let Some(folders) = text.strip_prefix("pairs:") {
            let (first, second) = match folders.split_once(',') {
                Some((first, second)) => (first, Some(second)),
                None => (folders, None),
            };
            if first.is_empty() || second == Some("") {
                return Err(incomplete("pairs:DIR_A,DIR_B, or pairs:DIR for images with two halves"));
            }
            return Ok(Self::Pairs { first: path_of(first), second: second.map(path_of) });
        }
        if let Some(files) = text.strip_prefix("idx:") {
            let (images, labels) = match files.split_once(',') {
                Some((images, labels)) => (images, Some(labels)),
                None => (files, None),
            };
            if images.is_empty() || labels == Some("") {
                return Err(incomplete("idx:IMAGES or idx:IMAGES,LABELS"));
            }
            return Ok(Self::Idx { images: path_of(images), labels: labels.map(path_of) });
        }
        match text.strip_prefix("folder:") {
            Some("") => return Err(incomplete("folder:DIR")),
            Some(folder) => return Ok(Self::Folder(path_of(folder))),
            None => {}
        }
        match text.strip_prefix("image:") {
            Some("") => return Err(incomplete("image:FILE")),
            Some(file) => return Ok(Self::Image(path_of(file))),
            None => {}
        }
        match text.strip_prefix("lines:") {
            Some("") => return Err(incomplete("lines:FILE")),
            Some(file) => return Ok(Self::Lines(path_of(file))),
            None => {}
        }
        if let Some(tokens) = text.strip_prefix("oracle:") {
            let count = tokens.parse().ok().filter(|count| (oracle::FEWEST..=MOST_TOKENS).contains(count));
            let vocabulary = count.ok_or_else(|| incomplete("oracle:TOKENS, from 12 to 20000 of them"))?;
            return Ok(Self::Oracle { vocabulary });
        }
        match text {
            "digits" => return Ok(Self::Digits),
            "stones" => return Ok(Self::Stones),
            "scenes" => return Ok(Self::Scenes),
            "scene-pairs" => return Ok(Self::ScenePairs),
            "grammar" => return Ok(Self::Grammar),
            "oracle" => return Ok(Self::Oracle { vocabulary: oracle::VOCABULARY }),
            _ => {}
        }
        catalogue::entry(text)
            .map(Self::Catalogue)
            .or_else(|| Toy::ALL.into_iter().find(|toy| toy.name() == text).map(Self::Toy))
            .ok_or_else(|| DataError::UnknownSource { given: text.to_owned(), nearest: nearest(text) })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => f.write_str("digits"),
            Self::Catalogue(entry) => f.write_str(entry.name),
            Self::Idx { images, labels: None } => write!(f, "idx:{}", images.display()),
            Self::Idx { images, labels: Some(labels) } => {
                write!(f, "idx:{},{}", images.display(), labels.display())
            }
            Self::Folder(folder) => write!(f, "folder:{}", folder.display()),
            Self::Image(file) => write!(f, "image:{}", file.display()),
            Self::Stones => f.write_str("stones"),
            Self::Toy(toy) => f.write_str(toy.name()),
            Self::Lines(file) => write!(f, "lines:{}", file.display()),
            Self::Grammar => f.write_str("grammar"),
            Self::Oracle { vocabulary: oracle::VOCABULARY } => f.write_str("oracle"),
            Self::Oracle { vocabulary } => write!(f, "oracle:{vocabulary}"),
            Self::Scenes => f.write_str("scenes"),
            Self::Unpaired(first, second) => write!(f, "unpaired:{first},{second}"),
            Self::ScenePairs => f.write_str("scene-pairs"),
            Self::Pairs { first, second: None } => write!(f, "pairs:{}", first.display()),
            Self::Pairs { first, second: Some(second) } => {
                write!(f, "pairs:{},{}", first.display(), second.display())
            }
        }
    }
}

/// Jaro-Winkler similarity (0 to 1) above which a name is worth suggesting.
const NEAR: f64 = 0.72;

/// What to suggest for a name that is not known.
fn nearest(text: &str) -> String {
    if path_of(text).is_dir() {
        return format!("for a folder of images write folder:{text}");
    }
    if path_of(text).is_file() {
        return format!("for one picture write image:{text}");
    }
    let lower = text.to_lowercase();
    let mut ranked: Vec<(f64, &str)> =
        Spec::names().into_iter().map(|name| (strsim::jaro_winkler(&lower, name), name)).collect();
    ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let near: Vec<&str> =
        ranked.iter().take(3).filter(|(score, _)| *score > NEAR).map(|(_, name)| *name).collect();
    match near.as_slice() {
        [] => format!("there are {}", Spec::names().join(", ")),
        near => format!("the nearest names are {}", near.join(", ")),
    }
}

#[cfg(test)]
mod tests;
