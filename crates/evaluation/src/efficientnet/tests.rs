use super::layer::{same_padding, widen};
use super::*;
use brigand_core::random::Stream;

/// The network with all parameters drawn from a seed, and how many there are.
fn network() -> (EfficientNet, usize, usize) {
    let (mut names, mut numbers) = (0, 0);
    let network = EfficientNet::from_parameters(|name, shape| {
        let count = shape.iter().product::<usize>();
        names += 1;
        numbers += count;
        let mut stream = Stream::new(0, name, 0);
        let inputs = shape.iter().skip(1).product::<usize>();
        Ok(match name.rsplit('.').next() {
            Some("running_var") => stream.uniform(count, 0.5, 1.5),
            Some("weight") if shape.len() > 1 => {
                stream.normal(count).iter().map(|value| value / (inputs as f32).sqrt()).collect()
            }
            _ => stream.uniform(count, -0.5, 1.5),
        })
    });
    (network.unwrap(), names, numbers)
}

#[test]
fn windows_lie_as_tensorflow_puts_them() {
    // The sides at stride 2, all even, with one zero less before than after; at stride 1 the same on both sides.
    assert_eq!([224, 112, 28].map(|side| same_padding(side, 3, 2)), [(0, 1); 3]);
    assert_eq!([56, 14].map(|side| same_padding(side, 5, 2)), [(1, 2); 2]);
    assert_eq!(
        (same_padding(7, 3, 1), same_padding(14, 5, 1), same_padding(7, 1, 1)),
        ((1, 1), (2, 2), (0, 0))
    );
    let wide = widen(&[1.0, 2.0, 3.0, 4.0], 2, 0, 1);
    assert_eq!(wide, [1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
    let wide = widen(&[1.0, 2.0], 1, 1, 1);
    assert_eq!((wide[4], wide[13], wide.iter().sum::<f32>()), (1.0, 2.0, 3.0));
}

#[test]
fn it_has_the_published_number_of_parameters_and_images_do_not_depend_on_their_batch() {
    let (network, names, numbers) = network();
    // 49 convolutions with 4 vectors of normalisation, and the last layer; 4,694,073 with PyTorch's 49 counts of batches.
    assert_eq!((names, numbers + 49), (49 * 5 + 2, 4_694_073));
    let shapes = [[3, 64, 64], [1, 31, 12], [3, 224, 224], [3, 300, 97]];
    let values: Vec<Vec<f32>> = shapes
        .iter()
        .map(|shape| Stream::new(1, "image", 0).uniform(shape.iter().product(), 0.0, 1.0))
        .collect();
    let images: Vec<Image<'_>> =
        values.iter().zip(shapes).map(|(values, shape)| Image { values, shape }).collect();
    let together = network.forward_each(&images).unwrap();
    assert_eq!((together.features.len(), together.logits.len()), (4 * FEATURES, 4 * CLASSES));
    assert!(together.features.iter().all(|&feature| (0.0..=6.0).contains(&feature)));
    for (index, image) in images.iter().enumerate() {
        let alone = network.forward_each(&[*image]).unwrap();
        assert!(alone.features == together.features[index * FEATURES..][..FEATURES], "image {index}");
        assert!(alone.logits == together.logits[index * CLASSES..][..CLASSES], "image {index}");
    }
    let grey = [values[1].clone(), values[1].clone(), values[1].clone()].concat();
    let grey = network.forward_each(&[Image { values: &grey, shape: [3, 31, 12] }]).unwrap();
    assert!(grey.features == together.features[FEATURES..][..FEATURES]);
    assert!(network.forward_each(&[Image { values: &[0.0; 4], shape: [2, 1, 2] }]).is_err());
}

#[test]
fn levels_are_scaled_as_in_training() {
    let values: Vec<f32> = [0.0, 127.0, 255.0].map(|level| level / 255.0).repeat(SIDE * SIDE);
    let planes: Vec<f32> =
        (0..3).flat_map(|channel| values.iter().skip(channel).step_by(3)).copied().collect();
    let found = prepared(&Image { values: &planes, shape: [3, SIDE, SIDE] });
    let means: Vec<f32> = found.chunks(SIDE * SIDE).map(|plane| plane[777]).collect();
    assert!(
        means.iter().zip([-127.0 / 128.0, 0.0, 1.0]).all(|(found, wanted)| (found - wanted).abs() < 1e-5)
    );
    let resized = prepared(&Image { values: &[0.5; 12], shape: [1, 3, 4] });
    assert!(resized.iter().all(|value| (value - 0.5 / 128.0).abs() < 1e-5), "{:?}", &resized[..3]);
}
