//! The readers on the real MNIST and Fashion-MNIST, compared with the published facts of these sets.
//!
//! The files are no part of the project. Where they are absent the tests say how to get them and end; with the
//! environment variable `CI` set they fail instead.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests")]

use brigand::data::{self, Cache, DataError, Dataset, Options, Spec, Split};

/// The set as asked for, or nothing when its files are not on this machine.
fn real(name: &str, options: Options) -> Option<Dataset> {
    match data::load(&name.parse().unwrap(), &options) {
        Ok(set) => Some(set),
        Err(error @ DataError::Absent { .. }) if std::env::var_os("CI").is_none() => {
            eprintln!("not tested: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn test_split() -> Options {
    Options { split: Split::Test, ..Options::default() }
}

/// Mean and standard deviation of all pixels on the scale 0 to 1.
fn moments(set: &Dataset) -> (f64, f64) {
    let values = set.get(&(0..set.len()).collect::<Vec<_>>()).unwrap().values;
    let count = values.len() as f64;
    let pixels = || values.iter().map(|&v| (f64::from(v) + 1.0) / 2.0);
    let mean = pixels().sum::<f64>() / count;
    (mean, (pixels().map(|p| (p - mean).powi(2)).sum::<f64>() / count).sqrt())
}

fn assert_moments(set: &Dataset, mean: f64, deviation: f64) {
    let found = moments(set);
    assert!((found.0 - mean).abs() < 5e-5 && (found.1 - deviation).abs() < 5e-5, "{found:?}");
}

#[test]
fn mnist_has_its_published_facts() {
    let Some(train) = real("mnist", Options::default()) else { return };
    assert_eq!(
        (train.len(), train.shape(), train.value_range()),
        (60_000, [1, 28, 28].as_slice(), (-1.0, 1.0))
    );
    assert_eq!(train.class_counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(train.labels().unwrap().values[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_moments(&train, 0.1307, 0.3081);
    let Some(test) = real("mnist", test_split()) else { return };
    assert_eq!(test.class_counts(), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
}

#[test]
fn fashion_mnist_has_its_published_facts() {
    let Some(train) = real("fashion-mnist", Options::default()) else { return };
    assert_eq!(
        (train.len(), train.shape(), train.value_range()),
        (60_000, [1, 28, 28].as_slice(), (-1.0, 1.0))
    );
    assert_eq!(train.class_counts(), [6000; 10]);
    let labels = train.labels().unwrap();
    assert_eq!(labels.values[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    assert_eq!(labels.classes[9], "ankle boot");
    assert_moments(&train, 0.2860, 0.3530);
    let Some(test) = real("fashion-mnist", test_split()) else { return };
    assert_eq!((test.len(), test.class_counts()), (10_000, vec![1000; 10]));
}

#[test]
fn the_same_files_read_alike_through_idx() {
    let Some(named) = real("fashion-mnist", test_split()) else { return };
    let cache = Cache::standard().unwrap();
    let entry = data::entry("fashion-mnist").unwrap();
    let paths: Vec<String> = entry
        .all_files()
        .into_iter()
        .filter(|remote| remote.file.starts_with("t10k"))
        .map(|remote| cache.locate(entry, remote).unwrap().display().to_string())
        .collect();
    let spec: Spec = format!("idx:{}", paths.join(",")).parse().unwrap();
    let own = data::load(&spec, &Options::default()).unwrap();
    assert_eq!(own.get(&[0, 9_999]).unwrap(), named.get(&[0, 9_999]).unwrap());
}

#[test]
fn resizing_keeps_the_mean() {
    let Some(stored) = real("mnist", test_split()) else { return };
    let options = Options { size: Some(32), ..test_split() };
    let Some(large) = real("mnist", options) else { return };
    assert_eq!((large.len(), large.shape()), (10_000, [1, 32, 32].as_slice()));
    let (stored, large) = (moments(&stored).0, moments(&large).0);
    assert!((stored - large).abs() < 2e-3, "{stored} {large}");
}
