//! Claims: metrics equal those of the usual Python implementations (NumPy, SciPy); neither batches nor threads change
//! them. Origin: `fixtures/make_fixtures.py`, seed 1, or the folder in `BRIGAND_FIXTURES`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use brigand::data::Toy;
use brigand::evaluation::{
    DensityCoverage, Features, FrechetDistance, InceptionScore, KernelDistance, Memorisation, ModeCoverage,
    Moments, NearestNeighbourAccuracy, Neighbourhoods, ParzenLikelihood, PathLength, PathSettings, Place,
    PrecisionRecall, Probabilities, Reference, RunningMoments, Subsets, kullback_leibler, log_likelihood,
    read_reference, squared_mmd, total_variation, write_reference,
};
use brigand::random::Stream;
use candle_core::{DType, Device, Tensor};
use serde_json::Value;

struct Fixture {
    arrays: HashMap<String, Tensor>,
    expected: Value,
}

impl Fixture {
    fn load() -> Self {
        let folder = std::env::var_os("BRIGAND_FIXTURES")
            .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures").into(), PathBuf::from);
        let arrays =
            candle_core::safetensors::load(folder.join("metrics.safetensors"), &Device::Cpu).unwrap();
        let expected = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
        Self { arrays, expected: serde_json::from_str(&expected).unwrap() }
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let flat = self.arrays[name].to_dtype(DType::F64).unwrap().flatten_all().unwrap();
        flat.to_vec1().unwrap()
    }

    fn features(&self, name: &str) -> Features {
        Features::new(self.numbers(name), self.arrays[name].dim(1).unwrap()).unwrap()
    }

    fn first_rows(&self, name: &str, count: usize) -> Features {
        self.features(name).select(&(0..count).collect::<Vec<_>>()).unwrap()
    }

    /// The fixture is stored with 32 bits, its values were computed with 64.
    #[track_caller]
    fn check(&self, pointer: &str, found: f64) {
        let expected = self.expected.pointer(pointer).unwrap().as_f64().unwrap();
        let tolerance = 1e-3 * expected.abs().max(1e-3);
        assert!((found - expected).abs() <= tolerance, "{pointer}: {found} instead of {expected}");
    }
}

fn moments(features: &Features) -> Moments {
    Moments::of(features).unwrap()
}

fn frechet(real: &Moments, generated: &Moments) -> f64 {
    FrechetDistance::between(real, generated).unwrap().value
}

#[test]
fn fixture_frechet_distance() {
    let fixture = Fixture::load();
    let [a, b, low] = ["a", "b", "low"].map(|name| moments(&fixture.features(name)));
    for (pointer, x, y) in [("/fid_ab", &a, &b), ("/fid_aa", &a, &a), ("/fid_a_low", &a, &low)] {
        fixture.check(pointer, frechet(x, y));
        fixture.check(pointer, frechet(y, x));
    }
    assert!(frechet(&low, &low) < 1e-3);
}

#[test]
fn fixture_kernel_distance() {
    let fixture = Fixture::load();
    let [a, b] = ["a", "b"].map(|name| fixture.first_rows(name, 200));
    fixture.check("/kid_ab", squared_mmd(&a, &b).unwrap());
    let whole = KernelDistance::between(&a, &b, Subsets { count: 1, size: 200 }, 3).unwrap();
    fixture.check("/kid_ab", whole.mean());
}

#[test]
fn fixture_neighbourhoods() {
    let fixture = Fixture::load();
    let (a, b) = (fixture.features("a"), fixture.features("b"));
    let (real, generated) = (Neighbourhoods::new(&a, 6).unwrap(), Neighbourhoods::new(&b, 5).unwrap());
    let found = PrecisionRecall::of(&real, &generated, 5).unwrap();
    fixture.check("/prdc_ab_k5/precision", found.precision.mean());
    fixture.check("/prdc_ab_k5/recall", found.recall.mean());
    let found = DensityCoverage::of(&real, &b, 5).unwrap();
    fixture.check("/prdc_ab_k5/density", found.density.mean());
    fixture.check("/prdc_ab_k5/coverage", found.coverage.mean());
}

#[test]
fn fixture_inception_score() {
    let fixture = Fixture::load();
    let probabilities = Probabilities::new(fixture.numbers("probs"), 10).unwrap();
    let split = InceptionScore::of(&probabilities, 10).unwrap();
    fixture.check("/inception_score_10/0", split.mean());
    fixture.check("/inception_score_10/1", split.deviation());
    fixture.check("/inception_score_1", InceptionScore::of(&probabilities, 1).unwrap().mean());
}

#[test]
fn fixture_parzen_log_likelihood() {
    let fixture = Fixture::load();
    let found = log_likelihood(&fixture.features("b"), &fixture.first_rows("a", 100), 2.0).unwrap();
    fixture.check("/kde_ab_s2", found.mean());
}

#[test]
fn fixture_divergences() {
    let fixture = Fixture::load();
    let (p, q) = (fixture.numbers("p"), fixture.numbers("q"));
    fixture.check("/kl_pq", kullback_leibler(&p, &q));
    fixture.check("/kl_qp", kullback_leibler(&q, &p));
    fixture.check("/tv_pq", total_variation(&p, &q));
}

/// The numbers that `fixtures/metric_values.py` scatters by a formula.
fn scattered(count: usize, width: usize, phase: f64) -> Vec<f64> {
    (1..=count * width).map(|k| ((k * k) as f64 * 0.7311 + phase).sin() * 2.0).collect()
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} instead of {expected}");
}

#[test]
fn what_needs_no_fixture_equals_scipys_values() {
    let set = |count: usize, phase: f64| Features::new(scattered(count, 5, phase), 5).unwrap();
    let (a, b, c) = (set(60, 0.0), set(50, 0.4), set(40, 2.0));
    let found = Memorisation::of(&a, &b, &c).unwrap();
    assert_close(found.median_ratio, 0.932_001_404_887_717_4);
    assert_close(found.closer_than_any, 0.1);
    let first = a.select(&(0..50).collect::<Vec<_>>()).unwrap();
    let found = NearestNeighbourAccuracy::of(&first, &b).unwrap();
    for (found, expected) in [(found.overall, 0.3), (found.real, 0.34), (found.generated, 0.26)] {
        assert_close(found, expected);
    }
    let found = ParzenLikelihood::of(&a, &b, &c, &[0.1, 0.2, 0.4, 0.8, 1.6]).unwrap();
    assert_eq!(found.bandwidth, 0.4);
    assert_close(found.log_likelihood.mean(), -9.615_184_931_576_541);
}

#[test]
fn modes_equal_scipys_values() {
    let modes = Toy::Ring8.modes().unwrap();
    let points: Vec<f64> = scattered(90, 2, 1.0)
        .chunks(2)
        .enumerate()
        .flat_map(|(place, offset)| {
            let centre = &modes.centres[place % 7];
            [0, 1].map(|axis| f64::from(centre[axis]) + offset[axis] / 30.0)
        })
        .collect();
    let found = ModeCoverage::of(&Features::new(points, 2).unwrap(), &modes).unwrap();
    assert_eq!(found.counts, [5, 4, 5, 7, 1, 5, 3, 0]);
    assert_close(found.high_quality.mean(), 1.0 / 3.0);
    assert_close(found.divergence_from_uniform().unwrap(), 0.231_709_294_697_100_2);
}

#[test]
fn path_length_equals_numpys_value() {
    let (starts, ends) = (scattered(30, 4, 0.3), scattered(30, 4, 1.9));
    let mut pairs = starts.chunks(4).zip(ends.chunks(4)).map(|(start, end)| [start, end].concat());
    let weights = scattered(4, 6, 0.5);
    let generate = |points: &[f64]| {
        let feature = |point: &[f64], column: usize| {
            let sum: f64 = point.iter().zip(weights.chunks(6)).map(|(x, row)| x * row[column]).sum();
            sum.tanh()
        };
        Ok(points.chunks(4).flat_map(|point| (0..6).map(|c| feature(point, c)).collect::<Vec<_>>()).collect())
    };
    let settings = PathSettings { place: Place::End, pairs: 30, batch: 7, ..PathSettings::default() };
    let found = PathLength::of(settings, 4, 0, |_, _| Ok(pairs.next().unwrap()), generate).unwrap();
    assert_close(found.lengths.mean(), 15.854_536_720_087_907);
}

#[test]
fn equal_sets_are_at_distance_0_however_few() {
    for (count, width) in [(2, 1), (3, 400), (50, 200), (500, 40)] {
        let own = moments(&random(count, width, 3));
        let found = frechet(&own, &own);
        assert!((0.0..1e-3).contains(&found), "{count} samples of {width} features: {found}");
    }
}

fn random(count: usize, width: usize, seed: u64) -> Features {
    Features::new(Stream::new(seed, "features", 0).normal(count * width), width).unwrap()
}

/// Every metric whose work is split over threads, as bits.
fn measured(batch: usize) -> Vec<u64> {
    let (real, generated) = (random(1300, 96, 1), random(1200, 96, 2));
    let batched = |features: &Features| {
        let mut running = RunningMoments::new(features.dimensions());
        for first in (0..features.count()).step_by(batch) {
            let rows: Vec<usize> = (first..features.count().min(first + batch)).collect();
            running.add(&features.select(&rows).unwrap()).unwrap();
        }
        running.finish().unwrap()
    };
    let kernel = KernelDistance::between(&real, &generated, Subsets { count: 2, size: 500 }, 0).unwrap();
    let (a, b) = (Neighbourhoods::new(&real, 5).unwrap(), Neighbourhoods::new(&generated, 5).unwrap());
    let shared = PrecisionRecall::of(&a, &b, 3).unwrap();
    let density = DensityCoverage::of(&a, &generated, 5).unwrap();
    let likelihood = log_likelihood(&generated, &real, 1.0).unwrap();
    let (wide, other) = (random(800, 500, 3), random(700, 500, 4));
    let values = [
        frechet(&batched(&real), &batched(&generated)),
        frechet(&batched(&wide), &batched(&other)),
        kernel.mean(),
        shared.precision.mean(),
        shared.recall.mean(),
        density.density.mean(),
        density.coverage.mean(),
        likelihood.mean(),
    ];
    values.map(f64::to_bits).to_vec()
}

#[test]
fn neither_batches_nor_threads_change_a_bit() {
    let expected = measured(1300);
    for (threads, batch) in [(1, 64), (2, 1), (3, 511), (9, 1000)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| measured(batch)), expected, "{threads} threads, batches of {batch}");
    }
}

#[test]
fn the_order_of_samples_does_not_matter() {
    let (real, generated) = (random(700, 24, 1), random(600, 24, 2));
    let shuffle = |features: &Features| {
        let order = Stream::new(5, "order", 0).permutation(features.count());
        features.select(&order).unwrap()
    };
    let all = |real: &Features, generated: &Features| {
        let (a, b) = (Neighbourhoods::new(real, 3).unwrap(), Neighbourhoods::new(generated, 3).unwrap());
        let shared = PrecisionRecall::of(&a, &b, 3).unwrap();
        let density = DensityCoverage::of(&a, generated, 3).unwrap();
        [
            frechet(&moments(real), &moments(generated)),
            squared_mmd(real, generated).unwrap(),
            shared.precision.mean(),
            shared.recall.mean(),
            density.density.mean(),
            density.coverage.mean(),
            log_likelihood(generated, real, 0.7).unwrap().mean(),
        ]
    };
    let (straight, shuffled) = (all(&real, &generated), all(&shuffle(&real), &shuffle(&generated)));
    for (a, b) in straight.into_iter().zip(shuffled) {
        assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{a} and {b}");
    }
}

/// Ten samples of two features with their moments, saved by `numpy.savez_compressed`.
#[test]
fn statistics_written_by_numpy_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statistics.npz");
    let found = read_reference(&path).unwrap().moments;
    assert_eq!(found.mean(), [4.5, 28.5]);
    let expected = [9.166_666_666_666_666, 82.5, 82.5, 801.166_666_666_666_6];
    assert!(found.covariance().iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-9), "{found:?}");
    let x: Vec<f64> = (0..10).flat_map(|i| [f64::from(i), f64::from(i * i)]).collect();
    let own = moments(&Features::new(x, 2).unwrap());
    assert!(frechet(&own, &found) < 1e-6);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.npz");
    write_reference(&copy, &Reference { moments: found.clone(), origin: None }).unwrap();
    assert_eq!(read_reference(&copy).unwrap().moments, found);
}
