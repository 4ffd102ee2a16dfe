//! The variety of generated images, from the similarity of pairs of them (Odena et al. 2017).

use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::average::Average;
use super::error::{Result, refused};
use super::protocol::Setting;
use super::score::Score;
use super::similarity::{Images, similarity};
use brigand_core::random::Stream;

/// Images among which pairs are drawn, and pairs.
const IMAGES: usize = 1000;
const PAIRS: usize = 500;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "ms-ssim",
    summary: "structural similarity of random pairs of images: higher than that of real ones means repetition",
    needs: &[Need::RealSamples, Need::GeneratedSamples],
    scores: &[
        ScoreRow { name: "ms-ssim", better: Better::Neither },
        ScoreRow { name: "ssim", better: Better::Neither },
        ScoreRow { name: "ms-ssim-of-real", better: Better::Neither },
        ScoreRow { name: "ssim-of-real", better: Better::Neither },
    ],
    usual: false,
    slow: false,
    measure,
};

/// That of generated images, and of real ones beside it.
fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let mut scores = Vec::new();
    for (samples, suffix) in [(inputs.generated_samples(), ""), (inputs.real_samples(), "-of-real")] {
        let samples = inputs.needed(samples, "the images themselves")?;
        let [channels, height, width] = *samples.shape()? else {
            return inputs.needed(None, "images, these are points");
        };
        let mut chosen = inputs.permutation("images", samples.count());
        chosen.truncate(IMAGES);
        let values = inputs.values(samples, &chosen)?;
        let images = Images::new(&values, [chosen.len(), channels, height, width], (-1.0, 1.0))?;
        let pairs = Pairs { count: PAIRS, scales: images.scales() };
        let setting = Setting { generated: Some(chosen.len() as u64), ..inputs.setting_of_pixels("none") };
        let mut score = PairSimilarity::of(images, None, pairs, setting.seed)?.score(&setting)?;
        score.protocol.metric.push_str(suffix);
        scores.push(score.with_parameter("drawn", inputs.drawn("images")));
    }
    Ok(scores)
}

/// Which pairs of images are compared, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// How many random pairs.
    pub count: usize,
    /// At how many scales.
    pub scales: usize,
}

/// The similarity of random pairs of different images of the same class: lower is more varied. Compare it with that
/// of real images; a generator that is far above repeats itself.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSimilarity {
    /// The similarity of each pair.
    pub similarity: Average,
    pairs: Pairs,
    within_classes: bool,
}

impl PairSimilarity {
    /// Compares random pairs of one class, or of all images where they have no labels.
    ///
    /// # Errors
    /// If there are not as many labels as images, no class has two, or the images are too small for the scales.
    pub fn of(images: Images<'_>, labels: Option<&[u32]>, pairs: Pairs, seed: u64) -> Result<Self> {
        let drawn = draw_pairs(images.count(), labels, pairs.count, seed)?;
        let values: Result<_> =
            drawn.par_iter().map(|&pair| similarity(images, pair, pairs.scales)).collect();
        Ok(Self { similarity: Average::new(values?)?, pairs, within_classes: labels.is_some() })
    }

    /// The mean similarity as a score, `ssim` or `ms-ssim`.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(&self, setting: &Setting) -> Result<Score> {
        let Pairs { count, scales } = self.pairs;
        let metric = if scales == 1 { "ssim" } else { "ms-ssim" };
        let parameters = [
            ("pairs", count.into()),
            ("scales", scales.into()),
            ("within_classes", self.within_classes.into()),
        ];
        let mut warnings = Vec::new();
        if count < 100 {
            warnings.push(format!("{count} pairs scatter widely; 100 and more are usual"));
        }
        self.similarity.score(setting.protocol(metric, parameters), warnings)
    }
}

/// Pairs of different images of the same class, every image of a class of several as likely as any other.
fn draw_pairs(count: usize, labels: Option<&[u32]>, pairs: usize, seed: u64) -> Result<Vec<(usize, usize)>> {
    if let Some(labels) = labels.filter(|labels| labels.len() != count) {
        return refused(format!("{} labels for {count} images", labels.len()));
    }
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for index in 0..count {
        let label = labels.and_then(|labels| labels.get(index)).copied().unwrap_or(0);
        members.entry(label).or_default().push(index);
    }
    members.retain(|_, images| images.len() > 1);
    let candidates: Vec<(usize, &Vec<usize>)> =
        members.values().flat_map(|class| (0..class.len()).map(move |place| (place, class))).collect();
    let mut stream = Stream::new(seed, "evaluation/similarity/pairs", 0);
    let mut draw = || {
        let &(place, class) = stream.choose(&candidates)?;
        let other = (place + 1 + stream.index(class.len() - 1)) % class.len();
        Some((*class.get(place)?, *class.get(other)?))
    };
    match (0..pairs).map(|_| draw()).collect() {
        Some(drawn) => Ok(drawn),
        None => refused("no class has two images to compare; generate more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    #[test]
    fn pairs_are_of_one_class_and_never_of_one_image() {
        // Two classes of equal images each, and a class of one.
        let dark = vec![0.1; 512];
        let values = [dark.clone(), vec![0.9; 512], vec![0.5; 256]].concat();
        let pairs = Pairs { count: 40, scales: 1 };
        let found = images(&values);
        let classes = PairSimilarity::of(found, Some(&[0, 0, 1, 1, 2]), pairs, 0).unwrap();
        assert!(classes.similarity.values().iter().all(|value| (value - 1.0).abs() < 1e-12));
        let mixed = PairSimilarity::of(found, None, pairs, 0).unwrap();
        assert!(mixed.similarity.mean() < 0.9);
        let distinct = Stream::new(1, "images", 0).uniform(3 * 256, 0.0, 1.0);
        let never = PairSimilarity::of(images(&distinct), None, pairs, 0).unwrap();
        assert!(never.similarity.values().iter().all(|&value| value < 0.9));
        assert!(PairSimilarity::of(found, Some(&[0, 1, 2, 3, 4]), pairs, 0).is_err());
        assert!(PairSimilarity::of(found, Some(&[0]), pairs, 0).is_err());
        let score = classes.score(&setting(5, 5)).unwrap();
        assert!(score.protocol.metric == "ssim" && score.warnings[0].contains("40 pairs"));
    }

    fn images(values: &[f32]) -> Images<'_> {
        Images::new(values, [values.len() / 256, 1, 16, 16], (0.0, 1.0)).unwrap()
    }
}
