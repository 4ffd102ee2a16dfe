//! EfficientNet-lite0 with its published weights, on 20 photographs of ImageNet whose classes stand in their names.
//!
//! Weights and photographs are no part of the project: `docs/data/prepare.sh DIR classifier` prepares them, and the
//! environment variable `BRIGAND_REAL_PICTURES` names DIR. Without it the test says so and ends.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::path::PathBuf;

use brigand::data::{Background, Originals};
use brigand::efficientnet::{CLASSES, EfficientNet, FEATURES};
use brigand::evaluation::extractors::Extractor;
use brigand::pretrained::{Image, PretrainedNetwork};
use candle_core::{Device, Tensor};

/// The centre of an image, `[3, side, side]`: the share of the shorter side that the published results were measured on.
fn centre(values: &[f32], [_, height, width]: [usize; 3]) -> (Vec<f32>, usize) {
    let side = height.min(width) * 224 / 256;
    let (top, left) = ((height - side) / 2, (width - side) / 2);
    let mut cut = Vec::new();
    for plane in values.chunks(height * width) {
        for row in plane.chunks(width).skip(top).take(side) {
            cut.extend_from_slice(&row[left..left + side]);
        }
    }
    (cut, side)
}

#[test]
fn photographs_are_classified_as_published() {
    let Some(folder) = std::env::var_os("BRIGAND_REAL_PICTURES").map(PathBuf::from) else {
        eprintln!("not tested: run docs/data/prepare.sh DIR classifier and set BRIGAND_REAL_PICTURES=DIR");
        return;
    };
    let weights = folder.join("efficientnet-lite0-57934424.pth");
    let network = EfficientNet::open(&weights).unwrap();
    let photographs =
        Originals::open(&folder.join("imagenet"), (Some(3), Background::WHITE), usize::MAX, |_| vec![])
            .unwrap();
    let class = |path: &std::path::Path| -> usize {
        path.file_stem().unwrap().to_str().unwrap().rsplit('_').next().unwrap().parse().unwrap()
    };
    let classes: Vec<usize> = photographs.paths().map(class).collect();
    assert_eq!(classes.len(), 20);
    let read = photographs.get(&(0..20).collect::<Vec<_>>()).unwrap();
    let cut: Vec<(Vec<f32>, usize)> = read
        .iter()
        .map(|(shape, values)| centre(values, *shape))
        .map(|(values, side)| (values.iter().map(|value| f32::midpoint(*value, 1.0)).collect(), side))
        .collect();
    let images: Vec<Image<'_>> =
        cut.iter().map(|(values, side)| Image { values, shape: [3, *side, *side] }).collect();
    let output = network.forward_each(&images).unwrap();
    let right = |logits: &[f32], most: usize| {
        let right = |(row, class): &(&[f32], &usize)| {
            row.iter().filter(|&&logit| logit > row[**class]).count() < most
        };
        logits.chunks(CLASSES).zip(&classes).filter(right).count()
    };
    eprintln!("centres: top-1 {} top-5 {}", right(&output.logits, 1), right(&output.logits, 5));
    assert_eq!((right(&output.logits, 1), right(&output.logits, 5)), (18, 19));
    // The extractor takes whole images of any size, and knows the published weights by their checksum.
    let extractor = Extractor::efficientnet(&weights).unwrap();
    assert_eq!(extractor.identity().to_string(), "efficientnet-lite0 57934424");
    let whole: Vec<Tensor> = read
        .into_iter()
        .map(|([channels, height, width], values)| {
            Tensor::from_vec(values, (1, channels, height, width), &Device::Cpu).unwrap()
        })
        .collect();
    let found = extractor.extract_each(&whole).unwrap();
    let logits: Vec<f32> = found.logits.unwrap().flatten_all().unwrap().to_vec1().unwrap();
    eprintln!("whole photographs: top-1 {} top-5 {}", right(&logits, 1), right(&logits, 5));
    assert!(right(&logits, 1) >= 16);
    assert_eq!(found.features.dims(), [20, FEATURES]);
}
