//! Perceptual path length (Karras et al. 2019).

use super::average::Average;
use super::bootstrap::quantile;
use super::error::{EvaluationError, refused};
use super::protocol::Setting;
use super::score::Score;
use crate::error::Result;
use crate::random::Stream;

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
    /// The step along the path, as a share of it. The paper's 1e-4 needs a generator in `f64`: in `f32` the two
    /// samples differ by little more than rounding, so 1e-2 is the default.
    pub step: f64,
}

impl Default for PathSettings {
    fn default() -> Self {
        Self { space: Space::Latent, place: Place::Full, pairs: 10_000, batch: 64, step: 1e-2 }
    }
}

/// `|G(path(t)) - G(path(t + e))|² / e²` in features, for random paths; values outside the middle 98 percent dropped.
///
/// `ends(count, stream)` draws that many points of the space, row-major; `features(points)` generates samples from
/// points `[2 batch, dimensions]` and gives their features, row-major. With LPIPS-like features, whose squared
/// distance is the perceptual one, this is the published metric.
///
/// # Errors
/// For settings that measure nothing, features that do not belong to the points or are not finite, and whatever the
/// generator reports.
pub fn path_length(
    settings: PathSettings,
    dimensions: usize,
    seed: u64,
    mut ends: impl FnMut(usize, &mut Stream) -> Result<Vec<f64>>,
    mut features: impl FnMut(&[f64]) -> Result<Vec<f64>>,
) -> Result<Average> {
    let PathSettings { pairs, batch, step, .. } = settings;
    if pairs == 0 || batch == 0 || dimensions == 0 || !(step > 0.0 && step <= 0.5) {
        return Ok(refused(format!(
            "{pairs} pairs in batches of {batch}, {dimensions} dimensions and a step of {step} measure no path; \
             give positive numbers and a step of at most 0.5"
        ))?);
    }
    let mut lengths = Vec::with_capacity(pairs);
    for first in (0..pairs).step_by(batch) {
        let count = batch.min(pairs - first);
        let mut stream = Stream::new(seed, "evaluation/path-length", first as u64);
        let drawn = ends(2 * count, &mut stream)?;
        if drawn.len() != 2 * count * dimensions {
            return Ok(refused(format!(
                "{} numbers are not {} points of {dimensions} dimensions",
                drawn.len(),
                2 * count
            ))?);
        }
        let points = steps(settings, dimensions, &drawn, &mut stream);
        let found = features(&points)?;
        lengths.extend(squared_steps(&found, count, step)?);
    }
    Ok(middle(lengths)?)
}

/// For each pair of ends the two points of the path between which the samples are compared.
fn steps(settings: PathSettings, dimensions: usize, ends: &[f64], stream: &mut Stream) -> Vec<f64> {
    let PathSettings { space, place, step, .. } = settings;
    let pairs = ends.chunks_exact(2 * dimensions);
    let shares = stream.uniform(pairs.len(), 0.0, 1.0);
    let mut points = Vec::with_capacity(ends.len());
    for (pair, share) in pairs.zip(shares) {
        let (from, to) = pair.split_at(dimensions);
        let t = if place == Place::End { 0.0 } else { f64::from(share) };
        for t in [t, t + step] {
            points.extend(between(space, from, to, t));
        }
    }
    points
}

fn between(space: Space, from: &[f64], to: &[f64], t: f64) -> Vec<f64> {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let angle = (dot(from, to) / (dot(from, from) * dot(to, to)).sqrt()).clamp(-1.0, 1.0).acos();
    let (own, other) = match space {
        // Ends that point the same way, or opposite ways, have no great arc between them.
        Space::Latent if angle.sin() > 1e-9 => {
            (((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin())
        }
        _ => (1.0 - t, t),
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

/// The path length as a score.
///
/// # Errors
/// If it is not finite.
pub fn path_length_score(
    length: &Average,
    settings: PathSettings,
    setting: &Setting,
) -> super::error::Result<Score> {
    let parameters = [
        ("space", if settings.space == Space::Latent { "z, slerp" } else { "w, lerp" }.into()),
        ("place", if settings.place == Place::Full { "full" } else { "end" }.into()),
        ("pairs", settings.pairs.into()),
        ("step", settings.step.into()),
    ];
    let mut warnings = Vec::new();
    if settings.pairs < 10_000 {
        warnings.push(format!("{} pairs scatter; 10000 to 100000 are usual", settings.pairs));
    }
    length.score(setting.protocol("perceptual-path-length", parameters), warnings)
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
                let settings = PathSettings { space: Space::Mapped, place, pairs: 5, batch: 2, step };
                let ends = |count: usize, _: &mut Stream| Ok([0.0, 0.0, 3.0, 4.0].repeat(count / 2));
                let found = path_length(settings, 2, 0, ends, doubled).unwrap();
                assert!((found.mean() - 100.0).abs() < 1e-5, "{place:?} {step}: {}", found.mean());
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
        let found = path_length(settings, 2, 0, ends, |points| Ok(points.to_vec())).unwrap();
        assert!((found.mean() - std::f64::consts::PI.powi(2)).abs() < 1e-5, "{}", found.mean());
    }

    #[test]
    fn outliers_are_dropped_and_seeds_decide() {
        let settings = PathSettings { pairs: 200, ..PathSettings::default() };
        let measure = |seed| path_length(settings, 4, seed, normal, doubled).unwrap();
        assert_eq!(measure(1).values().len(), 196);
        assert_eq!(measure(1), measure(1));
        assert_ne!(measure(1).mean(), measure(2).mean());
        let score = path_length_score(&measure(1), settings, &setting(1, 200)).unwrap();
        assert_eq!(score.protocol.parameters["step"], 0.01);
        assert!(score.warnings[0].contains("200 pairs"));
    }

    #[test]
    fn what_measures_nothing_is_refused() {
        let settings = PathSettings { pairs: 2, ..PathSettings::default() };
        for bad in [PathSettings { pairs: 0, ..settings }, PathSettings { step: 0.0, ..settings }] {
            assert!(path_length(bad, 4, 0, normal, doubled).is_err());
        }
        assert!(path_length(settings, 3, 0, normal, doubled).is_err());
        assert!(path_length(settings, 4, 0, normal, |_| Ok(vec![1.0; 7])).is_err());
        assert!(path_length(settings, 4, 0, normal, |_| Ok(vec![f64::NAN; 8])).is_err());
    }
}
