//! Perceptual path length (Karras et al. 2019).

use super::average::Average;
use super::bootstrap::quantile;
use super::error::{EvaluationError, refused};
use super::protocol::Setting;
use super::score::Score;
use crate::great_arc::arc_weights;
use brigand_core::error::Result;
use brigand_core::random::Stream;

/// Fewer pairs than published path lengths are measured on are worth a warning.
const USUAL_PAIRS: usize = 10_000;

/// The space whose paths are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Normal latents, along great arcs.
    Latent,
    /// The output of a mapping network, along straight lines.
    Mapped,
}

/// Where along the path it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere, evenly.
    Full,
    /// At its beginning.
    End,
}

/// How path length is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathSettings {
    /// The space.
    pub space: Space,
    /// Where along the path.
    pub place: Place,
    /// Pairs of ends.
    pub pairs: usize,
    /// Pairs generated at once.
    pub batch: usize,
    /// Coordinates at the end of a point that choose something, a class say, and stay as they are along its path.
    pub choices: usize,
    /// The step along the path, as a share of it. The paper's 1e-4 needs a generator in `f64`: in `f32` the two
    /// samples differ by little more than rounding, so 1e-2 is the default.
    pub step: f64,
}

impl Default for PathSettings {
    fn default() -> Self {
        Self {
            space: Space::Latent,
            place: Place::Full,
            pairs: USUAL_PAIRS,
            batch: 64,
            choices: 0,
            step: 1e-2,
        }
    }
}

/// `|G(path(t)) - G(path(t + e))|² / e²` in features, for random paths; values outside the middle 98 percent dropped.
///
/// With LPIPS-like features, whose squared distance is the perceptual one, this is the published metric.
#[derive(Clone, Debug, PartialEq)]
pub struct PathLength {
    /// The squared speed along each path, in rising order.
    pub lengths: Average,
    settings: PathSettings,
}

impl PathLength {
    /// Follows paths through a space of `dimensions`.
    ///
    /// `ends(count, stream)` draws that many points of the space, row-major; `features(points)` generates samples
    /// from points `[2 batch, dimensions]` and gives their features, row-major.
    ///
    /// # Errors
    /// For settings that measure nothing, features that do not belong to the points or are not finite, and whatever
    /// the generator reports.
    pub fn of(
        settings: PathSettings,
        dimensions: usize,
        seed: u64,
        mut ends: impl FnMut(usize, &mut Stream) -> Result<Vec<f64>>,
        mut features: impl FnMut(&[f64]) -> Result<Vec<f64>>,
    ) -> Result<Self> {
        let PathSettings { pairs, batch, choices, step, .. } = settings;
        if pairs == 0 || batch == 0 || dimensions <= choices || !(step > 0.0 && step <= 0.5) {
            return Ok(refused(format!(
                "{pairs} pairs in batches of {batch}, {dimensions} dimensions, {choices} of them choices, and a step \
                 of {step} measure no path; give positive numbers and a step of at most 0.5"
            ))?);
        }
        let mut lengths = Vec::with_capacity(pairs);
        for first in (0..pairs).step_by(batch) {
            let count = batch.min(pairs - first);
            let mut points = Vec::with_capacity(2 * count * dimensions);
            for pair in first..first + count {
                // A stream for each pair, so that the batch does not decide what is drawn.
                let mut stream = Stream::new(seed, "evaluation/path-length", pair as u64);
                let drawn = ends(2, &mut stream)?;
                if drawn.len() != 2 * dimensions {
                    let found = drawn.len();
                    return Ok(refused(format!(
                        "{found} numbers are not 2 points of {dimensions} dimensions"
                    ))?);
                }
                points.extend(neighbouring(settings, &drawn, &mut stream));
            }
            let found = features(&points)?;
            lengths.extend(squared_steps(&found, count, step)?);
        }
        Ok(Self { lengths: middle(lengths)?, settings })
    }

    /// The mean as a score.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(&self, setting: &Setting) -> super::error::Result<Score> {
        let PathSettings { space, place, pairs, step, .. } = self.settings;
        let parameters = [
            ("space", if space == Space::Latent { "z, slerp" } else { "w, lerp" }.into()),
            ("place", if place == Place::Full { "full" } else { "end" }.into()),
            ("pairs", pairs.into()),
            ("step", step.into()),
        ];
        let mut warnings = Vec::new();
        if pairs < USUAL_PAIRS {
            warnings.push(format!("the mean over {pairs} pairs scatters; 10000 to 100000 are usual"));
        }
        self.lengths.score(setting.protocol("perceptual-path-length", parameters), warnings)
    }
}

/// The two points of the path between two ends whose samples are compared.
fn neighbouring(settings: PathSettings, ends: &[f64], stream: &mut Stream) -> Vec<f64> {
    let PathSettings { space, place, choices, step, .. } = settings;
    let (from, to) = ends.split_at(ends.len() / 2);
    let (from, chosen) = from.split_at(from.len() - choices);
    let share = stream.number(0.0, 1.0);
    let t = if place == Place::End { 0.0 } else { f64::from(share) };
    let point = |t| between(space, from, to, t).into_iter().chain(chosen.iter().copied());
    [t, t + step].into_iter().flat_map(point).collect()
}

fn between(space: Space, from: &[f64], to: &[f64], t: f64) -> Vec<f64> {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let (own, other) = match space {
        Space::Latent => arc_weights(dot(from, to), dot(from, from) * dot(to, to), t),
        Space::Mapped => (1.0 - t, t),
    };
    from.iter().zip(to).map(|(from, to)| own * from + other * to).collect()
}

fn squared_steps(features: &[f64], pairs: usize, step: f64) -> super::error::Result<Vec<f64>> {
    let width = features.len() / (2 * pairs);
    if width == 0 || features.len() != 2 * pairs * width {
        return refused(format!("{} features do not belong to {} samples", features.len(), 2 * pairs));
    }
    if features.iter().any(|feature| !feature.is_finite()) {
        return Err(EvaluationError::Computation(
            "a feature of a generated sample is not finite; the generator or the step is at fault".into(),
        ));
    }
    let length = |pair: &[f64]| {
        let (here, there) = pair.split_at(width);
        here.iter().zip(there).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / (step * step)
    };
    Ok(features.chunks_exact(2 * width).map(length).collect())
}

/// The values between the 1st and the 99th percentile.
fn middle(mut lengths: Vec<f64>) -> super::error::Result<Average> {
    lengths.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&lengths, 0.01), quantile(&lengths, 0.99));
    lengths.retain(|length| (low..=high).contains(length));
    Average::new(lengths)
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    fn doubled(points: &[f64]) -> Result<Vec<f64>> {
        Ok(points.iter().map(|value| 2.0 * value).collect())
    }

    fn normal(count: usize, stream: &mut Stream) -> Result<Vec<f64>> {
        Ok(stream.normal(4 * count).into_iter().map(f64::from).collect())
    }

    #[test]
    fn a_linear_generator_has_the_squared_length_of_its_paths() {
        for place in [Place::Full, Place::End] {
            for step in [1e-4, 1e-2, 0.3] {
                let settings =
                    PathSettings { space: Space::Mapped, place, pairs: 5, batch: 2, choices: 0, step };
                let ends = |count: usize, _: &mut Stream| Ok([0.0, 0.0, 3.0, 4.0].repeat(count / 2));
                let found = PathLength::of(settings, 2, 0, ends, doubled).unwrap();
                assert!(
                    (found.lengths.mean() - 100.0).abs() < 1e-5,
                    "{place:?} {step}: {}",
                    found.lengths.mean()
                );
            }
        }
    }

    #[test]
    fn great_arcs_keep_the_length_of_latents() {
        let quarter = |t| between(Space::Latent, &[2.0, 0.0], &[0.0, 2.0], t);
        for t in [0.0, 0.25, 1.0] {
            let [x, y] = quarter(t)[..] else { unreachable!() };
            assert!((x.hypot(y) - 2.0).abs() < 1e-12);
        }
        assert_eq!(between(Space::Latent, &[1.0, 0.0], &[3.0, 0.0], 0.5), [2.0, 0.0]);
        // A quarter of a circle of radius 2 is pi long.
        let settings = PathSettings { pairs: 3, step: 1e-4, ..PathSettings::default() };
        let ends = |count: usize, _: &mut Stream| Ok([2.0, 0.0, 0.0, 2.0].repeat(count / 2));
        let found = PathLength::of(settings, 2, 0, ends, |points| Ok(points.to_vec())).unwrap();
        assert!(
            (found.lengths.mean() - std::f64::consts::PI.powi(2)).abs() < 1e-5,
            "{}",
            found.lengths.mean()
        );
    }

    #[test]
    fn choices_stay_as_they_are_along_a_path() {
        let settings =
            PathSettings { space: Space::Mapped, pairs: 4, choices: 1, step: 0.1, ..PathSettings::default() };
        let ends = |_: usize, _: &mut Stream| Ok(vec![0.0, 0.0, 7.0, 3.0, 4.0, 900.0]);
        let mut chosen = Vec::new();
        let found = PathLength::of(settings, 3, 0, ends, |points| {
            chosen.extend(points.chunks(3).map(|point| point[2]));
            Ok(points.to_vec())
        });
        assert!((found.unwrap().lengths.mean() - 25.0).abs() < 1e-9);
        assert_eq!(chosen, [7.0; 8]);
    }

    #[test]
    fn outliers_are_dropped_and_seeds_decide() {
        let settings = PathSettings { pairs: 200, ..PathSettings::default() };
        let measure = |seed| PathLength::of(settings, 4, seed, normal, doubled).unwrap();
        assert_eq!(measure(1).lengths.values().len(), 196);
        assert_eq!(measure(1), measure(1));
        let batched = PathLength::of(PathSettings { batch: 7, ..settings }, 4, 1, normal, doubled).unwrap();
        assert_eq!(batched.lengths, measure(1).lengths);
        assert_ne!(measure(1).lengths.mean(), measure(2).lengths.mean());
        let score = measure(1).score(&setting(1, 200)).unwrap();
        assert_eq!(score.protocol.parameters["step"], 0.01);
        assert!(score.warnings[0].contains("200 pairs"));
    }

    #[test]
    fn what_measures_nothing_is_refused() {
        let settings = PathSettings { pairs: 2, ..PathSettings::default() };
        for bad in [
            PathSettings { pairs: 0, ..settings },
            PathSettings { step: 0.0, ..settings },
            PathSettings { choices: 4, ..settings },
        ] {
            assert!(PathLength::of(bad, 4, 0, normal, doubled).is_err());
        }
        assert!(PathLength::of(settings, 3, 0, normal, doubled).is_err());
        assert!(PathLength::of(settings, 4, 0, normal, |_| Ok(vec![1.0; 7])).is_err());
        assert!(PathLength::of(settings, 4, 0, normal, |_| Ok(vec![f64::NAN; 8])).is_err());
    }
}
