//! Names of data, as on the command line and in recipes.

mod contents;
mod nearest;
mod text;

use std::path::PathBuf;

use brigand_core::batch::SampleKind;

use super::catalogue::{self, Entry};
use super::error::DataError;
use super::options::Options;
use super::people::PeopleSpec;
use super::speech::SpeechSpec;
use super::styles::StylesSpec;
use super::text::Tokens;
use super::toy::Toy;
use contents::Contents;

/// A data SPEC: `digits`, a downloadable set (`mnist`, `fashion-mnist`, `cifar10`), `idx:IMAGES[,LABELS]`,
/// `folder:DIR`, one picture (`stones`, `image:FILE`), two domains (`scenes`, `landscapes`, `unpaired:SPEC_A,SPEC_B`), pairs of
/// them (`scene-pairs`, `pairs:DIR`, `pairs:DIR_A,DIR_B`), images with label maps (`label-scenes`,
/// `labels:IMAGES,MAPS[,PALETTE]`), images with captions (`caption-scenes`, `captions:TSV`, `captions:CSV`), several labels each
/// (`tagged-shapes`, `tags:FILE.csv`) or a sound (`tone-discs`, `sounds:FILE.tsv`), a toy distribution (`ring8`, `swiss-roll`, ...), people with landmarks (`cartoon-faces`,
/// `identities:DIR`, `person:DIR`), `lines:FILE`, `grammar`, `oracle` or `oracle:TOKENS` (text),
/// `cipher` or `speech:DIR,PHONES.txt` (utterances and text of phonemes), `opinions` or `unpaired-lines:NEGATIVE,POSITIVE` (text in
/// two styles).
///
/// It is parsed from that text and prints as it again, with `~` at the beginning of a path replaced by the user's folder.
/// In `idx:`, `speech:` and `unpaired-lines:` the first comma ends the first path, in `pairs:` that of the first folder, in `labels:` the first two
/// end those of the folders.
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
    /// The drawn landscapes as photographs and as illustrations that are part of Brigand.
    Landscapes,
    /// Two data sets of images as two domains.
    Unpaired(Box<Spec>, Box<Spec>),
    /// The drawn pictures of two domains, each with its partner.
    ScenePairs,
    /// Frames of people with landmarks.
    People(PeopleSpec),
    /// Utterances and unrelated text of phonemes.
    Speech(SpeechSpec),
    /// Lines of text in two styles.
    Styles(StylesSpec),
    /// Images of two domains that belong together.
    Pairs {
        /// Folder of the images, or of the first domain's.
        first: PathBuf,
        /// Folder of the second domain's, with equal names; without it both are halves of one image.
        second: Option<PathBuf>,
    },
    /// The drawn pictures with label maps that are part of Brigand.
    LabelScenes,
    /// Images with label maps.
    Labels {
        /// Folder of the images.
        images: PathBuf,
        /// Folder of the maps, PNGs with equal names.
        maps: PathBuf,
        /// Text file with a colour and a name for each label; without it the numbers in the maps are the labels.
        palette: Option<PathBuf>,
    },
    /// The drawn pictures with captions that are part of Brigand.
    CaptionScenes,
    /// A UTF-8 file with the path of an image, a tab and a caption of it in each line; or, as `.csv`, the file and the tags of an
    /// image, as of [`Spec::Tags`].
    Captions(PathBuf),
    /// The drawn pictures with several labels each that are part of Brigand.
    TaggedShapes,
    /// Images with several labels each: a CSV with a line for each.
    Tags(PathBuf),
    /// The drawn discs of tones that are part of Brigand.
    ToneDiscs,
    /// Sounds with pictures: a TSV with a line for each.
    Sounds(PathBuf),
}

impl Spec {
    /// What a token of its text or captions is where nothing else is said; none without text.
    pub fn tokens(&self) -> Option<Tokens> {
        match self.contents() {
            Contents::Text { tokens, .. } => Some(tokens),
            Contents::CaptionedImages { .. } => Some(Tokens::Words),
            Contents::Images
            | Contents::OnePicture
            | Contents::ImagesAndMore
            | Contents::People { .. }
            | Contents::Points
            | Contents::Speech => None,
        }
    }

    /// Of text and captions: the most tokens of one where no other number is given.
    pub fn text_length(&self) -> Option<usize> {
        match self.contents() {
            Contents::Text { length, .. } | Contents::CaptionedImages { length } => Some(length),
            Contents::Images
            | Contents::OnePicture
            | Contents::ImagesAndMore
            | Contents::People { .. }
            | Contents::Points
            | Contents::Speech => None,
        }
    }

    /// What a token of its text is, and the most of a line, where the options say nothing else.
    pub(crate) fn words(&self, options: &Options) -> (Tokens, usize) {
        let length = options.length.or(self.text_length()).unwrap_or_default();
        (options.tokens.or(self.tokens()).unwrap_or_default(), length)
    }

    /// Of people in episodes: other frames beside the target where no other number is given.
    pub fn episode_frames(&self) -> Option<usize> {
        match self.contents() {
            Contents::People { frames } => frames,
            Contents::Images
            | Contents::OnePicture
            | Contents::ImagesAndMore
            | Contents::CaptionedImages { .. }
            | Contents::Points
            | Contents::Text { .. }
            | Contents::Speech => None,
        }
    }

    /// Whether its samples are images or points, which decides the defaults of systems. Text counts as images: systems
    /// of sequences have the same defaults for everything.
    pub fn sample_kind(&self) -> SampleKind {
        match self.contents() {
            Contents::Points => SampleKind::Points,
            Contents::Images
            | Contents::OnePicture
            | Contents::ImagesAndMore
            | Contents::CaptionedImages { .. }
            | Contents::People { .. }
            | Contents::Text { .. }
            | Contents::Speech => SampleKind::Image,
        }
    }

    /// Whether its samples are images, of which there are many, each by itself or with a partner.
    pub fn has_many_images(&self) -> bool {
        matches!(
            self.contents(),
            Contents::Images | Contents::ImagesAndMore | Contents::CaptionedImages { .. }
        )
    }

    /// Whether it is more than the images of one domain: those of two, or images with label maps, several labels or sounds.
    pub fn is_more_than_images(&self) -> bool {
        matches!(self.contents(), Contents::ImagesAndMore)
    }

    /// Whether it is one picture, which systems of many samples have no use for.
    pub fn is_one_picture(&self) -> bool {
        matches!(self.contents(), Contents::OnePicture)
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
            | Self::People(_)
            | Self::Speech(_)
            | Self::Styles(_)
            | Self::Toy(_)
            | Self::Scenes
            | Self::Landscapes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::Pairs { .. }
            | Self::LabelScenes
            | Self::Labels { .. }
            | Self::CaptionScenes
            | Self::Captions(_)
            | Self::TaggedShapes
            | Self::Tags(_)
            | Self::ToneDiscs
            | Self::Sounds(_)
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. } => false,
        }
    }

    /// Whether its images are brought to one size even where none is asked for.
    pub fn is_always_scaled(&self) -> bool {
        match self {
            Self::Folder(_)
            | Self::Image(_)
            | Self::Stones
            | Self::People(_)
            | Self::Pairs { .. }
            | Self::Labels { .. }
            | Self::Captions(_)
            | Self::Tags(_)
            | Self::Sounds(_) => true,
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Speech(_)
            | Self::Styles(_)
            | Self::Toy(_)
            | Self::Scenes
            | Self::Landscapes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::LabelScenes
            | Self::CaptionScenes
            | Self::TaggedShapes
            | Self::ToneDiscs
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
            Self::Captions(file) => Self::Captions(of(file)?),
            Self::Tags(file) => Self::Tags(of(file)?),
            Self::Sounds(file) => Self::Sounds(of(file)?),
            Self::People(which) => Self::People(which.with_path(of)?),
            Self::Speech(which) => Self::Speech(which.with_path(of)?),
            Self::Styles(which) => Self::Styles(which.with_path(of)?),
            Self::Unpaired(first, second) => Self::Unpaired(
                Box::new(first.with_absolute_paths()?),
                Box::new(second.with_absolute_paths()?),
            ),
            Self::Pairs { first, second } => {
                Self::Pairs { first: of(first)?, second: second.as_ref().map(of).transpose()? }
            }
            Self::Labels { images, maps, palette } => Self::Labels {
                images: of(images)?,
                maps: of(maps)?,
                palette: palette.as_ref().map(of).transpose()?,
            },
            Self::Digits
            | Self::Catalogue(_)
            | Self::Stones
            | Self::Toy(_)
            | Self::Scenes
            | Self::Landscapes
            | Self::ScenePairs
            | Self::LabelScenes
            | Self::CaptionScenes
            | Self::TaggedShapes
            | Self::ToneDiscs
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
            "landscapes",
            "unpaired:SPEC_A,SPEC_B",
        ]);
        names.extend(["scene-pairs", "pairs:DIR", "pairs:DIR_A,DIR_B"]);
        names.extend(["label-scenes", "labels:IMAGES,MAPS[,PALETTE]"]);
        names.extend(["caption-scenes", "captions:TSV", "captions:CSV"]);
        names.extend(["tagged-shapes", "tags:FILE.csv", "tone-discs", "sounds:FILE.tsv"]);
        names.extend(["cartoon-faces", "identities:DIR", "person:DIR"]);
        names.extend(Toy::ALL.iter().map(|toy| toy.name()));
        names.extend(["lines:FILE", "grammar", "oracle", "oracle:TOKENS", "cipher", "speech:DIR,PHONES.txt"]);
        names.extend(["opinions", "unpaired-lines:NEGATIVE,POSITIVE"]);
        names
    }

    /// Whether it reads image files of the user's, which may be transparent.
    pub fn reads_image_files(&self) -> bool {
        match self {
            Self::Folder(_)
            | Self::Image(_)
            | Self::Pairs { .. }
            | Self::Labels { .. }
            | Self::Captions(_)
            | Self::Tags(_)
            | Self::Sounds(_) => true,
            Self::Unpaired(first, second) => first.reads_image_files() || second.reads_image_files(),
            Self::People(which) => which.reads_files(),
            Self::Digits
            | Self::Catalogue(_)
            | Self::Idx { .. }
            | Self::Stones
            | Self::Speech(_)
            | Self::Styles(_)
            | Self::Toy(_)
            | Self::Lines(_)
            | Self::Grammar
            | Self::Oracle { .. }
            | Self::Scenes
            | Self::Landscapes
            | Self::ScenePairs
            | Self::LabelScenes
            | Self::CaptionScenes
            | Self::TaggedShapes
            | Self::ToneDiscs => false,
        }
    }

    /// Whether it is files that belong together or are of two styles, for which another SPEC can name samples to be measured on.
    pub fn is_aligned_files(&self) -> bool {
        matches!(
            self,
            Self::Pairs { .. }
                | Self::Labels { .. }
                | Self::Sounds(_)
                | Self::Styles(StylesSpec::Files { .. })
        )
    }
}

#[cfg(test)]
mod tests;
