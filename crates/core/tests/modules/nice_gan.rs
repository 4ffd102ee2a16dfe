//! The layers of NICE-GAN against their formulas, and its discriminator as an encoder.

use brigand_autograd::{Activation, Variable};
use brigand_core::modules::{
    AdaptiveInstanceLayerNorm, Chain, ClassActivation, InstanceLayerNorm, Layer, Network, PixelShuffle,
};
use brigand_core::networks::{
    CodeTranslator, CodeTranslatorRecipe, Doubling, EncodingDiscriminator, EncodingDiscriminatorRecipe,
};
use brigand_core::players::Scorer;

use crate::support::{PLAN, assert_near, double, normal, normal_double, setup};

const CHANNELS: usize = 4;

fn input() -> Variable {
    normal_double(&[2, CHANNELS, 3, 5], 1).affine(2.0, 0.5).unwrap()
}

/// `(x - mean) / sqrt(variance + epsilon)` over `axes`.
fn standard(input: &Variable, axes: &[usize]) -> Variable {
    let centred = input.sub(&input.mean_keeping(axes).unwrap()).unwrap();
    centred.div(&input.variance_keeping(axes).unwrap().affine(1.0, 1e-5).unwrap().sqrt().unwrap()).unwrap()
}

/// `share` of instance normalisation, the rest of layer normalisation.
fn mixed(input: &Variable, share: f64) -> Variable {
    let (instance, layer) = (standard(input, &[2, 3]), standard(input, &[1, 2, 3]));
    instance.scale(share).unwrap().add(&layer.scale(1.0 - share).unwrap()).unwrap()
}

/// The softmax of 3.2 and 1 is 0.9002 and 0.0998; first values are drawn in single precision.
#[test]
fn instance_layer_norms_start_near_one_of_the_two() {
    let favoured = 1.0 / (1.0 + (1.0 - f64::from(3.2_f32)).exp());
    assert!((favoured - 0.9002).abs() < 1e-4);
    let network =
        Network::build("norm", &setup(double()), |b| InstanceLayerNorm::new(b, CHANNELS, Activation::Relu));
    let found = network.unwrap().evaluate(None, |norm, pass| norm.run(pass, &input())).unwrap();
    assert_near(&found, &mixed(&input(), 1.0 - favoured).relu().unwrap(), 1e-9);
    let network = Network::build("norm", &setup(double()), |b| {
        AdaptiveInstanceLayerNorm::new(b, CHANNELS, Activation::Identity)
    });
    let vector = normal_double(&[2, 2 * CHANNELS], 2);
    let found = network.unwrap().evaluate(None, |norm, pass| norm.forward(pass, &input(), &vector)).unwrap();
    let half = |start| vector.narrow(1, start, CHANNELS).unwrap().reshape(&[2, CHANNELS, 1, 1]).unwrap();
    let wanted = mixed(&input(), favoured).mul(&half(0)).unwrap().add(&half(CHANNELS)).unwrap();
    assert_near(&found, &wanted, 1e-9);
}

#[test]
fn a_pixel_shuffle_makes_pixels_of_channels() {
    let values: Vec<f32> = (0..16).map(|value| value as f32).collect();
    let input = Variable::from_slice(&values, &[1, 8, 1, 2]).unwrap();
    let network = Network::build("shuffle", &setup(brigand_core::Place::cpu()), |_| {
        let mut layers = Chain::new();
        layers.push_plain(PixelShuffle);
        Ok(layers)
    });
    let found = network.unwrap().evaluate(None, |layers, pass| layers.run(pass, &input)).unwrap();
    assert_eq!(found.shape(), [1, 2, 2, 4]);
    let first = [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0];
    let wanted: Vec<f32> = first.into_iter().chain(first.map(|value| value + 8.0)).collect();
    assert_eq!(found.to_vec_f32().unwrap(), wanted);
}

#[test]
fn class_activation_starts_as_the_identity_and_weighs_channels() {
    let network =
        Network::build("attention", &setup(double()), |b| ClassActivation::new(b, CHANNELS, &PLAN)).unwrap();
    let (maps, logits) = network.evaluate(None, |attention, pass| attention.run(pass, &input())).unwrap();
    assert_near(&maps, &input(), 1e-12);
    let weights = network.parameters().weights();
    let names: Vec<&str> = weights.names().iter().map(String::as_str).collect();
    assert_eq!(names, ["classifier.weight", "mix.weight", "mix.bias", "amount"]);
    let [classifier, mix] = [0, 1].map(|place| weights.values()[place].clone());
    let flat = input().reshape(&[2, CHANNELS, 15]).unwrap();
    let pooled = Variable::concatenate(&[&flat.mean(&[2]).unwrap(), &flat.max(2).unwrap()], 1).unwrap();
    assert_near(
        &logits,
        &pooled.matmul(&classifier.transposed().unwrap()).unwrap().reshape(&[2]).unwrap(),
        1e-9,
    );
    // With lambda 2: x + 2 mix(w * [x, x]).
    let mut values = weights.values().to_vec();
    values[3] = Variable::leaf(values[3].full_like(2.0).unwrap().tensor().clone());
    let given = weights.with_values(values).unwrap();
    let (maps, _) = network.evaluate(Some(&given), |attention, pass| attention.run(pass, &input())).unwrap();
    let twice = Variable::concatenate(&[&flat, &flat], 1).unwrap();
    let weighed = twice.mul(&classifier.reshape(&[1, 2 * CHANNELS, 1]).unwrap()).unwrap();
    let kernel = mix.reshape(&[1, CHANNELS, 2 * CHANNELS]).unwrap();
    let kernel = kernel.broadcast_to(&[2, CHANNELS, 2 * CHANNELS]).unwrap();
    let wanted = flat.add(&kernel.matmul(&weighed).unwrap().scale(2.0).unwrap()).unwrap();
    assert_near(&maps, &wanted.reshape(input().shape()).unwrap(), 1e-9);
}

fn discriminator(
    recipe: EncodingDiscriminatorRecipe,
    side: usize,
) -> brigand_core::Result<Network<EncodingDiscriminator>> {
    Network::build("discriminator", &setup(brigand_core::Place::cpu()), |b| {
        EncodingDiscriminator::new(b, &recipe, [3, side, side])
    })
}

/// At the paper's halvings and 256x256 pixels: codes of 64x64, 30x30 scores of 70x70 patches, 6x6 of larger ones.
#[test]
fn heads_score_patches_of_two_sizes_and_the_code_is_a_quarter_of_the_image() {
    let recipe = EncodingDiscriminatorRecipe { width: 2, local_halvings: 1, global_halvings: 3 };
    let network = discriminator(recipe, 256).unwrap();
    let images = normal(&[1, 3, 256, 256], 1);
    let scored = network.evaluate(None, |module, pass| module.score(pass, &images)).unwrap();
    let shapes: Vec<&[usize]> = scored.scores.iter().map(Variable::shape).collect();
    assert_eq!(shapes, [&[1, 1, 30, 30][..], &[1, 1, 6, 6], &[1]]);
    assert_eq!(
        (scored.also.shape(), scored.scores.len()),
        (&[1, 4, 64, 64][..], EncodingDiscriminator::HEADS)
    );
    for doubling in [Doubling::PixelShuffle, Doubling::Nearest] {
        let recipe = CodeTranslatorRecipe { width: 3, blocks: 1, doubling };
        let translator = Network::build("translator", &setup(brigand_core::Place::cpu()), |b| {
            CodeTranslator::new(b, &recipe, (4, 3))
        });
        let made = translator.unwrap().evaluate(None, |t, pass| t.run(pass, &scored.also)).unwrap();
        assert_eq!(made.shape(), images.shape(), "{doubling:?}");
    }
}

#[test]
fn images_that_leave_no_score_are_refused() {
    let recipe = EncodingDiscriminatorRecipe { width: 2, local_halvings: 0, global_halvings: 1 };
    assert!(discriminator(recipe, 24).is_ok());
    let message = discriminator(recipe, 20).err().unwrap().to_string();
    assert!(message.contains("at least 24x24") && message.contains("20x20"), "{message}");
    let images = normal(&[1, 3, 26, 28], 1);
    let network = discriminator(recipe, 24).unwrap();
    let message =
        network.evaluate(None, |module, pass| module.encode(pass, &images)).err().unwrap().to_string();
    assert!(message.contains("28x26") && message.contains("multiples of 4"), "{message}");
    let wrong = EncodingDiscriminatorRecipe { local_halvings: 2, global_halvings: 2, ..recipe };
    assert!(wrong.check().unwrap_err().to_string().contains("global_halvings is 2; give 3 to 6"));
}
