//! Claims: generated detail has the energy of real detail, and follows from the smaller image it is made for; small images
//! are upscaled to images that are small again as they were.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use super::conditional::class_match;
use crate::support::sample_quality::Classifier;
use crate::support::{refusal, session, trained};
use brigand::batch::Batch;
use brigand::data::{Dataset, Options, load};
use brigand::pyramid::{PyramidRecipe, Reduction};
use brigand::session::Session;
use brigand_autograd::Variable;

const PYRAMID: PyramidRecipe = PyramidRecipe { reduction: Reduction::Blur, smallest: 4 };

fn mean_square(of: &Variable) -> f64 {
    of.square().unwrap().mean_all().unwrap().scalar().unwrap()
}

/// The mean square of the band of images of 8x8.
fn energy(images: &Variable) -> f64 {
    mean_square(&PYRAMID.take_apart(images, 1).unwrap().bands[0].detail)
}

fn digits() -> (Dataset, Variable, Vec<u32>) {
    let digits = load(&"digits".parse().unwrap(), &Options::default()).unwrap();
    let batch = digits.get(&(0..500).collect::<Vec<_>>()).unwrap();
    let images = Variable::from_slice(&batch.values, &batch.shape).unwrap();
    (digits, images, batch.labels.unwrap())
}

/// What the run makes of a batch of images of 4x4 pixels.
fn upscaled(session: &Session, small: Batch) -> brigand::Result<Variable> {
    let translator = session.system().as_translator().unwrap();
    translator.translate(&translator.directions()[0], &small)
}

#[test]
fn detail_has_the_energy_of_real_detail_and_belongs_to_its_image() {
    let (data, real, labels) = digits();
    let classifier = Classifier::train(&data, data.len(), 3000);
    let small = PYRAMID.halve(&real).unwrap();
    let run = trained("lapgan", "training.steps=1500");
    let sampled = energy(&run.system().sampler().unwrap().sample(500, 1).unwrap()) / energy(&real);
    let large = upscaled(&run, Batch::of(small.clone()).labelled(labels.clone())).unwrap();
    let of_real = energy(&large) / energy(&real);
    let again = mean_square(&PYRAMID.halve(&large).unwrap().sub(&small).unwrap());
    let blurred = classifier.match_share(&PYRAMID.double(&small).unwrap(), &labels);
    let kept = classifier.match_share(&large, &labels);
    let matched = class_match(run.system());
    println!(
        "energy {sampled:.3} of samples, {of_real:.3} upscaled; small again {again:.4}; class of blurred {blurred:.3}, \
         upscaled {kept:.3}, asked for {matched:.3}"
    );
    assert!((0.5..2.0).contains(&sampled) && (0.5..2.0).contains(&of_real), "{sampled} {of_real}");
    assert!(again < 0.02, "{again}");
    // 4x4 pixels leave the class of a digit open; the label decides the detail.
    assert!(kept > 0.9 && kept > blurred + 0.1, "{kept} upscaled, {blurred} blurred");
    assert!(matched >= 0.75, "{matched}");
}

#[test]
fn only_the_smaller_sizes_are_upscaled() {
    let session = session("lapgan", "data.size=16").unwrap();
    for side in [4, 8] {
        let small = Variable::from_slice(&vec![0f32; 2 * side * side], &[2, 1, side, side]).unwrap();
        assert_eq!(upscaled(&session, Batch::of(small)).unwrap().shape(), [2, 1, 16, 16]);
    }
    for shape in [[1, 1, 16, 16], [1, 1, 5, 5], [1, 3, 4, 4]] {
        let other = Variable::from_slice(&vec![0f32; shape.iter().product()], &shape).unwrap();
        let message = upscaled(&session, Batch::of(other)).err().unwrap().to_string();
        assert!(message.contains("4x4 or 8x8 in 1 channels"), "{message}");
    }
}

#[test]
fn what_is_no_pyramid_is_refused() {
    assert!(refusal("lapgan", "data.source=ring8").contains("needs images"));
    assert!(refusal("lapgan", "data.size=9").contains("images of 9x9 cannot be halved"));
    assert!(refusal("lapgan", "pyramid.smallest=5").contains("at least 10"));
    assert!(refusal("lapgan", "pyramid.smallest=1").contains("pyramid.smallest"));
    assert!(refusal("lapgan", "detail.unknown_class=2").contains("detail.unknown_class"));
    assert!(refusal("lapgan", "detail.noise=-1").contains("detail.noise"));
    assert!(refusal("lapgan", "detail.generator.width=0").contains("detail.generator.width"));
}
