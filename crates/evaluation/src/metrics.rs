//! The table of metrics. A metric is one file with a [`MetricRow`] and a line in [`METRICS`]; recipes, reports, the
//! program and its help go through the table and name no metric. `docs/new-metric.md` shows how to add one.

use super::error::EvaluationError;
use super::metric::MetricRow;
use super::{
    class_match, classification, fid, inception_score, kernel_distance, latent_paths, memorisation, modes,
    nearest_neighbour, pair_similarity, parzen, prdc, single_image, stacked_digits,
};

/// All metrics, in the order in which they are listed.
pub static METRICS: &[MetricRow] = &[
    fid::ROW,
    kernel_distance::ROW,
    inception_score::ROW,
    prdc::ROW,
    parzen::ROW,
    pair_similarity::ROW,
    modes::ROW,
    class_match::ROW,
    stacked_digits::ROW,
    memorisation::ROW,
    nearest_neighbour::ROW,
    latent_paths::ROW,
    classification::ROW,
    single_image::ROW,
];

/// The metric called `name`.
///
/// # Errors
/// If there is none, naming the nearest and all there are.
pub fn find_metric(name: &str) -> std::result::Result<&'static MetricRow, EvaluationError> {
    if let Some(found) = METRICS.iter().find(|metric| metric.name == name) {
        return Ok(found);
    }
    let closeness = |metric: &MetricRow| {
        let names = std::iter::once(metric.name).chain(metric.scores.iter().map(|score| score.name));
        names.map(|own| strsim::normalized_damerau_levenshtein(own, name)).fold(0.0, f64::max)
    };
    let nearest = METRICS.iter().max_by(|a, b| closeness(a).total_cmp(&closeness(b)));
    Err(EvaluationError::Input(format!(
        "no metric is called `{name}`; the nearest is {}, there are {}",
        nearest.map_or("none", |metric| metric.name),
        names()
    )))
}

/// The names of all metrics, with commas between.
fn names() -> String {
    METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::brightness;
    use super::super::data_samples::DataSamples;
    use super::super::extractors::Extractor;
    use super::super::gathering::Side;
    use super::super::measuring::{Request, evaluate};
    use super::*;

    /// The example of the page is compiled, and measures.
    #[test]
    fn the_documentation_shows_a_metric_that_works() {
        let page = include_str!("../../../docs/new-metric.md");
        assert!(page.contains(include_str!("brightness.rs")), "docs/new-metric.md and brightness.rs differ");
        let digits =
            brigand_data::load(&"digits".parse().unwrap(), &brigand_data::Options::default()).unwrap();
        let values = digits.get(&(0..digits.len()).collect::<Vec<_>>()).unwrap().values;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
        let (digits, extractor) = (DataSamples::new(digits, None), Extractor::pixels());
        let request = Request {
            metrics: &[&brightness::ROW],
            extractor: &extractor,
            seed: 0,
            train: None,
            train_classifier: None,
        };
        let sides = [Side::Samples(&digits), Side::Samples(&digits)];
        let scores = evaluate(&request, sides[0], sides[1], &mut |_| {}).unwrap().scores;
        let names: Vec<&str> = scores.iter().map(|score| score.protocol.metric.as_str()).collect();
        assert_eq!(names, ["brightness", "brightness-of-real"]);
        assert!(scores.iter().all(|score| (score.value - mean).abs() < 1e-6), "{scores:?} {mean}");
    }

    #[test]
    fn names_are_found_and_suggested() {
        for metric in METRICS {
            assert_eq!(find_metric(metric.name).unwrap(), metric);
        }
        for (given, meant) in [
            ("fdi", "fid"),
            ("memorization", "memorisation"),
            ("recal", "prdc"),
            ("ssim", "ms-ssim"),
            ("path", "path-length"),
        ] {
            let message = find_metric(given).unwrap_err().to_string();
            assert!(message.contains(&format!("the nearest is {meant},")), "{message}");
        }
    }

    #[test]
    fn names_are_lower_case_words_joined_by_hyphens_and_occur_once() {
        let word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let scores = || METRICS.iter().flat_map(|metric| metric.scores).map(|score| score.name);
        for name in METRICS.iter().map(|metric| metric.name).chain(scores()) {
            assert!(name.split('-').all(word), "{name}");
        }
        assert_eq!(scores().collect::<BTreeSet<_>>().len(), scores().count());
        assert_eq!(METRICS.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), METRICS.len());
        assert!(METRICS.iter().all(|row| !row.summary.is_empty() && !row.scores.is_empty()));
    }
}
