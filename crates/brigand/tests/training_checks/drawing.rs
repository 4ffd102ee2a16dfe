//! Claims about systems that draw in steps: DRAW bounds the likelihood of held-out digits, better in eight steps than in
//! one; GRAN's last canvas is nearer to the data than its first.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use crate::support::{refusal, session, session_with_held_out, trained};
use brigand::batch::Batch;
use brigand::capability::{Content, Showing};
use brigand::evaluation::{Features, FrechetDistance, Moments};
use brigand::system::System;
use brigand_autograd::Variable;

const STEPS: u64 = 600;

/// The bound for held-out digits after a short run, in nats.
fn bound(words: &str) -> f64 {
    let words =
        format!("training.steps={STEPS} held_out.every={STEPS} encoder.hidden=64 decoder.hidden=64 {words}");
    let mut session = session_with_held_out("draw", &words).unwrap();
    let bound = session.advance_to(STEPS).unwrap()["held_out_elbo_loss"];
    println!("{words}: {bound}");
    bound
}

#[test]
fn draw_bounds_the_likelihood_better_in_eight_steps_than_in_one() {
    let (eight, one) = (bound("latent.size=2"), bound("latent.size=2 drawing.steps=1"));
    assert!(eight < 25.9 && one > eight + 0.5, "{eight} {one}");
}

/// The images of a series that a system shows.
fn shown(system: &dyn System, (series, seed): (&str, u64)) -> (Variable, usize) {
    let examples = Batch::of(Variable::from_slice(&[0.0_f32; 64], &[1, 1, 8, 8]).unwrap());
    let showing = Showing { seed, examples: &examples, count: 1 };
    let found = system.show(&showing).unwrap().into_iter().find(|exhibit| exhibit.series == series);
    match found.unwrap_or_else(|| panic!("no series {series}")).content {
        Content::Images { images, columns } => (images, columns),
        Content::Rows { .. } | Content::Animation { .. } | Content::Text(_) => {
            panic!("{series} is no series of images")
        }
    }
}

/// The Fréchet distance of pixels between so many samples after each step of their drawing and the digits.
fn distances(system: &dyn System, times: u64) -> Vec<f64> {
    let data = brigand::data::load(&"digits".parse().unwrap(), &Default::default()).unwrap();
    let all: Vec<usize> = (0..data.len()).collect();
    let moments = |values: Vec<f32>| Moments::of(&Features::new(values, 64).unwrap()).unwrap();
    let real = moments(data.get(&all).unwrap().values);
    let (_, columns) = shown(system, ("canvas", 0));
    let mut canvases = vec![Vec::new(); columns];
    for seed in 0..times {
        let values = shown(system, ("canvas", seed)).0.to_vec_f32().unwrap();
        for (number, image) in values.chunks(64).enumerate() {
            canvases[number % columns].extend_from_slice(image);
        }
    }
    canvases
        .into_iter()
        .map(|values| FrechetDistance::between(&real, &moments(values)).unwrap().value)
        .collect()
}

#[test]
fn the_last_canvas_of_gran_is_nearer_to_the_data_than_the_first() {
    let gran = trained("gran", "training.steps=600 generator.width=16 discriminator.width=16");
    let found = distances(gran.system(), 60);
    println!("{found:?}");
    assert!(found.len() == 3 && found[2] < 0.8 * found[0], "{found:?}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    for (words, part) in [
        ("drawing.steps=0", "drawing.steps is 0"),
        ("drawing.steps=257", "give 1 to 256"),
        ("drawing.steps=200 latent.size=1000", "200000 numbers"),
        ("encoder.attention=1", "encoder.attention is 1"),
        ("decoder.attention=65", "decoder.attention is 65"),
        ("encoder.hidden=0", "encoder.hidden is 0"),
        ("clip_norm=-1.0", "clip_norm is -1"),
        ("latent.prior=uniform", "latent.prior must be normal"),
        ("data.source=ring8", "needs images"),
    ] {
        let found = refusal("draw", words);
        assert!(found.contains(part), "{words}: {found}");
    }
    assert!(refusal("gran", "generator.steps=0").contains("generator.steps"));
    assert!(refusal("gran", "generator.noise=fresh").contains("divided among 3 steps"));
    assert!(refusal("gran", "condition.generator=batch-norm").contains("condition.generator=latent"));
    let fresh =
        "generator.noise=fresh latent.size=12 generator.width=4 discriminator.width=4 training.batch=8";
    session("gran", fresh).unwrap().advance_to(1).unwrap();
    let whole = "encoder.attention=0 decoder.attention=0 training.batch=8 drawing.steps=2";
    session("draw", whole).unwrap().advance_to(1).unwrap();
}
