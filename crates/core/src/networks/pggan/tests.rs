//! Claims: a block that begins to fade in changes nothing; weights are scaled by their fan.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::batch::Schema;
use crate::modules::Network;
use crate::random::Stream;
use crate::{Place, Setup};

const RECIPE: GrowingNetworkRecipe = GrowingNetworkRecipe { width: 3, widest: 10 };

fn setup() -> Setup {
    Setup { schema: Schema::default(), batch: 2, steps: 1, seed: 1, place: Place::cpu() }
}

fn normal(shape: &[usize]) -> Variable {
    Variable::from_slice(&Stream::new(3, "a test", 0).normal(shape.iter().product()), shape).unwrap()
}

fn stage(doublings: usize, share: f64) -> Stage {
    Stage { doublings, share }
}

#[test]
fn a_block_that_begins_to_fade_in_changes_no_image() {
    let make = |b: &mut Builder| GrowingGenerator::new(b, &RECIPE, 5, (2, 2));
    let generator = Network::build("generator", &setup(), make).unwrap();
    let latents = normal(&[3, 5]);
    let at = |stage| generator.evaluate(None, |g, pass| g.run(pass, &latents, stage)).unwrap();
    for doublings in [1, 2] {
        let (former, begins) = (at(stage(doublings - 1, 1.0)), at(stage(doublings, 0.0)));
        let side = stage(doublings, 0.0).side();
        assert_eq!(begins.shape(), [3, 2, side, side]);
        let former = former.resize_nearest(side, side).unwrap().to_vec().unwrap();
        assert_eq!(begins.to_vec().unwrap(), former);
        // Half the way it is half of both.
        let (half, whole) = (at(stage(doublings, 0.5)), at(stage(doublings, 1.0)));
        let (half, whole) = (half.to_vec().unwrap(), whole.to_vec().unwrap());
        let wanted = former.iter().zip(&whole).map(|(former, whole)| (former + whole) / 2.0);
        assert!(half.iter().zip(wanted).all(|(half, wanted)| (half - wanted).abs() < 1e-5));
        assert!(whole != former);
    }
}

#[test]
fn a_block_that_begins_to_fade_in_changes_no_score() {
    let make = |b: &mut Builder| GrowingDiscriminator::new(b, &RECIPE, true, (2, 2));
    let discriminator = Network::build("discriminator", &setup(), make).unwrap();
    assert!(discriminator.module.couples_samples() && discriminator.parameters().couples_samples());
    let at = |images: &Variable, stage| {
        let input = StagedImages { images: images.clone(), stage };
        let scored = discriminator.evaluate(None, |d, pass| d.score(pass, &input)).unwrap();
        scored.single().unwrap().to_vec().unwrap()
    };
    for doublings in [1, 2] {
        let side = FIRST_SIDE << doublings;
        let images = normal(&[4, 2, side, side]);
        let smaller = images.avg_pool2d(2, 2, 0).unwrap();
        let (former, begins) = (at(&smaller, stage(doublings - 1, 1.0)), at(&images, stage(doublings, 0.0)));
        assert_eq!(former, begins);
        assert_ne!(begins, at(&images, stage(doublings, 1.0)));
    }
}

#[test]
fn real_images_fade_as_generated_ones_do() {
    let images = normal(&[2, 1, 16, 16]);
    let quarter = images.avg_pool2d(4, 4, 0).unwrap();
    let found = stage(0, 1.0).of_images(&images).unwrap();
    assert_eq!(found.to_vec().unwrap(), quarter.to_vec().unwrap());
    let begins = stage(1, 0.0).of_images(&images).unwrap().to_vec().unwrap();
    let enlarged = quarter.resize_nearest(8, 8).unwrap().to_vec().unwrap();
    assert!(begins.iter().zip(&enlarged).all(|(a, b)| (a - b).abs() < 1e-6));
    assert_eq!(stage(2, 1.0).of_images(&images).unwrap().to_vec().unwrap(), images.to_vec().unwrap());
}

/// `x W^T gain / sqrt(fan_in)` for weights from the standard normal: the mean square of outputs is that of inputs times
/// gain².
#[test]
fn weights_are_drawn_alike_and_scaled_by_their_fan() {
    let recipe = GrowingNetworkRecipe { width: 64, widest: 64 };
    let make = |b: &mut Builder| GrowingGenerator::new(b, &recipe, 64, (64, 1));
    let generator = Network::build("generator", &setup(), make).unwrap();
    let mean_square = |of: &Variable| of.square().unwrap().mean_all().unwrap().scalar().unwrap();
    let weights = generator.parameters().weights();
    for (name, weight) in weights.names().iter().zip(weights.values()) {
        let wanted = if name.ends_with("bias") { 0.0 } else { 1.0 };
        assert!((mean_square(weight) - wanted).abs() < 0.1, "{name}");
    }
    let latents = normal(&[200, 64]);
    // Pixel norm gives the last convolution inputs of mean square 1, and its gain is 1.
    let images = generator.evaluate(None, |g, pass| g.run(pass, &latents, stage(0, 1.0))).unwrap();
    assert!((mean_square(&images) - 1.0).abs() < 0.2, "{}", mean_square(&images));
}

#[test]
fn only_doublings_of_4_are_grown_to() {
    assert_eq!([8, 16, 32, 64, 128].map(|side| doublings_to([side, side]).unwrap()), [1, 2, 3, 4, 5]);
    for (size, advice) in [
        ([28, 28], "data.size=32"),
        ([4, 4], "data.size=8"),
        ([12, 12], "data.size=16"),
        ([8, 16], "data.size=16"),
    ] {
        let message = doublings_to(size).err().unwrap().to_string();
        assert!(message.contains("do not grow from 4x4") && message.contains(advice), "{message}");
    }
}
