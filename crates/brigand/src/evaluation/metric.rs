//! The metrics by the names they are asked for.

use std::fmt;
use std::str::FromStr;

use super::error::EvaluationError;

/// A metric, or a few that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// The Fréchet distance.
    Frechet,
    /// The kernel distance.
    Kernel,
    /// The Inception Score.
    InceptionScore,
    /// Precision, recall, density and coverage.
    PrecisionRecall,
    /// The Parzen log-likelihood, in pixels.
    Parzen,
    /// The similarity of pairs.
    Similarity,
    /// Modes of a mixture of points, or classes of images.
    Modes,
    /// Whether samples are of the classes that were asked for.
    ClassMatch,
    /// The thousand modes of stacked digits.
    StackedDigits,
    /// Distances to training samples.
    Memorisation,
    /// The accuracy of the nearest neighbour in telling real from generated.
    NearestNeighbour,
    /// How far samples move along paths through the latent space.
    PathLength,
    /// The accuracy on real samples of a classifier that learnt from generated ones.
    ClassificationAccuracy,
}

/// A score that a metric gives, and whether more of it is better.
type Given = (&'static str, bool);

impl Metric {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Frechet,
        Self::Kernel,
        Self::InceptionScore,
        Self::PrecisionRecall,
        Self::Parzen,
        Self::Similarity,
        Self::Modes,
        Self::ClassMatch,
        Self::StackedDigits,
        Self::Memorisation,
        Self::NearestNeighbour,
        Self::PathLength,
        Self::ClassificationAccuracy,
    ];

    /// What it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frechet => "fid",
            Self::Kernel => "kid",
            Self::InceptionScore => "is",
            Self::PrecisionRecall => "prdc",
            Self::Parzen => "kde",
            Self::Similarity => "ms-ssim",
            Self::Modes => "modes",
            Self::ClassMatch => "class-match",
            Self::StackedDigits => "stacked-digits",
            Self::Memorisation => "memorisation",
            Self::NearestNeighbour => "nearest-neighbour",
            Self::PathLength => "path-length",
            Self::ClassificationAccuracy => "cas",
        }
    }

    /// The scores it gives of which a run can keep the best, and whether more is better.
    pub fn scores(self) -> &'static [Given] {
        match self {
            Self::Frechet => &[("fid", false)],
            Self::Kernel => &[("kid", false)],
            Self::InceptionScore => &[("inception-score", true)],
            Self::PrecisionRecall => {
                &[("precision", true), ("recall", true), ("density", true), ("coverage", true)]
            }
            Self::Parzen => &[("parzen-log-likelihood", true)],
            Self::Modes => &[
                ("classes-covered", true),
                ("class-histogram-kl", false),
                ("modes", true),
                ("high-quality", true),
            ],
            Self::ClassMatch => &[("class-match", true)],
            Self::StackedDigits => &[("stacked-digits-modes", true), ("stacked-digits-kl", false)],
            // A generator that gives one sample for all latents has the shortest paths, so they choose no best.
            Self::Similarity
            | Self::Memorisation
            | Self::NearestNeighbour
            | Self::PathLength
            | Self::ClassificationAccuracy => &[],
        }
    }

    /// Whether it is computed from features of the real samples.
    pub(crate) fn needs_real_features(self) -> bool {
        self.needs_features() && !matches!(self, Self::InceptionScore | Self::ClassMatch)
    }

    /// Whether it asks the extractor for probabilities of classes, at least of images.
    pub fn needs_classes(self) -> bool {
        matches!(self, Self::InceptionScore | Self::Modes | Self::ClassMatch | Self::StackedDigits)
    }

    /// Whether it is computed from features of the generated samples, one by one.
    pub(crate) fn needs_features(self) -> bool {
        !matches!(
            self,
            Self::Frechet
                | Self::StackedDigits
                | Self::Similarity
                | Self::PathLength
                | Self::ClassificationAccuracy
        )
    }

    /// Whether the extractor has a part in it.
    pub fn uses_extractor(self) -> bool {
        !matches!(self, Self::Similarity | Self::ClassificationAccuracy)
    }

    /// Whether it looks at the images themselves.
    pub fn needs_images(self) -> bool {
        matches!(self, Self::Parzen | Self::Similarity | Self::StackedDigits | Self::ClassificationAccuracy)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = EvaluationError;

    fn from_str(text: &str) -> Result<Self, EvaluationError> {
        if let Some(found) = Self::ALL.into_iter().find(|metric| metric.name() == text) {
            return Ok(found);
        }
        let closeness = |metric: &Self| {
            let names = std::iter::once(metric.name()).chain(metric.scores().iter().map(|given| given.0));
            names.map(|name| strsim::normalized_damerau_levenshtein(name, text)).fold(0.0, f64::max)
        };
        let mut near = Self::ALL;
        near.sort_by(|a, b| closeness(b).total_cmp(&closeness(a)));
        let names = Self::ALL.map(Self::name).join(", ");
        Err(EvaluationError::Input(format!(
            "no metric is called `{text}`; the nearest is {}, there are {names}",
            near[0]
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood_and_suggested() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse::<Metric>().unwrap(), metric);
        }
        for (given, meant) in [
            ("fdi", "fid"),
            ("memorization", "memorisation"),
            ("recal", "prdc"),
            ("ssim", "ms-ssim"),
            ("path", "path-length"),
        ] {
            let message = given.parse::<Metric>().unwrap_err().to_string();
            assert!(message.contains(&format!("the nearest is {meant},")), "{message}");
        }
    }
}
