//! Claim: the Inception network, its resize and its pools equal pytorch-fid's. Origin:
//! `fixtures/make_inception_fixture.py`, salt 1, or the folder in `BRIGAND_FIXTURES`. All parameters and images are
//! filled by the formulas that the script documents, so no weights need to be downloaded.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::PathBuf;

use brigand::inception::{CLASSES, FEATURES, Inception};
use brigand::pretrained::{Image, PretrainedNetwork};
use candle_core::{DType, Device, Tensor};

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// splitmix64 number `index` of the sequence that `name` and `salt` begin.
fn mixed(name: &str, salt: u64, index: usize) -> u64 {
    let hash =
        name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut z = (hash ^ salt).wrapping_add((index as u64 + 1).wrapping_mul(STEP));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The parameter called `name`, by the script's formula.
fn parameter(name: &str, shape: &[usize], salt: u64) -> Vec<f32> {
    let unit = |index| (mixed(name, salt, index) >> 40) as f64 / f64::from(1 << 24) * 2.0 - 1.0;
    let fan_in: usize = shape.iter().skip(1).product();
    let value = |index| match () {
        () if name.ends_with("running_var") => 1.0 + 0.25 * unit(index),
        () if name.ends_with("running_mean") || name.ends_with("bias") => 0.1 * unit(index),
        () if shape.len() == 1 => 1.0 + 0.1 * unit(index),
        () => unit(index) * (6.0 / fan_in as f64).sqrt(),
    };
    (0..shape.iter().product()).map(|index| value(index) as f32).collect()
}

#[track_caller]
fn assert_close(what: &str, found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let scale = wanted.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let error = found.iter().zip(wanted).fold(0f32, |worst, (a, b)| worst.max((a - b).abs())) / scale;
    println!("{what}: largest error {error:e} of the largest value {scale}");
    assert!(error < 1e-3, "{what}: {error}");
}

#[test]
fn fixture_inception() {
    let folder = std::env::var_os("BRIGAND_FIXTURES")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures").into(), PathBuf::from);
    let expected =
        candle_core::safetensors::load(folder.join("inception.safetensors"), &Device::Cpu).unwrap();
    let facts: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("inception.json")).unwrap()).unwrap();
    let salt = facts["salt"].as_u64().unwrap();
    let (mut names, mut parameters) = (0, 0);
    let network = Inception::from_parameters(|name, shape| {
        names += 1;
        parameters += shape.iter().product::<usize>();
        Ok(parameter(name, shape, salt))
    })
    .unwrap();
    // PyTorch also counts, once for each of the 94 batch normalisations, how many batches it has seen.
    assert_eq!((names + 94, parameters), (566, 23_885_392));
    assert_eq!(
        (facts["names"].as_u64(), facts["parameters"].as_u64()),
        (Some(names + 94), Some(parameters as u64))
    );
    for number in 0..3 {
        let name = format!("image-{number}");
        let side = |key: &str| facts[&name][key].as_u64().unwrap() as usize;
        let shape = [1, 3, side("h"), side("w")];
        let image: Vec<f32> = (0..shape.iter().product())
            .map(|index| (mixed(&name, salt, index) >> 56) as f32 / 255.0)
            .collect();
        let found = network.forward(&image, shape).unwrap();
        let wanted = |part: &str| expected[&format!("{part}.{number}")].to_vec1::<f32>().unwrap();
        assert_close(&format!("pool3 of {name}"), &found.features, &wanted("pool3"));
        assert_close(&format!("logits of {name}"), &found.logits, &wanted("logits"));
    }
    an_image_does_not_depend_on_its_batch(&network);
    grey_is_repeated(&network);
    images_of_several_sizes_are_resized_one_by_one(&network);
}

/// pytorch-fid 74 and clean-fid 2: images that a folder brought to one size first had another distance.
fn images_of_several_sizes_are_resized_one_by_one(network: &Inception) {
    let shapes = [[3, 20, 20], [1, 31, 12], [3, 150, 97]];
    let values: Vec<Vec<f32>> = shapes
        .iter()
        .map(|shape| {
            (0..shape.iter().product()).map(|i| (mixed("sizes", 0, i) >> 56) as f32 / 255.0).collect()
        })
        .collect();
    let images: Vec<Image<'_>> =
        values.iter().zip(shapes).map(|(values, shape)| Image { values, shape }).collect();
    let together = network.forward_each(&images).unwrap();
    for (index, Image { values, shape: [channels, height, width] }) in images.iter().enumerate() {
        let alone = network.forward(values, [1, *channels, *height, *width]).unwrap();
        assert!(alone.features == together.features[index * FEATURES..][..FEATURES], "image {index}");
        assert!(alone.logits == together.logits[index * CLASSES..][..CLASSES], "image {index}");
    }
    assert!(network.forward_each(&[Image { values: &[0.0; 4], shape: [1, 2, 3] }]).is_err());
    assert!(network.forward_each(&[]).is_err());
}

fn an_image_does_not_depend_on_its_batch(network: &Inception) {
    let images: Vec<f32> =
        (0..7 * 3 * 20 * 20).map(|index| (mixed("batch", 0, index) >> 56) as f32 / 255.0).collect();
    let whole = network.forward(&images, [7, 3, 20, 20]).unwrap();
    for (index, image) in images.chunks(3 * 20 * 20).enumerate() {
        let alone = network.forward(image, [1, 3, 20, 20]).unwrap();
        assert!(
            alone.features == whole.features[index * FEATURES..][..FEATURES],
            "features of image {index}"
        );
        assert!(alone.logits == whole.logits[index * CLASSES..][..CLASSES], "logits of image {index}");
    }
}

fn grey_is_repeated(network: &Inception) {
    let grey: Vec<f32> = (0..100).map(|index| (mixed("grey", 0, index) >> 56) as f32 / 255.0).collect();
    let colour = [grey.clone(), grey.clone(), grey.clone()].concat();
    let (grey, colour) = (network.forward(&grey, [1, 1, 10, 10]), network.forward(&colour, [1, 3, 10, 10]));
    assert_eq!(grey.unwrap(), colour.unwrap());
    assert!(network.forward(&[0.0; 8], [1, 2, 2, 2]).is_err());
}

#[test]
fn a_file_that_lacks_a_tensor_or_has_it_in_another_shape_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let refusal = |tensors: &[(&str, &[usize])]| {
        let tensor = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let tensors: HashMap<&str, Tensor> =
            tensors.iter().map(|&(name, shape)| (name, tensor(shape))).collect();
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let message = Inception::open(&path).err().unwrap().to_string();
        assert!(message.contains("weights.safetensors"), "{message}");
        message
    };
    let message = refusal(&[("fc.bias", &[1008])]);
    assert!(
        message.contains("`Conv2d_1a_3x3.conv.weight`") && message.contains("[32, 3, 3, 3]"),
        "{message}"
    );
    let message =
        refusal(&[("Conv2d_1a_3x3.conv.weight", &[32, 3, 3, 3]), ("Conv2d_1a_3x3.bn.weight", &[64])]);
    assert!(message.contains("`Conv2d_1a_3x3.bn.weight` has shape [64] instead of [32]"), "{message}");
}
