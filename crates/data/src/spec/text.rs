//! A SPEC as text: parsed, and printed again.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::Spec;
use super::nearest::nearest;
use crate::catalogue;
use crate::error::DataError;
use crate::files::path_of;
use crate::people::PeopleSpec;
use crate::speech::SpeechSpec;
use crate::styles::StylesSpec;
use crate::text::{MOST_TOKENS, oracle};
use crate::toy::Toy;

impl FromStr for Spec {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let incomplete = |form| DataError::IncompleteSpec { given: text.to_owned(), form };
        if let Some(both) = text.strip_prefix("unpaired:") {
            // A path may have commas of its own: the first that leaves two specs is meant.
            let many = |spec: &Self| !spec.is_more_than_images() && !spec.is_one_picture();
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
        if let Some(paths) = text.strip_prefix("speech:") {
            return match paths.split_once(',') {
                Some(("", _) | (_, "")) | None => Err(incomplete("speech:DIR,PHONES.txt")),
                Some((sounds, text)) => {
                    Ok(Self::Speech(SpeechSpec::Folder { sounds: path_of(sounds), text: path_of(text) }))
                }
            };
        }
        if let Some(files) = text.strip_prefix("unpaired-lines:") {
            let form = "unpaired-lines:NEGATIVE,POSITIVE, two files of lines";
            return StylesSpec::of_files(files).map(Self::Styles).ok_or_else(|| incomplete(form));
        }
        if let Some(paths) = text.strip_prefix("labels:") {
            let mut paths = paths.splitn(3, ',');
            let (images, maps, palette) = (paths.next(), paths.next(), paths.next());
            return match (images.unwrap_or_default(), maps.unwrap_or_default(), palette) {
                ("", ..) | (_, "", _) | (.., Some("")) => {
                    Err(incomplete("labels:IMAGES,MAPS or labels:IMAGES,MAPS,PALETTE"))
                }
                (images, maps, palette) => Ok(Self::Labels {
                    images: path_of(images),
                    maps: path_of(maps),
                    palette: palette.map(path_of),
                }),
            };
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
        type Kind = fn(PathBuf) -> PeopleSpec;
        let people: [(&str, &'static str, Kind); 2] = [
            ("identities:", "identities:DIR", PeopleSpec::Folder),
            ("person:", "person:DIR", PeopleSpec::One),
        ];
        for (beginning, form, of) in people {
            match text.strip_prefix(beginning) {
                Some("") => return Err(incomplete(form)),
                Some(folder) => return Ok(Self::People(of(path_of(folder)))),
                None => {}
            }
        }
        type Text = fn(PathBuf) -> Spec;
        let texts: [(&str, &'static str, Text); 4] = [
            ("lines:", "lines:FILE", Self::Lines),
            ("captions:", "captions:TSV or captions:CSV", Self::Captions),
            ("tags:", "tags:FILE.csv, with lines of file,label|label", Self::Tags),
            ("sounds:", "sounds:FILE.tsv, with lines of sound, tab, picture", Self::Sounds),
        ];
        for (beginning, form, of) in texts {
            match text.strip_prefix(beginning) {
                Some("") => return Err(incomplete(form)),
                Some(file) => return Ok(of(path_of(file))),
                None => {}
            }
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
            "landscapes" => return Ok(Self::Landscapes),
            "scene-pairs" => return Ok(Self::ScenePairs),
            "label-scenes" => return Ok(Self::LabelScenes),
            "caption-scenes" => return Ok(Self::CaptionScenes),
            "tagged-shapes" => return Ok(Self::TaggedShapes),
            "tone-discs" => return Ok(Self::ToneDiscs),
            "cartoon-faces" => return Ok(Self::People(PeopleSpec::Cartoon)),
            "cipher" => return Ok(Self::Speech(SpeechSpec::Cipher)),
            "opinions" => return Ok(Self::Styles(StylesSpec::Opinions)),
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
            Self::Speech(which) => write!(f, "{which}"),
            Self::Styles(which) => write!(f, "{which}"),
            Self::People(which) => write!(f, "{which}"),
            Self::Landscapes => f.write_str("landscapes"),
            Self::ScenePairs => f.write_str("scene-pairs"),
            Self::Pairs { first, second: None } => write!(f, "pairs:{}", first.display()),
            Self::Pairs { first, second: Some(second) } => {
                write!(f, "pairs:{},{}", first.display(), second.display())
            }
            Self::LabelScenes => f.write_str("label-scenes"),
            Self::CaptionScenes => f.write_str("caption-scenes"),
            Self::Captions(file) => write!(f, "captions:{}", file.display()),
            Self::TaggedShapes => f.write_str("tagged-shapes"),
            Self::ToneDiscs => f.write_str("tone-discs"),
            Self::Sounds(file) => write!(f, "sounds:{}", file.display()),
            Self::Tags(file) => write!(f, "tags:{}", file.display()),
            Self::Labels { images, maps, palette } => {
                write!(f, "labels:{},{}", images.display(), maps.display())?;
                palette.as_ref().map_or(Ok(()), |palette| write!(f, ",{}", palette.display()))
            }
        }
    }
}
