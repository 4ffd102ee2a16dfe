//! What each kind of data has, said once.

use super::Spec;
use crate::styles::{StylesSpec, opinions};
use crate::text::Tokens;
use crate::text::grammar::LENGTH as GRAMMAR_LENGTH;
use crate::text::oracle;

/// Most tokens of a caption where no other number is given.
const CAPTION_LENGTH: usize = 16;

/// What a kind of data has.
pub(super) enum Contents {
    /// Many images of one domain.
    Images,
    /// One picture.
    OnePicture,
    /// Images of two domains, or images with label maps, several labels or sounds.
    ImagesAndMore,
    /// Many images with captions of at most so many tokens.
    CaptionedImages { length: usize },
    /// Frames of people with landmarks, and how many stand beside the target of an episode.
    People { frames: Option<usize> },
    /// Points.
    Points,
    /// Lines of at most so many tokens, where no other kind and number are given.
    Text { tokens: Tokens, length: usize },
    /// Utterances and text of phonemes.
    Speech,
}

impl Spec {
    /// What it has.
    pub(super) fn contents(&self) -> Contents {
        let characters = |length| Contents::Text { tokens: Tokens::Characters, length };
        let words = |length| Contents::Text { tokens: Tokens::Words, length };
        match self {
            Self::Digits | Self::Catalogue(_) | Self::Idx { .. } | Self::Folder(_) => Contents::Images,
            Self::Image(_) | Self::Stones => Contents::OnePicture,
            Self::Scenes
            | Self::Landscapes
            | Self::Unpaired(..)
            | Self::ScenePairs
            | Self::Pairs { .. }
            | Self::LabelScenes
            | Self::Labels { .. }
            | Self::TaggedShapes
            | Self::Tags(_)
            | Self::ToneDiscs
            | Self::Sounds(_) => Contents::ImagesAndMore,
            Self::CaptionScenes | Self::Captions(_) => Contents::CaptionedImages { length: CAPTION_LENGTH },
            Self::People(which) => Contents::People { frames: which.frames() },
            Self::Toy(_) => Contents::Points,
            Self::Lines(_) => characters(32),
            Self::Grammar => characters(GRAMMAR_LENGTH),
            Self::Oracle { .. } => characters(oracle::LENGTH),
            Self::Styles(StylesSpec::Opinions) => words(opinions::LENGTH),
            Self::Styles(StylesSpec::Files { .. }) => words(20),
            Self::Speech(_) => Contents::Speech,
        }
    }
}
