//! GANILLA's translator: its size, and that the largest maps reach the output without passing the smallest.

use brigand_autograd::Variable;
use brigand_core::Place;
use brigand_core::modules::Network;
use brigand_core::networks::{GanillaRecipe, ImageTranslator, TranslatorRecipe};

use crate::support::{normal, setup};

fn translator(width: usize, pooled: bool) -> Network<ImageTranslator> {
    let recipe = TranslatorRecipe::Ganilla(GanillaRecipe { width, pooled });
    Network::build("translator", &setup(Place::cpu()), |b| ImageTranslator::new(b, &recipe, (3, 3))).unwrap()
}

/// Weights of a convolution without bias, its normalisation included.
fn normed(kernel: usize, from: usize, to: usize) -> usize {
    kernel * kernel * from * to + 2 * to
}

#[test]
fn it_has_the_weights_of_the_paper() {
    let mut wanted = normed(7, 3, 64);
    let mut from = 64;
    for (stride, to) in [(1, 64), (2, 128), (2, 128), (2, 256)] {
        for (from, stride) in [(from, stride), (to, 1)] {
            wanted += normed(3, from, to) + normed(3, to, to) + normed(3, 2 * to, to);
            wanted += if stride != 1 || from != to { normed(1, from, to) } else { 0 };
        }
        wanted += to * 128 + 128;
        from = to;
    }
    wanted += 9 * 128 * 64 + 64 + 49 * 64 * 3 + 3;
    assert_eq!(translator(64, true).parameters().weights().count(), wanted);
}

/// With the laterals of the smaller maps at 0 the output is a function of the largest maps alone.
#[test]
fn maps_of_every_size_reach_the_output() {
    for pooled in [true, false] {
        every_size_reaches(&translator(4, pooled));
    }
}

fn every_size_reaches(network: &Network<ImageTranslator>) {
    let images = normal(&[1, 3, 32, 48], 1);
    let weights = network.parameters().weights();
    let without = |off: &[&str]| -> Vec<f32> {
        let values = weights.names().iter().zip(weights.values()).map(|(name, value)| {
            if off.iter().any(|path| name.starts_with(path)) {
                return Variable::leaf(value.full_like(0.0).unwrap().tensor().clone());
            }
            // Enough for a difference to show behind the tanh.
            let scaled = if name.ends_with("weight") { 5.0 } else { 1.0 };
            Variable::leaf(value.scale(scaled).unwrap().tensor().clone())
        });
        let given = weights.with_values(values.collect()).unwrap();
        let made = network.evaluate(Some(&given), |module, pass| module.run(pass, &images)).unwrap();
        assert_eq!(made.shape(), images.shape());
        made.to_vec_f32().unwrap()
    };
    let whole = without(&[]);
    for number in 0..4 {
        let apart = without(&[&format!("lateral{number}")]);
        let change = whole.iter().zip(&apart).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(change > 1e-4, "lateral{number} changes the output by {change}");
    }
    let largest = ["lateral1", "lateral2", "lateral3"];
    let smaller_layers = ["lateral1", "lateral2", "lateral3", "layer1", "layer2", "layer3"];
    assert_eq!(without(&largest), without(&smaller_layers));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    for (pooled, height, width, advice) in [
        (true, 40, 32, "multiples of 16 and at least 32"),
        (true, 32, 24, "multiples of 16 and at least 32"),
        (true, 16, 16, "multiples of 16 and at least 32"),
        (false, 20, 16, "multiples of 8 and at least 16"),
        (false, 8, 16, "multiples of 8 and at least 16"),
    ] {
        let (network, images) = (translator(2, pooled), normal(&[1, 3, height, width], 1));
        let message =
            network.evaluate(None, |module, pass| module.run(pass, &images)).err().unwrap().to_string();
        assert!(message.contains(advice), "{message}");
    }
    let recipe = TranslatorRecipe::Ganilla(GanillaRecipe { width: 0, pooled: true });
    assert!(recipe.check().unwrap_err().to_string().contains("translator.width is 0"));
}
