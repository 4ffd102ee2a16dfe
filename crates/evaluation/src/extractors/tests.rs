use super::*;
use brigand_data::{self, Options};

fn vector(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The embedded classifier on the digits it was not trained on: the last of every six.
#[test]
fn the_digits_classifier_recognises_the_held_out_digits() {
    let digits = brigand_data::load(&"digits".parse().unwrap(), &Options::default()).unwrap();
    let held_out: Vec<usize> = (5..digits.len()).step_by(6).collect();
    let batch = digits.get(&held_out).unwrap();
    let images = Tensor::from_vec(batch.values, batch.shape, &Device::Cpu).unwrap();
    let found = Extractor::digits().unwrap().extract(&images).unwrap();
    let logits = vector(&found.logits.unwrap());
    let labels = batch.labels.unwrap();
    let right = |shift: u32| {
        let largest = |row: &[f32]| (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32;
        logits.chunks(10).zip(&labels).filter(|(row, label)| largest(row) == (**label + shift) % 10).count()
    };
    let accuracy = right(0) as f64 / labels.len() as f64;
    assert!((0.98..=1.0).contains(&accuracy), "{accuracy}");
    // Nothing is recognised when the labels belong to other images.
    assert!(right(1) < labels.len() / 10);
}

#[test]
fn the_embedded_file_is_small_and_identified_by_its_content() {
    assert!(DIGITS.len() < 300_000, "{} bytes", DIGITS.len());
    let identity = Extractor::digits().unwrap().identity().clone();
    assert_eq!(identity.sha256, Some(sha256(DIGITS).unwrap()));
    assert_eq!(identity.to_string(), format!("digits-classifier {}", &sha256(DIGITS).unwrap()[..8]));
}

#[test]
fn batches_do_not_matter_and_probabilities_sum_to_one() {
    let digits = brigand_data::load(&"digits".parse().unwrap(), &Options::default()).unwrap();
    let batch = digits.get(&(0..700).collect::<Vec<_>>()).unwrap();
    let images = Tensor::from_vec(batch.values, batch.shape, &Device::Cpu).unwrap();
    let extractor = Extractor::digits().unwrap();
    let whole = extractor.extract(&images).unwrap();
    for (start, count) in [(0, 1), (1, 7), (8, 64), (498, 5), (699, 1)] {
        let part = extractor.extract(&images.narrow(0, start, count).unwrap()).unwrap();
        let same = whole.features.narrow(0, start, count).unwrap();
        assert!(vector(&part.features) == vector(&same), "{start}, {count}");
    }
    let probabilities = whole.probabilities().unwrap().unwrap();
    for sum in probabilities.sum(1).unwrap().to_vec1::<f64>().unwrap() {
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }
    assert_eq!((whole.features.dims(), probabilities.dims()), ([700, 84].as_slice(), [700, 10].as_slice()));
    assert!(vector(&whole.features).iter().all(|&feature| feature >= 0.0));
}

#[test]
fn images_are_rounded_to_eight_bits_and_given_features_are_not() {
    let values = [-1.0, -0.9999, 0.0, 0.5, 1.0, 7.0];
    let images = Tensor::from_vec(values.to_vec(), (2, 3, 1, 1), &Device::Cpu).unwrap();
    let pixels = Extractor::pixels().extract(&images).unwrap();
    assert_eq!((pixels.features.dims(), pixels.logits.is_none()), ([2, 3].as_slice(), true));
    let unrounded = Extractor::pixels().extract_unrounded(&images).unwrap();
    assert!(vector(&unrounded.features).iter().zip(values).all(|(u, v)| (u - f32::min(v, 1.0)).abs() < 1e-6));
    let wanted = [0.0, 0.0, 128.0, 191.0, 255.0, 255.0].map(|level: f32| 2.0 * (level / 255.0) - 1.0);
    assert_eq!(vector(&pixels.features), wanted);
    let points = images.reshape((2, 3)).unwrap();
    assert_eq!(vector(&Extractor::given().extract(&points).unwrap().features), values);
}

#[test]
fn what_cannot_be_extracted_is_refused() {
    let message = |extractor: Extractor, values: Vec<f32>, shape: &[usize]| {
        let samples = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        extractor.extract(&samples).unwrap_err().to_string()
    };
    assert!(message(Extractor::pixels(), vec![0.0; 4], &[2, 2]).contains("`pixels` needs images"));
    assert!(message(Extractor::given(), vec![0.0; 4], &[1, 1, 2, 2]).contains("[n, dimensions]"));
    assert!(message(Extractor::pixels(), vec![0.0, f32::NAN], &[2, 1, 1, 1]).contains("sample 1 holds NaN"));
    assert!(message(Extractor::given(), vec![], &[0, 2]).contains("no samples"));
    let digits = Extractor::digits().unwrap();
    assert!(message(digits, vec![0.0; 16], &[1, 1, 4, 4]).contains("[1, 8, 8]"));
}
