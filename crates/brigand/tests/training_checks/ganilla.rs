//! Claim: photographs become illustrations, which a classifier of the two styles takes for illustrations, and everything stays
//! where it was.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;

use crate::support::{refusal, session};
use brigand::batch::{Batch, HostField, IMAGES, NumberKey, PARTNER, SECOND, Source};
use brigand::data::{Options, open, open_test_part};
use brigand::modules::{
    Activate, Chain, Convolution, How, Initialization, Mode, Network, Plan, SumPositions, Window,
};
use brigand::players::{Optimizer, OptimizerRecipe};
use brigand::random::Stream;
use brigand::{Place, Setup};
use brigand_autograd::{Activation, Variable, grad};

const STEPS: u64 = 1500;

fn images(source: &dyn Source, key: NumberKey, numbers: &[usize]) -> Variable {
    let mut fields = source.get(numbers, &mut Stream::new(0, "a test", 0)).unwrap();
    let Some(HostField::Numbers(values, shape)) = fields.remove(key.0) else {
        panic!("{} are numbers", key.0)
    };
    Variable::from_slice(&values, &shape).unwrap()
}

/// Tells illustrations from photographs.
struct StyleClassifier {
    network: Network<Chain>,
    weights: brigand::modules::Weights,
}

impl StyleClassifier {
    /// Trained on the pictures of both domains.
    fn train() -> Self {
        let setup = Setup { schema: Default::default(), batch: 32, steps: 60, seed: 3, place: Place::cpu() };
        let plan = Plan::new(Initialization::Glorot);
        let network = Network::build("style", &setup, |b| {
            let mut layers = Chain::new();
            for (number, channels) in [(3, 8), (8, 16), (16, 16)].into_iter().enumerate() {
                layers.push_named(b, format!("down{number}"), |b| {
                    Convolution::new(b, channels, Window::HALVING, &plan)
                })?;
                layers.push_plain(Activate(Activation::LeakyRelu(0.2)));
            }
            layers.push_named(b, "score", |b| Convolution::new(b, (16, 1), Window::same(1), &plan))?;
            layers.push_plain(SumPositions);
            Ok(layers)
        });
        let mut network = network.unwrap();
        let mut weights = network.parameters().weights().clone();
        let mut optimizer = Optimizer::new(OptimizerRecipe::adam(2e-3, 0.9, 0.999), &weights).unwrap();
        let data = open(&"landscapes".parse().unwrap(), &Options::default()).unwrap();
        for step in 0..60 {
            let numbers: Vec<usize> = (step * 16..step * 16 + 16).collect();
            let how = || How { weights: Some(&weights), ..How::plain(Mode::Training) };
            let mut scores = |place: usize, key| {
                let images = images(data.sources[place].as_ref(), key, &numbers);
                network.run(how(), |layers, pass| layers.run(pass, &images)).unwrap()
            };
            let (photographs, illustrations) = (scores(0, IMAGES), scores(1, SECOND));
            let loss = photographs.softplus().unwrap().mean_all().unwrap();
            let loss = loss
                .add(&illustrations.scale(-1.0).unwrap().softplus().unwrap().mean_all().unwrap())
                .unwrap();
            let gradients = grad(&loss, &weights.values().iter().collect::<Vec<_>>(), false).unwrap();
            weights = optimizer.step_all(&weights, &gradients).unwrap();
        }
        Self { network, weights }
    }

    /// The share of images that it takes for illustrations.
    fn illustrated(&self, images: &Variable) -> f64 {
        let scores =
            self.network.sample(Some(&self.weights), images, |layers, pass| layers.run(pass, images));
        let scores = scores.unwrap().to_vec_f32().unwrap();
        scores.iter().filter(|score| **score > 0.0).count() as f64 / scores.len() as f64
    }
}

/// The pixels of images as colours.
fn pixels(images: &Variable) -> Vec<[f32; 3]> {
    let (count, _, height, width) = images.dims4("images").unwrap();
    let (values, area) = (images.to_vec_f32().unwrap(), height * width);
    let pixel = |at: usize| {
        let (sample, place) = (at / area, at % area);
        [0, 1, 2].map(|channel| values[(sample * 3 + channel) * area + place])
    };
    (0..count * area).map(pixel).collect()
}

/// The share of pixels whose nearest colour of the illustrations is their partner's: each kind of thing has one.
fn kept(translated: &Variable, partners: &Variable) -> f64 {
    let level = |value: f32| ((value + 1.0) * 127.5).round() as u8;
    let partners = pixels(partners);
    let palette: BTreeMap<[u8; 3], [f32; 3]> =
        partners.iter().map(|pixel| (pixel.map(level), *pixel)).collect();
    assert_eq!(palette.len(), 9, "eight colours and that of outlines");
    let found = pixels(translated);
    let nearest = |pixel: &[f32; 3]| {
        let distance =
            |colour: &[f32; 3]| -> f32 { pixel.iter().zip(colour).map(|(a, b)| (a - b).powi(2)).sum() };
        palette.iter().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map(|(key, _)| *key).unwrap()
    };
    let right = found.iter().zip(&partners).filter(|(pixel, partner)| nearest(pixel) == partner.map(level));
    right.count() as f64 / partners.len() as f64
}

/// The style score and the share of the layout that is kept, of translated held-out photographs.
fn measured(system: &str, words: &str) -> (f64, f64) {
    let words = format!("data.source=landscapes training.steps={STEPS} held_out.every=0 {words}");
    let mut session = session(system, &words).unwrap();
    session.advance_to(STEPS).unwrap();
    let parts = open_test_part(&"landscapes".parse().unwrap(), &Options::default()).unwrap();
    let (source, numbers): (_, Vec<usize>) = (parts[0].as_ref().unwrap(), (0..100).collect());
    let (photographs, partners) =
        (images(source.as_ref(), IMAGES, &numbers), images(source.as_ref(), PARTNER, &numbers));
    let classifier = StyleClassifier::train();
    let real = (classifier.illustrated(&photographs), classifier.illustrated(&partners));
    assert!(real.0 < 0.02 && real.1 > 0.98, "the classifier of styles: {real:?}");
    let translator = session.system().as_translator().unwrap();
    let translated =
        translator.translate(&translator.directions()[0], &Batch::of(photographs.clone())).unwrap();
    let found = (classifier.illustrated(&translated), kept(&translated, &partners));
    println!(
        "{system} {words}: style {:.3}, layout {:.3}; photographs {:.3}",
        found.0,
        found.1,
        kept(&photographs, &partners)
    );
    found
}

#[test]
fn photographs_become_illustrations_of_the_same_scene() {
    let (style, layout) = measured("ganilla", "");
    assert!(style > 0.85 && layout > 0.8, "style {style:.3} layout {layout:.3}");
}

/// Without the cycle loss the style is learned and the scene is not kept.
#[test]
fn without_the_cycle_loss_the_layout_is_lost() {
    let (_, layout) = measured("ganilla", "losses.cycle=0");
    assert!(layout < 0.69, "layout {layout:.3}");
}

#[test]
fn what_cannot_be_translated_is_refused() {
    for (words, advice) in [
        ("data.size=36", "multiples of 8 and at least 16"),
        ("data.size=40 translator.pooled=true", "multiples of 16 and at least 32"),
    ] {
        let message = refusal("ganilla", words);
        assert!(message.contains(advice) && message.contains("data.size"), "{message}");
    }
    assert!(refusal("ganilla", "data.source=digits").contains("`second`"));
    assert!(refusal("ganilla", "data.source=ring8").contains("ganilla needs images of two domains"));
    assert!(refusal("ganilla", "translator.blocks=3").contains("no key `translator.blocks`"));
    assert!(refusal("ganilla", "translator.kind=x").contains("residual"));
}
