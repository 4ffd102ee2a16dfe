//! Improved precision and recall (Kynkäänniemi et al. 2019).

use super::average::Average;
use super::error::Result;
use super::neighbours::{Neighbourhoods, fold_both};
use super::protocol::Setting;
use super::score::Score;

/// Below so many samples both values depend strongly on their number.
const FEW: usize = 10_000;

/// How much of the generated set lies where real samples do, and the other way round.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecisionRecall {
    /// 1 for each generated sample inside the ball of some real one.
    pub precision: Average,
    /// 1 for each real sample inside the ball of some generated one.
    pub recall: Average,
    neighbours: usize,
}

impl PrecisionRecall {
    /// Compares two sets; a ball reaches to the `k`-th nearest other of its own set (the paper's `k` is 3), and a
    /// sample on its surface is outside.
    ///
    /// # Errors
    /// If the dimensions differ, or fewer than `k` neighbours were found.
    pub fn of(real: &Neighbourhoods<'_>, generated: &Neighbourhoods<'_>, k: usize) -> Result<Self> {
        let (real_radii, generated_radii) = (real.squared_radii(k)?, generated.squared_radii(k)?);
        let (inside_real, inside_generated) = fold_both(
            (generated.features(), real.features()),
            (false, false),
            |inside, _, first, distances| *inside |= is_inside(distances, &real_radii, first),
            |inside, _, query, distance| {
                *inside |= generated_radii.get(query).is_some_and(|of| distance < *of)
            },
            &mut |_, _| {},
        )?;
        Self::from_parts(inside_real, inside_generated, k)
    }

    /// For each generated sample whether it is inside the ball of a real one, and for each real sample the other way round.
    pub(super) fn from_parts(
        inside_real: impl IntoIterator<Item = bool>,
        inside_generated: impl IntoIterator<Item = bool>,
        neighbours: usize,
    ) -> Result<Self> {
        Ok(Self { precision: share(inside_real)?, recall: share(inside_generated)?, neighbours })
    }

    /// Precision and recall as scores.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn scores(&self, setting: &Setting) -> Result<[Score; 2]> {
        let parameters = || [("neighbours", self.neighbours.into()), ("boundary", "outside".into())];
        let (generated, real) = (self.precision.values().len(), self.recall.values().len());
        let warnings = || sample_warnings(real, generated);
        Ok([
            self.precision.score(setting.protocol("precision", parameters()), warnings())?,
            self.recall.score(setting.protocol("recall", parameters()), warnings())?,
        ])
    }
}

/// Whether one of the squared `distances`, to the samples from `first` on, is below the squared radius of that sample's ball.
pub(super) fn is_inside(distances: &[f64], radii: &[f64], first: usize) -> bool {
    distances.iter().zip(radii.iter().skip(first)).any(|(distance, radius)| distance < radius)
}

fn share(of: impl IntoIterator<Item = bool>) -> Result<Average> {
    Average::new(of.into_iter().map(|is| f64::from(u8::from(is))).collect())
}

/// What to expect of metrics of neighbourhoods with so many samples.
pub(super) fn sample_warnings(real: usize, generated: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if real.min(generated) < FEW {
        warnings.push(format!(
            "with {real} real and {generated} generated samples the balls are larger than with {FEW} and more \
             samples fall into them; compare only with scores of the same numbers"
        ));
    }
    if real != generated {
        warnings
            .push(format!("{generated} generated against {real} real samples: use equal numbers to compare"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::super::features::Features;
    use super::super::protocol::tests::setting;
    use super::*;
    use brigand_core::random::Stream;

    fn measure(real: &Features, generated: &Features, k: usize) -> PrecisionRecall {
        let (real, generated) =
            (Neighbourhoods::new(real, k).unwrap(), Neighbourhoods::new(generated, k).unwrap());
        PrecisionRecall::of(&real, &generated, k).unwrap()
    }

    #[test]
    fn the_small_example() {
        let real = Features::new(vec![0.0, 1.0, 2.0], 1).unwrap();
        let generated = Features::new(vec![0.5, 10.0], 1).unwrap();
        let found = measure(&real, &generated, 1);
        assert_eq!(found.precision.values(), [1.0, 0.0]);
        assert_eq!(found.recall.mean(), 1.0);
        let turned = measure(&generated, &real, 1);
        assert_eq!((turned.precision.mean(), turned.recall.mean()), (1.0, 0.5));
    }

    #[test]
    fn a_set_covers_itself_but_for_samples_that_all_coincide() {
        let features = Features::new(Stream::new(1, "features", 0).normal(600), 6).unwrap();
        let found = measure(&features, &features, 3);
        assert_eq!((found.precision.mean(), found.recall.mean()), (1.0, 1.0));
        let same = Features::new(vec![0.1_f32; 60], 6).unwrap();
        assert_eq!(measure(&same, &same, 3).precision.mean(), 0.0);
    }

    #[test]
    fn order_does_not_matter_and_few_samples_are_told() {
        let draw = |seed| Features::new(Stream::new(seed, "features", 0).normal(600), 6).unwrap();
        let (real, generated) = (draw(1), draw(2));
        let order = Stream::new(1, "order", 0).permutation(100);
        let (straight, turned) =
            (measure(&real, &generated, 3), measure(&real.select(&order).unwrap(), &generated, 3));
        assert_eq!(straight.precision, turned.precision);
        assert_eq!(straight.recall.mean(), turned.recall.mean());
        let scores = straight.scores(&setting(100, 100)).unwrap();
        assert_eq!(scores[0].value, straight.precision.mean());
        assert_eq!(scores[1].protocol.metric, "recall");
        assert!(scores[0].warnings[0].contains("the balls are larger"));
        assert_eq!(sample_warnings(10_000, 10_000), Vec::<String>::new());
        assert_eq!(sample_warnings(10_000, 20_000).len(), 1);
    }
}
