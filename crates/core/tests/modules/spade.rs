//! Claims: normalisation modulated by a label map (SPADE, arXiv:1903.07291, equation 1) has the values computed by hand, on maps
//! resized to the nearest label; the networks of GauGAN have the paper's shapes.

use brigand_autograd::{Activation, Variable};
use brigand_core::Setup;
use brigand_core::modules::{
    Chain, Convolution, How, LabelMap, Layer, MapNorm, Mode, Network, Norm, NormKind, NormPlan, Window,
};
use brigand_core::networks::{
    MapLayout, MapNormalization, MultiScaleDiscriminator, MultiScaleRecipe, SpadeGenerator, SpadeRecipe,
    StyleEncoder, StyleEncoderRecipe,
};
use brigand_core::place::Place;
use brigand_core::players::{Conditioned, Scorer};

use crate::support::{PLAN, assert_near, double, normal, setup};

/// One channel, two labels, one hidden channel; of every kernel the centre alone is not 0.
#[test]
fn a_map_of_two_labels_by_hand() {
    let plan = NormPlan::new(NormKind::Instance, Activation::Identity);
    let mut network =
        Network::build("norm", &setup(double()), |b| MapNorm::new(b, plan, (1, 2, 1), &PLAN)).unwrap();
    let own = network.parameters().weights().clone();
    let centre = |values: &[f64]| {
        let kernels =
            values.iter().flat_map(|&value| (0..9).map(move |tap| if tap == 4 { value } else { 0.0 }));
        Variable::from_slice(&kernels.collect::<Vec<f64>>(), &[1, values.len(), 3, 3]).unwrap()
    };
    let of = |name: &String| match name.as_str() {
        "shared.weight" => centre(&[1.0, 3.0]),
        "gain.weight" => centre(&[0.5]),
        "shift.weight" => centre(&[-1.0]),
        "gain.bias" => Variable::from_slice(&[0.1_f64], &[1]).unwrap(),
        "shift.bias" => Variable::from_slice(&[0.2_f64], &[1]).unwrap(),
        _ => Variable::from_slice(&[0.0_f64], &[1]).unwrap(),
    };
    let weights = own.with_values(own.names().iter().map(of).collect()).unwrap();
    // Label 0 on the left half of 4x4 pixels, label 1 on the right.
    let left = [1.0_f64, 1.0, 0.0, 0.0].repeat(4);
    let right: Vec<f64> = left.iter().map(|level| 1.0 - level).collect();
    let map = Variable::from_slice(&[left, right].concat(), &[1, 2, 4, 4]).unwrap();
    let input = Variable::from_slice(&[1.0_f64, 2.0, 3.0, 4.0], &[1, 1, 2, 2]).unwrap();
    let how = How { weights: Some(&weights), ..How::plain(Mode::BatchStatistics) };
    let found = network.run(how, |norm, pass| norm.forward(pass, &input, LabelMap(&map))).unwrap();
    // Normalised: (x - 2.5) / sqrt(1.25 + 1e-5). Hidden: 1 and 3. Gain: 0.6 and 1.6. Shift: -0.8 and -2.8.
    let wanted = [-2.946_617, -3.962_751, -0.084_461, 0.688_254];
    assert_near(&found, &Variable::from_slice(&wanted, &[1, 1, 2, 2]).unwrap(), 1e-5);
}

/// Between label 0 and label 2 a map has no label 1, whatever the sizes.
#[test]
fn resized_maps_stay_one_hot() {
    let labels = [0, 0, 2, 2, 2, 0, 1, 1, 2, 2, 0, 1, 1, 2, 2, 0, 0, 2, 2, 2, 1, 1, 1, 0, 0_usize];
    let plane = |label: usize| labels.iter().map(move |&own| f32::from(u8::from(own == label)));
    let map = Variable::from_slice(&(0..3).flat_map(plane).collect::<Vec<f32>>(), &[1, 3, 5, 5]).unwrap();
    for (height, width) in [(2, 3), (1, 1), (10, 5), (7, 4)] {
        let resized = map.resize_nearest(height, width).unwrap();
        assert!(resized.to_vec_f32().unwrap().iter().all(|level| [0.0, 1.0].contains(level)));
        assert!(resized.sum(&[1]).unwrap().to_vec_f32().unwrap().iter().all(|sum| *sum == 1.0));
    }
    // Rows 0 and 2, columns 0, 1 and 3.
    let small = map.resize_nearest(2, 3).unwrap().to_vec_f32().unwrap();
    let label = |at: usize| (0..3).find(|plane| small[plane * 6 + at] == 1.0);
    assert_eq!((0..6).map(label).collect::<Option<Vec<_>>>().unwrap(), [0, 0, 2, 0, 1, 2]);
}

fn single() -> Setup {
    setup(Place::cpu())
}

fn spade(layout: MapLayout, normalization: MapNormalization) -> SpadeRecipe {
    SpadeRecipe { layout, normalization, width: 2, halvings: 3, hidden: 4 }
}

#[test]
fn the_generator_doubles_its_first_maps_up_to_the_image() {
    for normalization in [MapNormalization::Batch, MapNormalization::Instance] {
        for layout in [MapLayout::Spade, MapLayout::Input] {
            let recipe = spade(layout, normalization);
            let mut network = Network::build("generator", &single(), |b| {
                SpadeGenerator::new(b, &recipe, [3, 32, 32], (5, 6))
            })
            .unwrap();
            let mut image = |size: usize| {
                let (codes, maps) = (normal(&[2, 6], 1), normal(&[2, 5, size, size], 2));
                network.run(How::plain(Mode::Training), |g, pass| g.run(pass, &codes, &maps))
            };
            assert_eq!(image(32).unwrap().shape(), [2, 3, 32, 32]);
            assert_eq!(image(48).unwrap().shape(), [2, 3, 48, 48]);
            let message = image(36).err().unwrap().to_string();
            assert!(message.contains("multiples of 8"), "{message}");
        }
    }
    // Channels 16, 16, 8, 4, 2 from 4x4 on; the shortcut where they change.
    let network = Network::build("generator", &single(), |b| {
        let recipe = SpadeRecipe { halvings: 5, ..spade(MapLayout::Spade, MapNormalization::Batch) };
        SpadeGenerator::new(b, &recipe, [3, 128, 128], (5, 6))
    })
    .unwrap();
    let weights = network.parameters().weights();
    let shape = |name: &str| {
        let place = weights.names().iter().position(|own| own == name);
        place.map(|place| weights.values()[place].shape().to_vec())
    };
    assert_eq!(shape("enter.weight").unwrap(), [32 * 16, 6]);
    for (block, [from, to]) in [[32, 32], [32, 32], [32, 16], [16, 8], [8, 4], [4, 2]].into_iter().enumerate()
    {
        assert_eq!(shape(&format!("block{block}.conv1.weight")).unwrap(), [from.min(to), from, 3, 3]);
        assert_eq!(shape(&format!("block{block}.conv2.weight")).unwrap(), [to, from.min(to), 3, 3]);
        let shortcut = shape(&format!("block{block}.conv_shortcut.weight"));
        assert_eq!(shortcut, (from != to).then(|| vec![to, from, 1, 1]));
    }
    let message = Network::build("generator", &single(), |b| {
        SpadeGenerator::new(b, &spade(MapLayout::Spade, MapNormalization::Batch), [3, 36, 36], (5, 6))
    });
    assert!(message.err().unwrap().to_string().contains("generator.halvings is 3"));
}

/// A map of `size` x `size` pixels that all have one of five labels.
fn uniform(label: usize, size: usize) -> Variable {
    let planes = (0..5).flat_map(|own| vec![f32::from(u8::from(own == label)); size * size]);
    Variable::from_slice(&planes.collect::<Vec<f32>>(), &[1, 5, size, size]).unwrap()
}

/// Uniform maps of two labels give different images by the modulation (section 3.1 of the paper).
#[test]
fn uniform_maps_of_two_labels_give_different_images() {
    let (codes, size) = (normal(&[1, 6], 1), 32);
    let recipe = spade(MapLayout::Spade, MapNormalization::Instance);
    let network =
        Network::build("generator", &single(), |b| SpadeGenerator::new(b, &recipe, [3, size, size], (5, 6)))
            .unwrap();
    let image = |label| {
        let maps = uniform(label, size);
        network.evaluate(None, |g, pass| g.run(pass, &codes, &maps)).unwrap()
    };
    let apart = image(0).sub(&image(1)).unwrap().abs().unwrap();
    // The middle, which padding with zeros at the border reaches least.
    let middle = apart.narrow(2, 14, 4).unwrap().narrow(3, 14, 4).unwrap();
    let difference = middle.mean_all().unwrap().scalar().unwrap();
    assert!(difference > 0.1, "{difference}");
}

/// A convolution of a uniform map is uniform, so that instance normalisation leaves nothing of its label: why the map must not
/// only enter at the input.
#[test]
fn a_uniform_map_is_lost_in_a_normalised_convolution() {
    let network = Network::build("layer", &setup(double()), |b| {
        let mut layers = Chain::new();
        let window = Window::same(3).reflecting();
        layers.push_named(b, "convolution", |b| Convolution::new(b, (5, 4), window, &PLAN))?;
        let plan = NormPlan::new(NormKind::Instance, Activation::Identity);
        layers.push_named(b, "norm", |b| Norm::new(b, plan, 4))?;
        Ok(layers)
    })
    .unwrap();
    for label in 0..5 {
        let map = uniform(label, 8).to_dtype(double().compute).unwrap();
        let found = network.evaluate(None, |layers, pass| layers.run(pass, &map)).unwrap();
        assert_near(&found, &Variable::from_slice(&vec![0.0_f64; 256], &[1, 4, 8, 8]).unwrap(), 1e-9);
    }
}

#[test]
fn every_scale_has_its_scores_and_features() {
    let recipe = MultiScaleRecipe { scales: 2, width: 4, halvings: 2 };
    let network =
        Network::build("discriminator", &single(), |b| MultiScaleDiscriminator::new(b, &recipe, [8, 32, 32]))
            .unwrap();
    let input = Conditioned::under(normal(&[2, 3, 32, 32], 1), normal(&[2, 5, 32, 32], 2));
    let scored = network.evaluate(None, |d, pass| d.score(pass, &input)).unwrap();
    let shapes = |of: &[Variable]| of.iter().map(|of| of.shape()[1..].to_vec()).collect::<Vec<_>>();
    assert_eq!(shapes(&scored.scores), [[1, 6, 6], [1, 2, 2]]);
    let wanted = [[4, 16, 16], [8, 8, 8], [16, 7, 7], [4, 8, 8], [8, 4, 4], [16, 3, 3]];
    assert_eq!(shapes(&scored.features), wanted);
    for (recipe, size) in [(MultiScaleRecipe { scales: 3, ..recipe }, 32), (recipe, 24)] {
        let refused = Network::build("discriminator", &single(), |b| {
            MultiScaleDiscriminator::new(b, &recipe, [8, size, size])
        });
        assert!(refused.err().unwrap().to_string().contains("discriminator.scales"));
    }
}

#[test]
fn the_style_encoder_halves_down_to_its_linear_layer() {
    let build = |halvings, size| {
        let recipe = StyleEncoderRecipe { width: 2, halvings };
        Network::build("encoder", &single(), |b| StyleEncoder::new(b, &recipe, [3, size, size], 10))
    };
    let network = build(6, 256).unwrap();
    let weights = network.parameters().weights();
    let place = weights.names().iter().position(|name| name == "leave.weight").unwrap();
    // Widths 2, 4, 8, 16, 16, 16 and maps of 4x4, as 64 to 512 in the paper.
    assert_eq!(weights.values()[place].shape(), [10, 16 * 16]);
    let images = normal(&[2, 3, 256, 256], 1);
    let found = network.evaluate(None, |encoder, pass| encoder.run(pass, &images)).unwrap();
    assert_eq!(found.shape(), [2, 10]);
    for (halvings, size) in [(5, 32), (3, 20)] {
        let message = build(halvings, size).err().unwrap().to_string();
        assert!(message.contains("encoder.halvings"), "{message}");
    }
}
